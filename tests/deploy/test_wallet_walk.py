"""A walk through a member's wallet: nothing of it stays in a log, a trace, a metric or Redis."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Any, Final

from graph.sandbox.faults import FAULTS
from graph.sandbox.wallets import WALLETS
from graph.security.authorization import EVERY_SCOPE
from graph.security.development import DevelopmentSigner, signer_settings
from tests.cli.processes import command
from tests.clients.node import walk
from tests.clients.wallet_secrets import DEV_MEMBER, found_in, secrets_of
from tests.deploy.asking_front import client
from tests.deploy.balancer import balancer, loopback_network
from tests.telemetry.collector import collector

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.security.redis_server import RedisServer

CARDS: Final = [card for card in WALLETS if card.user_id == DEV_MEMBER]
EVERYTHING: Final = """
fragment Every on Card {
  id cardNo maskedCardNo balance physicalCard { cardNo } cashReceiptInfo { idNo } limits { day }
  virtualAccount { accountNo maskedAccountNo } taxDeduction { isRegistered }
  transactions(first: 20) {
    edges { cursor node { nrNumber merchantName bizLicenseNo approvalCode trAmount } }
    pageInfo { endCursor }
  }
}
"""
MINE: Final = (
    f"query Mine {{ viewer {{ member {{ userId profile {{ userName }} cards {{ ...Every }} }} }} }} {EVERYTHING}"
)
ONE: Final = f"query One($cardNo: CardNumber!) {{ card(cardNo: $cardNo) {{ ...Every }} }} {EVERYTHING}"
BY_ID: Final = f"query ById($id: ID!) {{ node(id: $id) {{ ...Every }} }} {EVERYTHING}"
NEXT: Final = """query Next($id: ID!, $after: String) {
  node(id: $id) { ... on Card { transactions(after: $after) { nodes { merchantName } } } }
}"""


def token_of_the_member(folder: Path) -> str:
    """A token with every scope."""
    signer, claims = DevelopmentSigner.in_directory(folder), {"konaplate_user_id": str(DEV_MEMBER)}
    return signer.token("a member", scopes=sorted(EVERY_SCOPE), lifetime=3600, claims=claims)


async def ask(front: httpx.AsyncClient, query: str, /, by: str = "POST", **variables: Any) -> dict[str, Any]:
    if by == "GET":
        parameters = {"query": query, "variables": json.dumps(variables)}
        response = await front.get("/graphql", params=parameters)
    else:
        response = await front.post("/graphql", json={"query": query, "variables": variables})
    answer: dict[str, Any] = response.json()
    return answer


async def ask_for_everything(front: httpx.AsyncClient) -> list[dict[str, Any]]:
    """Ask for all that is secret, in every way, and with arguments that fail."""
    mine = await ask(front, MINE)
    first = mine["data"]["viewer"]["member"]["cards"][0]
    known, cursor = first["id"], first["transactions"]["pageInfo"]["endCursor"]
    number = first["cardNo"]
    literal = f'query Literal {{ card(cardNo: "{number}") {{ cardNo virtualAccount {{ accountNo }} }} }}'
    answers = [
        mine,
        await ask(front, BY_ID, by="GET", id=known),
        await ask(front, NEXT, by="GET", id=known, after=cursor),
        await ask(front, NEXT, id=known, after=f"{cursor[:-2]}{CARDS[0].par}"),
        await ask(front, literal),
        # A number instead of an id, a PAR, a number by GET.
        *[await ask(front, BY_ID, by=by, id=wrong) for by in ("GET", "POST") for wrong in (number, CARDS[0].par)],
        await ask(front, ONE, by="GET", cardNo=number),
    ]
    answers += [await ask(front, ONE, cardNo=number) for card in CARDS for number in card.numbers]
    answers += [await ask(front, ONE, cardNo=fault.number) for fault in [*FAULTS.values()][:10]]
    return answers


async def test_nothing_of_a_wallet_is_kept(tmp_path: Path, redis: RedisServer) -> None:
    host, audit = f"{loopback_network()}.1", tmp_path / "audit.log"
    token = token_of_the_member(tmp_path / "signer")
    with collector() as traces:
        settings = {
            **signer_settings(tmp_path / "signer"),
            "KONAGRAPH_ADMIN_HOST": host,
            "KONAGRAPH_ADMIN_PORT": "9090",
            "KONAGRAPH_AUDIT_LOG": str(audit),
            "KONAGRAPH_CARD_REF_KEY": "a key of these tests, long enough for one",
            "KONAGRAPH_COST_BURST": "1000000",
            "KONAGRAPH_LOG_LEVEL": "debug",
            "KONAGRAPH_OTEL_ENDPOINT": traces.endpoint,
            "KONAGRAPH_REDIS_URL": redis.patient_url,
            "KONAGRAPH_REQUEST_TIMEOUT": "10",
            "KONAGRAPH_TRUSTED_PROXIES": "127.0.0.1/32",
        }
        async with (
            command("dev", "--host", host, "--port", "8000", **settings) as running,
            balancer(tmp_path / "haproxy.log", [host]) as front,
            client(front.url, headers={"Authorization": f"Bearer {token}"}) as asking,
        ):
            await running.url()
            await front.until_up(1)
            (tmp_path / "relay").mkdir()
            walked = await asyncio.to_thread(walk, f"{front.url}/graphql", tmp_path / "relay", token)
            answers = await ask_for_everything(asking)
            async with client(f"http://{host}:9090") as inside:
                metrics = (await inside.get("/metrics")).text
            stored = await asyncio.to_thread(redis.contents)
            running.send(signal.SIGTERM)
            status, log = await running.ended()
    secrets = {**secrets_of(DEV_MEMBER), token: "a token"}
    spans = b"".join(span.SerializeToString() for span in traces.spans)
    places: dict[str, str | bytes] = {
        "the balancer's log": front.log(),
        "the gateway's log": log,
        "its standard output": running.printed,
        "its traces": spans,
        "its metrics": metrics,
        "the audit log": audit.read_text(encoding="utf-8"),
        "Redis": stored,
    }
    for client_name, found in walked.items():
        places[f"the cache of {client_name}"] = json.dumps(found["stored"])
    assert {place: found_in(kept, secrets) for place, kept in places.items()} == {place: [] for place in places}
    # All of it was there to be found, and each place was looked at.
    assert status == 0
    assert set(found_in(json.dumps(answers), secrets)) == {*secrets.values()} - {"a PAR", "a token"}
    assert "WalletTransactionsPaginationQuery" in log
    assert b"ById" in spans
    for kind in ("konagraph:document:", "}:bucket: ", "}:window:60000: "):
        assert kind in stored
    assert len(audit.read_text(encoding="utf-8").splitlines()) > len(CARDS)
