"""The admin port of a real process: when it listens, and its responses during the start."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

from tests.cli.processes import command, run
from tests.lifecycle.clients import client, until
from tests.lifecycle.upstreams import ANSWER, held_upstream, query, settings
from tests.security.jwks_server import KeyServer, answer, unused_port
from tests.security.jwt_gateway import jwt_settings
from tests.security.jwt_maker import claims, ec_signer, key_set

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_gateway_whose_key_source_is_down_at_the_start_becomes_ready_by_itself() -> None:
    port = unused_port()
    signer = ec_signer()
    keys = {name: str(value) for name, value in jwt_settings(f"http://127.0.0.1:{port}/keys").items()}
    async with (
        held_upstream(is_open=True) as upstream,
        command("serve", "--port", "0", **settings(upstream, **keys)) as gateway,
        client() as probe,
    ):
        admin = await gateway.line("admin port: ")
        url = await gateway.url()
        before = await probe.get(f"{admin}/readyz")
        alive = await probe.get(f"{admin}/livez")
        async with KeyServer(answer(key_set(signer))).running(port):
            after = await until(probe, f"{admin}/readyz", lambda said: said.status_code == 200)
            headers = {"Authorization": f"Bearer {signer.token(claims(scope='cards:read:any'))}"}
            asked = await probe.post(url, json=query(1), headers=headers)

    assert (before.status_code, before.json()["keys"], before.json()["state"]) == (503, "missing", "started")
    assert alive.status_code == 200
    assert (after.json()["keys"], after.json()["ready"]) == ("loaded", True)
    assert (asked.status_code, asked.json()) == (200, ANSWER)


async def test_the_metrics_of_a_gateway_count_its_requests() -> None:
    async with (
        held_upstream(is_open=True) as upstream,
        command("serve", "--port", "0", **settings(upstream)) as gateway,
        client() as probe,
    ):
        admin = await gateway.line("admin port: ")
        url = await gateway.url()
        for number in range(3):
            await probe.post(url, json=query(number))
        metrics = await probe.get(f"{admin}/metrics")

    assert 'konagraph_responses_total{status="200",viewer="service"} 3.0' in metrics.text.splitlines()


async def test_the_gateways_own_port_says_nothing_of_readiness_and_metrics() -> None:
    async with (
        held_upstream() as upstream,
        command("serve", "--port", "0", **settings(upstream)) as gateway,
        client() as probe,
    ):
        url = await gateway.url()
        seen = [
            (await probe.get(url.replace("/graphql", path))).status_code
            for path in ("/livez", "/readyz", "/metrics")
        ]

    assert seen == [200, 404, 404]


async def test_an_admin_port_that_is_taken_is_named_and_nothing_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with held_upstream() as upstream:
            given = settings(upstream, KONAGRAPH_ADMIN_PORT=str(port))
            status, printed, error_output = await run("serve", "--port", "0", **given)

    assert (status, printed) == (1, "")
    assert error_output.splitlines()[-1] == (
        f"konagraph cannot listen on 127.0.0.1 port {port}: address already in use (KONAGRAPH_ADMIN_PORT): "
        "another program uses it; choose another port with KONAGRAPH_ADMIN_PORT"
    )


async def test_an_address_that_is_not_this_machines_is_named() -> None:
    async with held_upstream() as upstream:
        given = settings(upstream, KONAGRAPH_ADMIN_HOST="192.0.2.1")
        status, _, error_output = await run("serve", "--port", "0", **given)

    assert status == 1
    assert "konagraph cannot listen on 192.0.2.1 port 0: cannot assign requested address" in error_output


async def test_dev_opens_an_admin_port_only_when_it_is_set(tmp_path: Path) -> None:
    async with command("dev", "--port", "0", KONAGRAPH_ADMIN_PORT="") as dev:
        await dev.url()
        dev.send(signal.SIGTERM)
        await dev.ended()
    assert "admin port" not in dev.printed

    file = tmp_path / "port"
    file.write_text("0")
    async with (
        command("dev", "--port", "0", KONAGRAPH_ADMIN_PORT="", KONAGRAPH_ADMIN_PORT_FILE=str(file)) as dev,
        client() as probe,
    ):
        admin = await dev.line("admin port: ")
        assert (await probe.get(f"{admin}/readyz")).status_code == 200


async def test_neither_port_serves_a_name_that_a_page_could_have_made_mean_this_machine() -> None:
    async with command("dev", "--port", "0", KONAGRAPH_ADMIN_PORT="0", KONAGRAPH_ALLOWED_HOSTS="metrics") as dev:
        admin = await dev.line("admin port: ")
        url = await dev.url()
        async with client() as asking:

            async def status(address: str, host: str) -> int:
                return (await asking.get(address, headers={"Host": host})).status_code

            asked = f"{url}?query={{__typename}}"
            hosts = ("evil.example", "localhost", "127.0.0.1", "metrics:9090")
            assert [await status(asked, host) for host in hosts] == [400, 200, 200, 200]
            assert [await status(f"{admin}/metrics", host) for host in hosts] == [400, 200, 200, 200]
            counted = (await asking.get(f"{admin}/metrics")).text.splitlines()

    # The refusal on the admin port is none of the gateway's responses.
    assert 'konagraph_responses_total{status="400",viewer="none"} 1.0' in counted
    assert 'konagraph_errors_total{code="BAD_REQUEST"} 1.0' in counted
