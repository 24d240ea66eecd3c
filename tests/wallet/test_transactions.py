"""A card's transactions through the whole gateway: what is refused before any call, and walks to the end."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.values import korean_day
from graph.sandbox.history import history_of
from tests.security.callers import ANY_CARD, Caller, codes
from tests.tables import table
from tests.wallet.bank import FIRST, FIVE, INTROSPECTION, TRANSACTIONS, TWELVE, both_ways, member, named, wallet

if TYPE_CHECKING:
    from pathlib import Path

    from tests.security.callers import Callers

OWNER: Final = member(2012, INTROSPECTION)
PATH: Final = ("card", "transactions")
ROW: Final = "nrNumber authCancelType approvalDateTime trType trAmount"


def asking(arguments: str, fields: str = f"nodes {{ {ROW} }} pageInfo {{ endCursor hasNextPage }}") -> str:
    return f"query ($n: CardNumber!) {{ card(cardNo: $n) {{ transactions{arguments} {{ {fields} }} }} }}"


def number(place: int) -> dict[str, str]:
    return {"n": TWELVE[place].numbers[0]}


def day(ago: int) -> str:
    return (korean_day() - dt.timedelta(ago)).isoformat()


REFUSED: dict[str, str] = {
    "from after to": f'(from: "{day(3)}", to: "{day(4)}")',
    "from after today": f'(from: "{day(-2)}")',
    "more than 90 days": f'(from: "{day(91)}", to: "{day(0)}")',
    "more than 90 days until today": f'(from: "{day(92)}")',
    "all years": '(from: "0001-01-01", to: "9999-12-31")',
    "none": "(first: 0)",
    "fewer than none": "(first: -1)",
    "too many": "(first: 101)",
    "an unknown type": "(type: UNKNOWN)",
    "no cursor": '(after: "")',
    "a cursor that is a word": '(after: "cursor")',
    "a long cursor": f'(after: "{"b" * 4_000}")',
    "a cursor of letters": f'(after: "{"bcdf" * 30}")',
}


# A cursor is bound to the `par`, so it takes the row.
OF_THE_CARD: Final = {name for name in REFUSED if "cursor" in name}


async def test_what_cannot_be_answered_is_refused_before_any_call_for_it(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        for name, arguments in REFUSED.items():
            answer, calls = await both_ways(running, OWNER, asking(arguments), number(0))
            assert codes(answer) == [(PATH, "BAD_USER_INPUT")], name
            assert answer["data"] == {"card": {"transactions": None}}, name
            # Whose the card is.
            assert calls == ["card_info", *(["card_list"] if name in OF_THE_CARD else [])], name


async def test_what_cannot_be_answered_is_refused_for_each_card_of_a_list(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        for name, arguments in REFUSED.items():
            query = (
                f"{{ viewer {{ member {{ cards {{ transactions{arguments} {{ nodes {{ trAmount }} }} }} }} }} }}"
            )
            answer, calls = await both_ways(running, member(2003, INTROSPECTION), query)
            assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}, name
            assert answer["data"]["viewer"]["member"]["cards"] == [{"transactions": None}] * 3, name
            assert calls == ["card_list"], name


# Documents and variables that GraphQL itself refuses.
UNREADABLE: dict[str, str] = {
    "a day that no month has": '(from: "2026-02-30")',
    "a day without hyphens": '(from: "20260101")',
    "a time": '(from: "2026-01-01T00:00:00Z")',
    "a number": "(from: 20260101)",
    "half a transaction": "(first: 1.5)",
    "another type": "(type: GIFT)",
    "its raw word": '(type: "00")',
    "no Boolean": "(includePreviousCard: null)",
    "no number": "(first: null)",
}


async def test_values_of_another_form_are_refused_with_the_document(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        for name, arguments in UNREADABLE.items():
            answer = await running.ask(OWNER, asking(arguments), number(0))
            assert answer.get("data") is None, name
            assert {error["extensions"]["code"] for error in answer["errors"]} <= {
                "GRAPHQL_VALIDATION_FAILED",
                "BAD_USER_INPUT",
            }, name
        assert running.calls == []


async def test_the_defaults_are_thirty_days_and_twenty_transactions(tmp_path: Path) -> None:
    spelled = f'(from: "{day(30)}", to: "{day(0)}", first: 20, includePreviousCard: false)'
    async with wallet(tmp_path) as running:
        default = await running.ask(OWNER, asking(""), number(0))
        explicit = await running.ask(OWNER, asking(spelled), number(0))
        widest = await running.ask(OWNER, asking(f'(from: "{day(90)}", first: 1)'), number(0))
    nodes = default["data"]["card"]["transactions"]["nodes"]
    assert len(nodes) == 20
    assert nodes == explicit["data"]["card"]["transactions"]["nodes"]
    assert nodes == sorted(nodes, key=lambda row: row["approvalDateTime"], reverse=True)
    assert all(row["approvalDateTime"].endswith("+09:00") for row in nodes)
    assert "errors" not in widest


async def test_types_and_previous_cards_are_filters(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        found = {}
        for kind in ("PAYMENT", "CHARGE", "REFUND", "TRANSFER"):
            answer = await running.ask(OWNER, asking(f"(type: {kind}, first: 100)"), number(0))
            found[kind] = [row["trType"] for row in answer["data"]["card"]["transactions"]["nodes"]]
        counts = []
        for previous in ("", ", includePreviousCard: true"):
            everything = asking(f'(from: "{day(89)}", first: 100{previous})')
            answer = await running.ask(member(2005), everything, {"n": FIRST})
            counts.append(len(answer["data"]["card"]["transactions"]["nodes"]))
    assert all(kinds and set(kinds) == {kind} for kind, kinds in found.items())
    assert counts == [35, 40]


async def walked(
    running: Callers, place: int, arguments: str, *, most: int = 100, first: int = 100
) -> tuple[list[dict[str, Any]], int]:
    """All transactions of a card by end cursors, and the number of parts."""
    rows: list[dict[str, Any]] = []
    after: str | None = None
    info = "endCursor hasNextPage hasPreviousPage startCursor"
    fields = f"edges {{ cursor node {{ {ROW} }} }} pageInfo {{ {info} }}"
    query = f"""query ($n: CardNumber!, $after: String) {{ card(cardNo: $n) {{
      transactions({arguments} first: {first}, after: $after) {{ {fields} }} }} }}"""
    for parts in range(1, most + 1):
        answer = await running.ask(OWNER, query, {**number(place), "after": after})
        assert "errors" not in answer
        connection = answer["data"]["card"]["transactions"]
        edges, page = connection["edges"], connection["pageInfo"]
        rows += [edge["node"] for edge in edges]
        if edges:
            assert (page["startCursor"], page["endCursor"]) == (edges[0]["cursor"], edges[-1]["cursor"])
        assert page["hasPreviousPage"] is (after is not None)
        if not page["hasNextPage"]:
            return rows, parts
        after = page["endCursor"]
        assert after is not None
    raise AssertionError("the walk does not end")


def identities(rows: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((row["nrNumber"], row["authCancelType"]) for row in rows)


def all_of(place: int) -> Counter[tuple[str, str]]:
    entries = history_of(TWELVE[place]).entries
    return Counter((entry.fields["nrNumber"], entry.fields["authCancelType"]) for entry in entries)


async def test_two_thousand_transactions_are_each_shown_once(tmp_path: Path) -> None:
    since = f'from: "{day(90)}",'
    async with wallet(tmp_path) as running:
        rows, parts = await walked(running, 0, since)
        calls = Counter(named(running.calls))
    assert len(rows) == 2_000
    assert identities(rows) == all_of(0)
    # As many calls as full pages, and one more for each part that a page's end cuts.
    assert (parts, calls["card_info"], calls["card_list"]) == (20, 20, 20)
    assert calls["transactions"] <= 2 * parts


# A card's place, and how many transactions at a time.
HISTORIES: dict[str, tuple[int, int]] = {
    "more pages than promised": (2, 7),
    "an empty page": (3, 7),
    "an empty page at once": (3, 100),
    "one second": (4, 7),
    "one second at once": (4, 100),
    "cancels": (5, 6),
}


@table("place, first", HISTORIES.values())
async def test_every_transaction_is_shown_once_however_the_pages_are(
    place: int, first: int, tmp_path: Path
) -> None:
    async with wallet(tmp_path) as running:
        rows, _ = await walked(running, place, "", first=first)
    assert identities(rows) == all_of(place)


async def test_transactions_that_come_in_during_a_walk_shift_nothing_in_or_out(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        rows, parts = await walked(running, 1, "", first=6)
        again, _ = await walked(running, 1, "", first=6)
    found, there = identities(rows), all_of(1)
    assert parts > 5
    # What was there before is there once, and what comes in is in front of the walk.
    assert {key: found[key] for key in there} == dict.fromkeys(there, 1)
    assert max(found.values()) == 1
    assert len(again) > len(rows)


async def cursor_of(running: Callers, place: int, arguments: str = "(first: 2)", caller: Caller = OWNER) -> str:
    answer = await running.ask(caller, asking(arguments), number(place))
    cursor = answer["data"]["card"]["transactions"]["pageInfo"]["endCursor"]
    assert isinstance(cursor, str)
    return cursor


async def test_a_cursor_is_of_one_viewer_one_card_and_one_filter(tmp_path: Path) -> None:
    reader = Caller("r", (ANY_CARD, TRANSACTIONS, INTROSPECTION))
    async with wallet(tmp_path) as running:
        own, foreign = await cursor_of(running, 0), await cursor_of(running, 0, caller=reader)
        other_card = await cursor_of(running, 1)
        payments = await cursor_of(running, 0, "(first: 2, type: PAYMENT)")
        dated = await cursor_of(running, 0, f'(first: 2, from: "{day(20)}")')
        good = {
            "own": f'(first: 3, after: "{own}")',
            "payments": f'(first: 3, after: "{payments}", type: PAYMENT)',
            "dated": f'(first: 3, after: "{dated}", from: "{day(20)}")',
        }
        wrong = {
            "another viewer's": f'(first: 2, after: "{foreign}")',
            "another card's": f'(first: 2, after: "{other_card}")',
            "of another type": f'(first: 2, after: "{payments}")',
            "with another type": f'(first: 2, after: "{payments}", type: CHARGE)',
            "of other days": f'(first: 2, after: "{dated}")',
            "with other days": f'(first: 2, after: "{own}", from: "{day(20)}")',
            "with a last day": f'(first: 2, after: "{own}", to: "{day(0)}")',
            "with the previous card": f'(first: 2, after: "{own}", includePreviousCard: true)',
            "cut": f'(first: 2, after: "{own[:-2]}")',
        }
        for name, arguments in good.items():
            answer, calls = await both_ways(running, OWNER, asking(arguments), number(0))
            assert answer["errors"] == [], name
            assert len(answer["data"]["card"]["transactions"]["nodes"]) == 3, name
            assert calls == ["card_info", "card_list", "transactions"], name
        for name, arguments in wrong.items():
            answer, calls = await both_ways(running, OWNER, asking(arguments), number(0))
            assert codes(answer) == [(PATH, "BAD_USER_INPUT")], name
            assert calls == ["card_info", "card_list"], name
    for cursor in (own, foreign, payments, dated):
        assert cursor.isascii()
        assert cursor.isalpha()


async def test_a_card_without_transactions_has_a_page_without_any(tmp_path: Path) -> None:
    async with wallet(tmp_path) as running:
        answer, _ = await both_ways(running, member(2005, INTROSPECTION), asking(""), {"n": FIVE[3].numbers[0]})
    connection = answer["data"]["card"]["transactions"]
    assert connection == {"nodes": [], "pageInfo": {"endCursor": None, "hasNextPage": False}}


async def test_the_longest_span_is_a_setting(tmp_path: Path) -> None:
    async with wallet(tmp_path, KONAGRAPH_MAX_TRANSACTION_DAYS=7) as running:
        within = await running.ask(OWNER, asking(f'(from: "{day(7)}", first: 1)'), number(0))
        default = await running.ask(OWNER, asking("(first: 100)"), number(0))
        beyond = await running.ask(OWNER, asking(f'(from: "{day(8)}", first: 1)'), number(0))
    assert "errors" not in within
    assert codes(beyond) == [(PATH, "BAD_USER_INPUT")]
    oldest = default["data"]["card"]["transactions"]["nodes"][-1]["approvalDateTime"]
    assert oldest[:10] >= day(7)
