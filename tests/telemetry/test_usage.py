"""What clients use is counted, logged and shown, within bounds whatever they send."""

from __future__ import annotations

import gzip
import json
import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from graph.cli import main
from graph.graphql.coordinates import Named
from graph.http.clients import KnownClients
from graph.http.report import RequestReport
from graph.telemetry.metrics import Metrics
from graph.telemetry.usage import MAX_PENDING, SECONDS, UsageCounter
from graph.telemetry.usage_lines import UsageFormatError, Used, from_json, read_lines, to_json
from tests.graphql.documents import new_documents
from tests.support import gateway
from tests.tables import table
from tests.telemetry.capture import events, logs_as
from tests.telemetry.scrape import series, total, value

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from pathlib import Path

CARD_NO = "9491339400000013"
CARD = "query Card($n: CardNumber!) { card(cardNo: $n) { balance maskedCardNo } }"
WEB = {"apollographql-client-name": "web", "apollographql-client-version": "1.4.0"}
NAMES_OF_CARD = ["Card.balance", "Card.maskedCardNo", "Query.card", "Query.card(cardNo:)"]


def request(usage: UsageCounter, named: Named, *clients: str) -> None:
    usage.on_request(RequestReport("id", "POST", clients=clients, named=named))


def lines(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


async def test_what_a_client_asks_for_is_counted_as_a_metric_and_logged_at_the_end() -> None:
    with logs_as("info") as stream:
        async with gateway(KONAGRAPH_CLIENTS="web@1.4.0") as running:
            for headers in (WEB, WEB, {}):
                body = {"query": CARD, "variables": {"n": CARD_NO}}
                await running.client.post("/graphql", json=body, headers=headers)
            await running.query("{ wrong }")
            for name in NAMES_OF_CARD:
                assert value(running.metrics, "usage_total", client="web@1.4.0", coordinate=name) == 2
                assert value(running.metrics, "usage_total", client="unnamed", coordinate=name) == 1
            assert total(running.metrics, "usage_total") == 3 * len(NAMES_OF_CARD)
            assert [line for line in events(stream) if line["event"] == "usage"] == []
    used, unreadable = read_lines(lines(stream))
    assert unreadable == 0
    assert [(one.client, one.coordinate, one.requests) for one in used] == [
        *(("unnamed", name, 1) for name in NAMES_OF_CARD),
        *(("web@1.4.0", name, 2) for name in NAMES_OF_CARD),
    ]


def test_it_is_logged_every_few_minutes_each_request_once() -> None:
    now = 0.0
    card, member = Named(("Card.balance", "Query.card")), Named(("Query.card",))
    with logs_as("info") as stream:
        usage = UsageCounter(Metrics(), lambda: now)
        request(usage, card, "web@1")
        now = SECONDS - 1
        request(usage, member, "web@1")
        assert lines(stream) == []
        now = SECONDS
        request(usage, card, "web@1", "web@2")
        counts = {line["client"]: line["coordinates"] for line in events(stream)}
        assert counts == {
            "web@1": {"Card.balance": 2, "Query.card": 3},
            "web@2": {"Card.balance": 1, "Query.card": 1},
        }
        now = 10 * SECONDS
        # Nothing waited: the next minutes begin with this request.
        request(usage, member, "web@1")
        assert len(lines(stream)) == 2
        usage.write()
        usage.write()
        assert len(lines(stream)) == 3
    used, _ = read_lines(lines(stream))
    assert sum(one.requests for one in used) == 8


def test_many_coordinates_take_several_lines() -> None:
    with logs_as("info") as stream:
        usage = UsageCounter(Metrics())
        request(usage, Named(tuple(f"A.f{number}" for number in range(250))))
        usage.write()
    assert [len(line["coordinates"]) for line in events(stream)] == [100, 100, 50]


def test_totals_of_clients_whose_manifests_are_gone_are_dropped_and_others_stay() -> None:
    metrics = Metrics()
    usage = UsageCounter(metrics)
    usage.keep(frozenset({"web@1", "web@2"}))
    for client in ("web@1", "web@2", "listed"):
        request(usage, Named(("Query.card",)), client)
    usage.keep(frozenset({"web@2"}))
    assert {dict(labels)["client"] for _, labels in series(metrics, "usage_total")} == {"web@2", "listed"}


@pytest.mark.slow
def test_a_hundred_thousand_invented_names_and_documents_take_no_more_room_than_a_few() -> None:
    metrics = Metrics()
    with logs_as("info") as stream:
        usage, known = UsageCounter(metrics), KnownClients({"web@1.4.0"})
        documents = new_documents()
        card = documents.read("{ viewer { member { userId } } }").operation(None).named.coordinates

        def send(count: int) -> None:
            for number in range(count):
                headers = {"apollographql-client-name": [f"n{number}"], "graphql-client-version": [str(number)]}
                # Each is a document of its own.
                request(usage, Named(card), *known.of(headers))

        send(1_000)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            send(100_000)
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert grown < 100_000
        assert len(usage._pending) < MAX_PENDING
        assert {dict(labels)["client"] for _, labels in series(metrics, "usage_total")} == {"other"}
        assert total(metrics, "usage_total") == 101_000 * len(card)
        usage.write()
    (line,) = lines(stream)
    assert sys.getsizeof(line) < 1_000


def test_a_request_costs_no_walk_over_what_it_names() -> None:
    walks: list[str] = []

    class Counting(tuple[str, ...]):
        __slots__ = ()

        def __iter__(self) -> Iterator[str]:
            walks.append("one")
            return super().__iter__()

    usage, named = UsageCounter(Metrics()), Named(Counting(["Query.card"]))
    for _ in range(1_000):
        request(usage, named)
    assert walks == []
    usage.write()
    assert walks == ["one"]


LINE = {"event": "usage", "timestamp": "2026-11-27T10:00:00.000000Z", "client": "a", "coordinates": {"Card.id": 2}}
LATER = {**LINE, "timestamp": "2026-11-28T10:00:00.000000Z", "coordinates": {"Card.id": 1, "Query.card": 1}}


def run(*arguments: object, text: str | None = None) -> str:
    result = CliRunner().invoke(main, ["usage", *map(str, arguments)], input=text)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_the_command_sums_files_and_standard_input(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(json.dumps(LINE) + '\n{"event": "request"}\nno JSON\n')
    assert run(tmp_path / "a.log", "-", text=json.dumps(LATER)) == (
        "client  coordinate  requests  last\n"
        "a       Card.id            3  2026-11-28T10:00:00.000000Z\n"
        "a       Query.card         1  2026-11-28T10:00:00.000000Z\n"
    )
    unused = run(tmp_path / "a.log", "--unused").splitlines()
    assert "Card.balance" in unused
    assert "Card.id" not in unused


def test_logs_without_usage_are_told_from_clients_that_use_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text('{"event": "request"}\n')
    result = CliRunner().invoke(main, ["usage", str(tmp_path / "a.log")])
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no line of usage" in result.stderr


def test_a_client_that_used_nothing_is_named_with_those_that_did(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(json.dumps(LINE))
    asked = ["usage", str(tmp_path / "a.log"), "--client", "a", "--client", "b"]
    result = CliRunner().invoke(main, [*asked, "--format", "csv"])
    assert result.stderr == "warning: no usage by b; there is some by a\n"
    assert result.stdout.splitlines() == ["client,coordinate,requests,last", f"a,Card.id,2,{LINE['timestamp']}"]


def test_a_field_that_was_used_through_an_interface_is_used(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(json.dumps({**LINE, "coordinates": {"Node.id": 1}}))
    unused = run(tmp_path / "a.log", "--unused").splitlines()
    assert {"Card.id", "Node.id"}.isdisjoint(unused)
    assert "Card.balance" in unused


def test_a_compressed_log_is_read_and_one_that_is_truncated_is_an_error(tmp_path: Path) -> None:
    file, whole = tmp_path / "a.log.1.gz", gzip.compress(json.dumps(LINE).encode())
    file.write_bytes(whole)
    assert "Card.id" in run(file)
    for content in (whole[:-9], b"nothing", whole[:20] + b"xxxx" + whole[24:]):
        file.write_bytes(content)
        result = CliRunner().invoke(main, ["usage", str(file)])
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"{file}': is truncated, or is not a gzip file" in result.stderr


def test_what_the_command_writes_for_check_schema_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(json.dumps(LINE))
    text = run(tmp_path / "a.log", "--format", "json")
    assert from_json(text) == [Used("a", "Card.id", 2, LINE["timestamp"])]  # type: ignore[arg-type] # a text
    assert to_json(from_json(text)) == text


WRONG = [
    {"coordinates": []},
    {"coordinates": {"a": "1"}},
    {"client": 1},
    {"timestamp": None},
    {"coordinates": {"a": -1}},
]


@table("wrong", WRONG)
def test_a_line_that_cannot_be_read_is_counted(wrong: dict[str, object]) -> None:
    text = json.dumps({**LINE, **wrong})
    assert read_lines([text, json.dumps(LINE)]) == ([Used("a", "Card.id", 2, LINE["timestamp"])], 1)  # type: ignore[arg-type] # a text


@table("text", ["", "[]", "{}", '{"format": "konagraph-usage", "version": 2, "usage": []}', '{"format": 1'])
def test_another_format_is_refused(text: str) -> None:
    with pytest.raises(UsageFormatError):
        from_json(text)
