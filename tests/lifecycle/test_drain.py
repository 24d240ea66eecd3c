"""SIGTERM: no request is lost, and health checks notice before."""

from __future__ import annotations

import asyncio
import signal

from tests.cli.processes import command
from tests.lifecycle.clients import client, connected, until, until_refused
from tests.lifecycle.upstreams import ANSWER, held_upstream, query, settings


async def test_requests_under_way_are_answered_new_connections_refused_and_the_status_is_0() -> None:
    async with held_upstream() as upstream, command("serve", "--port", "0", **settings(upstream)) as gateway:
        admin = await gateway.line("admin port: ")
        url = await gateway.url()
        async with connected(url, 20) as connections, client() as probe:
            for number, connection in enumerate(connections):
                connection.send(query(number))
            await upstream.wait_for(20)
            gateway.send(signal.SIGTERM)
            await until_refused(url)
            draining = await probe.get(f"{admin}/readyz")
            alive = await probe.get(f"{admin}/livez")
            upstream.open.set()
            answers = [await connection.answer() for connection in connections]
            ended = [await connection.ends() for connection in connections]
        status, error_output = await gateway.ended()

    assert [(code, headers["connection"], body) for code, headers, body in answers] == [
        (200, "close", ANSWER)
    ] * 20
    assert ended == [True] * 20
    assert (draining.status_code, draining.json()["ready"], draining.json()["state"]) == (503, False, "draining")
    assert (alive.status_code, alive.text) == (200, "ok\n")
    assert status == 0
    for word in ("Traceback", "Exception", '"level":"error"', '"level":"warning"', "c4n4ry"):
        assert word not in error_output


async def test_an_idle_connection_gets_one_more_answer_which_says_that_it_is_the_last() -> None:
    async with (
        held_upstream(is_open=True) as upstream,
        command("serve", "--port", "0", **settings(upstream)) as gateway,
    ):
        url = await gateway.url()
        async with connected(url, 2) as (used, unused):
            used.send(query(1))
            _, before, _ = await used.answer()
            gateway.send(signal.SIGTERM)
            await until_refused(url)
            used.send(query(2))
            unused.send(query(3))
            last = [await used.answer(), await unused.answer()]
            ended = [await used.ends(), await unused.ends()]
        status, _ = await gateway.ended()

    assert "connection" not in before
    assert [(code, headers["connection"], body) for code, headers, body in last] == [(200, "close", ANSWER)] * 2
    assert (ended, status) == ([True, True], 0)


async def test_requests_that_wait_in_a_line_are_all_answered() -> None:
    async with held_upstream() as upstream, command("serve", "--port", "0", **settings(upstream)) as gateway:
        url = await gateway.url()
        async with connected(url) as (connection,):
            for number in range(3):
                connection.send(query(number))
            await upstream.wait_for(1)
            gateway.send(signal.SIGTERM)
            await until_refused(url)
            upstream.open.set()
            answers = [await connection.answer() for _ in range(3)]
            ended = await connection.ends()
        status, _ = await gateway.ended()

    assert [body for _, _, body in answers] == [ANSWER] * 3
    assert [headers.get("connection") for _, headers, _ in answers] == [None, None, "close"]
    assert (ended, status) == (True, 0)


async def test_an_idle_connection_is_closed_when_the_time_is_up() -> None:
    # The time for a request, and a second.
    given = {"KONAGRAPH_REQUEST_TIMEOUT": "0.2"}
    async with (
        held_upstream() as upstream,
        command("serve", "--port", "0", **settings(upstream, **given)) as gateway,
    ):
        url = await gateway.url()
        async with connected(url) as (connection,):
            gateway.send(signal.SIGTERM)
            ended = await connection.ends()
            status, _ = await gateway.ended()

    assert (ended, status) == (True, 0)


async def test_a_person_who_presses_ctrl_c_does_not_wait_for_idle_connections() -> None:
    async with held_upstream() as upstream, command("serve", "--port", "0", **settings(upstream)) as gateway:
        url = await gateway.url()
        async with connected(url) as (connection,):
            gateway.send(signal.SIGINT)
            ended = await connection.ends()
            status, _ = await gateway.ended()

    assert (ended, status) == (True, 0)


async def test_with_a_delay_new_connections_are_served_while_readiness_is_gone_already() -> None:
    given = {"KONAGRAPH_DRAIN_DELAY": "1.5"}
    async with (
        held_upstream(is_open=True) as upstream,
        command("serve", "--port", "0", **settings(upstream, **given)) as gateway,
    ):
        admin = await gateway.line("admin port: ")
        url = await gateway.url()
        async with client() as probe:
            before = await probe.get(f"{admin}/readyz")
            gateway.send(signal.SIGTERM)
            await until(probe, f"{admin}/readyz", lambda answer: answer.status_code == 503)
            answer = await probe.post(url, json=query(1))
            await until_refused(url)
        status, _ = await gateway.ended()

    assert (before.status_code, before.json()["ready"]) == (200, True)
    assert (answer.status_code, answer.json()) == (200, ANSWER)
    assert status == 0


async def test_no_request_is_lost_when_a_gateway_ends_under_load() -> None:
    """Clients under constant load: every request is answered, or its connection was refused."""
    async with (
        held_upstream(is_open=True) as upstream,
        command("serve", "--port", "0", **settings(upstream)) as gateway,
    ):
        url = await gateway.url()
        answered = 0

        async def ask_on(first: int) -> None:
            nonlocal answered
            while True:
                try:
                    async with connected(url) as (connection,):
                        for number in range(first, first + 1_000_000):
                            connection.send(query(number))
                            status, headers, body = await connection.answer()
                            assert (status, body) == (200, ANSWER)
                            answered += 1
                            if headers.get("connection") == "close":
                                break
                except ConnectionRefusedError:
                    return

        clients = [asyncio.ensure_future(ask_on(number * 1_000_000)) for number in range(8)]
        await upstream.wait_for(100)
        gateway.send(signal.SIGTERM)
        await asyncio.gather(*clients)
        status, _ = await gateway.ended()

    assert status == 0
    assert answered == upstream.calls


async def test_a_body_that_never_comes_is_answered_at_the_end_and_not_waited_for() -> None:
    # The end comes 1.2 s after the signal, long before the body's own deadline.
    given = {"KONAGRAPH_REQUEST_TIMEOUT": "0.2"}
    async with (
        held_upstream() as upstream,
        command("serve", "--port", "0", **settings(upstream, **given)) as gateway,
    ):
        url = await gateway.url()
        async with connected(url) as (connection,):
            connection._writer.write(
                b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Content-Length: 100\r\n\r\n{"
            )
            await connection._writer.drain()
            gateway.send(signal.SIGTERM)
            code, headers, body = await connection.answer()
            status, error_output = await gateway.ended()

    assert (code, headers["connection"], headers["cache-control"]) == (503, "close", "private, no-store")
    assert body["errors"][0]["extensions"]["code"] == "OVERLOADED"
    assert status == 0
    assert "Traceback" not in error_output
