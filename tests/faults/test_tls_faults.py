"""An upstream whose TLS is not trusted or never established."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.faults.jumping_clock import jumping
from tests.faults.rows import AFTER_TWO_CALLS, TIMEOUT, UNAVAILABLE
from tests.faults.whole_gateway import ONLY_GOOD, Failure, failures, networked, open_files
from tests.konaplate.faulty_upstream import FaultyUpstream, drip, head, http, mute, silence
from tests.konaplate.tls_support import Mutual, by_hand, server_tls
from tests.tools import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.konaplate.faulty_upstream import Connection, Script
    from tests.support import Gateway

QUERY = ONLY_GOOD.replace("{ good", "{ __typename good", 1)
CONNECT, LONGEST_PAUSE, TOTAL = 1.0, 0.25, 2.5
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@asynccontextmanager
async def secured(script: Script, **variables: object) -> AsyncIterator[tuple[Gateway, FaultyUpstream]]:
    """A gateway that expects TLS from a script that does the handshake; nothing is left behind."""
    before = open_files()
    async with FaultyUpstream(script) as upstream:
        base_url = upstream.base_url.replace("http:", "https:")
        async with networked(base_url, AFTER_TWO_CALLS, **variables) as gateway:
            yield gateway, upstream
        await upstream.until_closed()
        await settle()
        assert {asyncio.current_task()} == asyncio.all_tasks() - upstream.tasks
    await settle()
    assert before == open_files()


async def assert_not_tried_again(tls: ssl.SSLContext, bundle: Path, **variables: object) -> None:
    loop = asyncio.get_running_loop()
    async with secured(by_hand(tls), KONAPLATE_CA_BUNDLE=bundle, **variables) as (gateway, upstream):
        for connections in (1, 2):
            answer = await gateway.query(QUERY)
            assert answer["data"] == {"__typename": "Query", "good": None}
            assert [Failure(["good"], UNAVAILABLE, retryable=True)] == failures(answer)
            assert {name: answer["errors"][0]["extensions"]["upstream"][name] for name in ("code", "status")} == {
                "code": None,
                "status": None,
            }
            assert connections == len(upstream.connections)
        # It counts as an outage.
        assert "retryAfterMs" in (await gateway.query(QUERY))["errors"][0]["extensions"]
        assert (len(upstream.connections), loop.time()) == (2, 0)


@jumping
async def test_an_expired_certificate_fails_the_call_once(authority: trustme.CA, bundle: Path) -> None:
    expired = authority.issue_cert("127.0.0.1", not_before=LONG_AGO, not_after=LONG_AGO + dt.timedelta(days=1))
    await assert_not_tried_again(server_tls(expired), bundle)


@jumping
async def test_a_certificate_of_another_host_fails_the_call_once(authority: trustme.CA, bundle: Path) -> None:
    await assert_not_tried_again(server_tls(authority.issue_cert("upstream.test")), bundle)


@jumping
async def test_a_certificate_of_another_authority_fails_the_call_once(bundle: Path) -> None:
    await assert_not_tried_again(server_tls(trustme.CA().issue_cert("127.0.0.1")), bundle)


@jumping
async def test_a_self_signed_certificate_fails_the_call_once(bundle: Path, tmp_path: Path) -> None:
    alone = trustme.CA()
    both = tmp_path / "self-signed.pem"
    both.write_bytes(alone.private_key_pem.bytes() + alone.cert_pem.bytes())
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(both)
    await assert_not_tried_again(tls, bundle)


@jumping
async def test_an_upstream_that_wants_a_certificate_of_ours_fails_the_call_once(
    authority: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    mutual = Mutual(authority, tmp_path)
    # The rejection is part of the handshake, unlike in TLS 1.3.
    mutual.tls.maximum_version = ssl.TLSVersion.TLSv1_2
    await assert_not_tried_again(mutual.tls, bundle)


@jumping
async def test_an_upstream_without_tls_is_tried_twice(bundle: Path) -> None:
    async def script(connection: Connection) -> None:
        await connection.send(http(b"speak plainly", "400 Bad Request"))

    loop = asyncio.get_running_loop()
    async with secured(script, KONAPLATE_CA_BUNDLE=bundle) as (gateway, upstream):
        answer = await gateway.query(QUERY)
        assert [Failure(["good"], UNAVAILABLE, retryable=True)] == failures(answer)
        assert len(upstream.connections) == 2
        assert loop.time() <= LONGEST_PAUSE


async def crawl(connection: Connection) -> None:
    """A handshake of one byte at a time."""
    for byte in b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(100):
        await connection.send(bytes([byte]))
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("script", [mute, crawl], ids=["silent", "slow"])
@jumping
async def test_a_handshake_without_end_is_given_up_at_the_connect_limit(script: Script, bundle: Path) -> None:
    loop = asyncio.get_running_loop()
    async with secured(script, KONAPLATE_CA_BUNDLE=bundle) as (gateway, upstream):
        answer = await gateway.query(QUERY)
        assert [Failure(["good"], TIMEOUT, retryable=True)] == failures(answer)
        assert len(upstream.connections) == 2
        assert 2 * CONNECT <= loop.time() <= 2 * CONNECT + LONGEST_PAUSE


@pytest.mark.parametrize(
    "script",
    [mute, silence(), drip(head("HTTP/1.1 200 OK"), b" ", 0.2)],
    ids=["silence", "silence after the request", "body in drops"],
)
@jumping
async def test_silence_within_tls_ends_with_the_upstreams_time(
    script: Script, authority: trustme.CA, bundle: Path
) -> None:
    loop, before = asyncio.get_running_loop(), open_files()
    upstream = FaultyUpstream(script, tls=server_tls(authority.issue_cert("127.0.0.1")))
    async with upstream, networked(upstream.base_url, KONAPLATE_CA_BUNDLE=bundle) as gateway:
        answer = await gateway.query(QUERY)
        assert pytest.approx(loop.time(), abs=0.001) == TOTAL
        await upstream.until_closed()
    assert [Failure(["good"], TIMEOUT, retryable=True)] == failures(answer)
    await settle()
    assert (before, {asyncio.current_task()}) == (open_files(), asyncio.all_tasks())
