"""Nothing that operators see of a walk through wallets says whose, which card, where, or how much."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from graph.leak_audit.run import SpanTexts
from graph.redact import holds_card_number
from graph.sandbox import bank as sandbox
from graph.sandbox.faults import Coded
from graph.sandbox.history import history_of
from graph.sandbox.wallets import WALLETS
from graph.security.development import DevelopmentSigner, signer_settings
from tests.security.callers import ANY_CARD, MEMBER, RECEIPT, Caller, Callers
from tests.support import on_core, traced_gateway
from tests.telemetry.capture import logs_as
from tests.wallet.bank import (
    ACCOUNTS,
    ANY_MEMBER,
    FIRST,
    FIVE,
    INTROSPECTION,
    NUMBERS,
    TRANSACTIONS,
    TWELVE,
    bank,
    member,
)

if TYPE_CHECKING:
    from pathlib import Path

CARD: Final = """id cardNo maskedCardNo balance asOf pendingAmount limits { day } points { remainingPoint }
  physicalCard { cardNo } cashReceiptInfo { idNo } virtualAccount { accountNo maskedAccountNo }
  taxDeduction { deductionDate } product { serviceName }
  transactions(first: 20) { edges { cursor node {
    nrNumber trAmount orgAmount balanceAfter merchantName bizLicenseNo approvalCode approvalDateTime } }
    pageInfo { endCursor } }"""
QUERIES: Final = (
    f"{{ viewer {{ member {{ id userId profile {{ userName }} cards {{ {CARD} }} }} }} }}",
    f'{{ member(userId: "2005") {{ cards {{ {CARD} }} }} }}',
    f'{{ member(userId: "2012") {{ cards {{ {CARD} }} }} }}',
    f'{{ card(cardNo: "{FIRST}") {{ {CARD} }} }}',
    f'{{ card(cardNo: "{FIRST}") {{ transactions(after: "{FIRST}") {{ nodes {{ trType }} }} }} }}',
    f'{{ node(id: "{FIRST}") {{ id }} nodes(ids: ["{FIVE[0].par}"]) {{ id }} }}',
    f'{{ member(userId: "{FIRST}") {{ cards {{ balance }} }} }}',
)
EVERY: Final = (INTROSPECTION, ANY_CARD, ANY_MEMBER, MEMBER, RECEIPT, ACCOUNTS, NUMBERS, TRANSACTIONS)
VIEWERS: Final = (
    member(2005, INTROSPECTION),
    member(2012, *EVERY),
    member(2003),
    Caller("a-service", EVERY),
    Caller("another-service", (ANY_CARD,)),
)


def secrets() -> set[str]:
    """What belongs to cards of the wallets: numbers, PARs, accounts, merchants and amounts."""
    found: set[str | None] = set()
    for card in WALLETS:
        account = sandbox.virtual_account(card)["accountNo"]
        found |= {*card.numbers, card.par, account, account[-6:], *(number[4:] for number in card.numbers)}
        for entry in history_of(card).entries[:100]:
            fields = entry.fields
            found |= {fields["merchantName"], fields["bizLicenseNo"], fields["nrNumber"], fields["approvalCode"]}
            # Shorter numbers may be times and sizes.
            found |= {str(fields[name]) for name in ("trAmount", "balanceAfter") if fields[name] > 100_000}
        found |= {str(card.row["balance"])} if card.row["balance"] > 100_000 else set()
    return {each for each in found if each is not None}


def leaks(text: str) -> list[str]:
    """The secrets in a text: as words, for digits of ids may hold any number."""
    words = set(re.findall(r"\w+", text))
    known = secrets()
    spaced = [each for each in known if " " in each and each in text]
    return sorted(known & words) + spaced


def test_secrets_would_be_found() -> None:
    known = secrets()
    assert len(known) > 500
    for each in (FIRST, FIVE[0].par, "모래언덕 편의점 3호점", str(FIVE[0].row["balance"])):
        assert each in known
        assert leaks(f'a line with key="{each}" in it') == [each]


@pytest.mark.slow
async def test_a_walk_through_wallets_leaves_nothing_where_operators_look(tmp_path: Path) -> None:
    spans, audit_file = io.StringIO(), tmp_path / "audit.log"
    signer = DevelopmentSigner.in_directory(tmp_path / "signer")
    settings: dict[str, Any] = {
        **signer_settings(tmp_path / "signer"),
        "KONAGRAPH_AUDIT_LOG": audit_file,
        "KONAGRAPH_MAX_COST": 100_000,
        "KONAGRAPH_COST_BURST": 1_000_000,
        "KONAGRAPH_CARDS_PER_MINUTE": 100,
    }
    failing = {FIVE[1].par: Coded("777_777", f"{FIVE[1].par} of {FIRST}")}
    shown: list[dict[str, Any]] = []
    with logs_as("debug") as log:
        async with traced_gateway(SpanTexts(spans), bank(transactions={"faults": failing}), **settings) as gateway:
            running = Callers(gateway, signer, audit_file)
            for caller in VIEWERS:
                shown += [await running.ask(caller, text) for text in (*QUERIES, *map(on_core, QUERIES))]
            metrics = gateway.metrics.render().decode()
    places = {
        "log": log.getvalue(),
        "audit": audit_file.read_text(encoding="utf-8"),
        "metrics": "\n".join(line.rpartition(" ")[0] for line in metrics.splitlines()),
        "traces": spans.getvalue(),
        "errors": json.dumps([answer.get("errors", []) for answer in shown], ensure_ascii=False),
    }
    assert {name: leaks(text) for name, text in places.items()} == {name: [] for name in places}
    messages = [error["message"] for answer in shown for error in answer.get("errors", [])]
    assert not any(map(holds_card_number, messages))
    # The walk has shown them: there was something to leak.
    answers = leaks(json.dumps([answer.get("data") for answer in shown], ensure_ascii=False))
    assert {FIRST, TWELVE[0].numbers[0], "모래언덕 편의점 3호점"} <= set(answers)
    assert len(answers) > 100
    assert {name: len(text) > 1_000 for name, text in places.items()} == dict.fromkeys(places, True)


async def test_personal_data_of_a_wallet_is_audited_by_field_and_not_by_value(tmp_path: Path) -> None:
    audit_file = tmp_path / "audit.log"
    signer = DevelopmentSigner.in_directory(tmp_path / "signer")
    settings = {**signer_settings(tmp_path / "signer"), "KONAGRAPH_AUDIT_LOG": audit_file}
    query = "{ viewer { member { cards { transactions(first: 3) { nodes { merchantName trAmount } } } } } }"
    async with traced_gateway(SpanTexts(io.StringIO()), bank(), **settings) as gateway:
        running = Callers(gateway, signer, audit_file)
        answer = await running.ask(member(2005), query)
        events = running.audited()
    cards = answer["data"]["viewer"]["member"]["cards"]
    with_merchants = [any(row["merchantName"] for row in card["transactions"]["nodes"]) for card in cards]
    pages = [event for event in events if event["what"] == "transactions"]
    assert sum(event.get("clear") == ["merchantName"] for event in pages) == sum(with_merchants)
    # Each card is a reference of its own, and no number.
    refs = [event["card_ref"] for event in pages]
    assert len(set(refs)) == len(refs) > 1
