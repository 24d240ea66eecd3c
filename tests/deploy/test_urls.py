"""URLs of GET requests, over real sockets: neither the balancer nor the gateway, its traces or Redis keep any."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.cli.processes import command
from tests.deploy.asking_front import client
from tests.deploy.balancer import balancer, loopback_network
from tests.graphql.documents import hash_of
from tests.telemetry.collector import collector

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.security.redis_server import RedisServer

NUMBER, WORD = "9999888877776666", "c4n4ry"
GROUPS = " ".join(NUMBER[start : start + 4] for start in range(0, 16, 4))
DOCUMENT = "query Registered($on: Boolean!) { __typename @include(if: $on) }"
HASH = {"persistedQuery": {"version": 1, "sha256Hash": hash_of(DOCUMENT)}}
UNKNOWN = {"persistedQuery": {"version": 1, "sha256Hash": hash_of(WORD)}}


def url(**parameters: Any) -> str:
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in parameters.items()
    }
    return "/graphql?" + "&".join(f"{name}={quote(text)}" for name, text in texts.items())


ANSWERED = {
    url(query="{ __typename }", n=NUMBER, word=WORD): 200,
    url(query="{ __typename }", variables={"word": WORD}): 200,
    url(extensions=HASH, variables={"on": True, "word": WORD}): 200,
    # Sent again with its text, by clients of automatic persisted queries.
    url(query=DOCUMENT, extensions=HASH, variables={"on": True, "word": WORD}): 200,
    url(extensions=UNKNOWN, variables={"word": WORD}): 200,
    url(extensions=UNKNOWN, variables={"n": NUMBER}): 405,
    url(query="{ __typename }", variables={"n": GROUPS}): 405,
    url(query="{ __typename }", extensions={"n": NUMBER, "word": WORD}): 405,
    url(query="{ __typename }", operationName=f"Q{NUMBER}"): 405,
    url(query=f'{{ card(cardNo: "{NUMBER}") {{ balance }} }}'): 405,
    url(query="query ($n: CardNumber!) { card(cardNo: $n) { balance } }", variables={"word": WORD}): 405,
    url(query="{", variables={"n": NUMBER, "word": WORD}): 405,
    url(documentId=NUMBER): 200,
    url(query=WORD * 1_000, n=NUMBER): 414,
    f"/graphql?query=%7B{WORD}%ZZ{NUMBER}%FF": 400,
    f"/{NUMBER}?{WORD}": 404,
}


async def statuses(base: str, urls: Iterable[str]) -> list[int]:
    async with client(base) as asking:
        return [(await asking.get(target)).status_code for target in urls]


async def test_no_part_of_a_url_is_kept(tmp_path: Path, redis: RedisServer) -> None:
    host = f"{loopback_network()}.1"
    with collector() as traces:
        settings = {
            "KONAGRAPH_ADMIN_HOST": host,
            "KONAGRAPH_ADMIN_PORT": "9090",
            "KONAGRAPH_CARD_REF_KEY": "a key of these tests, long enough for one",
            "KONAGRAPH_LOG_LEVEL": "debug",
            "KONAGRAPH_OTEL_ENDPOINT": traces.endpoint,
            "KONAGRAPH_REDIS_URL": redis.patient_url,
            "KONAGRAPH_TRUSTED_PROXIES": "127.0.0.1/32",
        }
        async with (
            command("dev", "--host", host, "--port", "8000", **settings) as running,
            balancer(tmp_path / "haproxy.log", [host]) as front,
        ):
            await running.url()
            await front.until_up(1)
            directly = await statuses(f"http://{host}:8000", ANSWERED)
            balanced = await statuses(front.url, ANSWERED)
            await front.logged(len(ANSWERED))
            running.send(signal.SIGTERM)
            status, log = await running.ended()
        stored = await asyncio.to_thread(redis.contents)
    spans = "\n".join(map(str, traces.spans))
    assert (directly, balanced) == ([*ANSWERED.values()], [*ANSWERED.values()])
    # All of it was looked at.
    assert status == 0
    assert "PERSISTED_QUERY_NOT_FOUND" in log
    assert "Registered" in spans
    assert "konagraph:document:" in stored
    for kept in (front.log(), log, running.printed, spans, stored):
        assert NUMBER not in kept
        assert GROUPS not in kept
        assert WORD not in kept
