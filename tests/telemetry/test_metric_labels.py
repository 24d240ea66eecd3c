"""Labels are bounded, and nothing that a caller or the upstream writes freely becomes one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.konaplate.client import CallReport
from graph.konaplate.errors import CODES, SUCCESS, CallDetails
from graph.telemetry.labels import ANONYMOUS, FAULTS, OperationNames, request_code, vendor_code
from graph.telemetry.metrics import Metrics
from graph.web.report import RequestReport
from schema.errors import ErrorCode
from tests.support import gateway
from tests.telemetry.scrape import labels, scrape

CARD = "9491339400000013"


def test_the_names_of_the_manifest_are_labels_and_no_other() -> None:
    names = OperationNames(frozenset({"Card", "Cards"}))
    assert ["Card", "Cards", "other", ANONYMOUS] == [names.label(name) for name in ("Card", "Cards", "Mine", None)]


def test_without_a_manifest_the_first_names_are_labels_and_stay_so() -> None:
    names = OperationNames(most=2)
    assert ["A", "B", "other", "A", "B", "other"] == [names.label(name) for name in "ABCABC"]


@pytest.mark.parametrize(
    "name", ["a1234", "Q9491_3394_0000_0013", "[hidden]", "", "1a", "a b", "a" * 65, "a\n", "í", 'a"', "a{b}"]
)
def test_a_name_with_digits_or_of_an_odd_form_is_no_label_and_takes_no_place(name: str) -> None:
    names = OperationNames(most=1)
    assert ["other", "Good"] == [names.label(name), names.label("Good")]


@pytest.mark.parametrize("name", ["a123", "_1", "a" * 64, "GetCards2"])
def test_an_ordinary_name_is_a_label(name: str) -> None:
    assert name == OperationNames(most=1).label(name)


@given(st.lists(st.text(max_size=70), max_size=200))
def test_names_are_never_more_than_so_many_labels(given_names: list[str]) -> None:
    names = OperationNames(most=5)
    assert len({names.label(name) for name in given_names}) <= 5 + 1


def test_of_several_errors_the_one_that_is_no_callers_fault_is_the_requests() -> None:
    assert "OK" == request_code([])
    assert "CARD_NOT_FOUND" == request_code(["CARD_NOT_FOUND", "FORBIDDEN"])
    for fault in FAULTS:
        assert fault == request_code(["CARD_NOT_FOUND", fault, "FORBIDDEN"])
    assert {code.value for code in ErrorCode if code.value.startswith("UPSTREAM_")} < FAULTS


@pytest.mark.parametrize("code", [SUCCESS, *CODES])
def test_a_documented_code_is_a_label(code: str) -> None:
    assert code == vendor_code(code)


@pytest.mark.parametrize(
    ("code", "label"),
    [
        (None, "none"),
        ("010_001", "010_*"),
        ("020_999", "020_*"),
        ("999_999", "other"),
        (CARD, "other"),
        ("", "other"),
    ],
)
def test_any_other_code_is_no_label(code: str | None, label: str) -> None:
    assert label == vendor_code(code)


def test_thousands_of_hostile_reports_make_no_more_series_than_so_many() -> None:
    metrics = Metrics()
    for number in range(5_000):
        name = f"Op{chr(97 + number % 26)}{chr(97 + number // 26 % 26)}{chr(97 + number // 676)}"
        metrics.requests.on_request(RequestReport("r", "POST", 200, 0.1, "member", name, document="0" * 64))
        details = CallDetails(f"{number}", 200, f"{number:03d}_{number:04d}")
        metrics.upstream.on_call(CallReport("/api/v1/user/card/info", "ok", details, 0.1, "same", ()))
    assert len(labels(metrics, "request_duration_seconds_count", "operation")) == 51
    assert len(labels(metrics, "upstream_duration_seconds_count", "code")) <= len(CODES) + 5
    assert len(scrape(metrics)) < 1_500


async def test_what_callers_send_is_in_no_label() -> None:
    async with gateway() as running:
        before = _konagraph(running.metrics)
        for number in range(300):
            await running.post(f"query Card{number:04d} {{ __typename }}")
            await running.post(f"query Q{CARD} {{ __typename }}", None, **{"x-request-id": f"id-{CARD}"})
        await running.post(f'{{ card(cardNo: "{CARD}") {{ balance }} }}', None, **{"user-agent": CARD})
        await running.client.request(CARD, f"/graphql?{CARD}")
        text = running.metrics.render().decode()
        after = _konagraph(running.metrics)
    assert CARD not in text
    assert CARD[:8] not in text
    # The names all hold four digits in a row: one series of each kind for all of them.
    assert len(after - before) < 150
    assert {"other", ANONYMOUS} == labels(running.metrics, "request_duration_seconds_count", "operation")


def _konagraph(metrics: Metrics) -> set[Any]:
    return {series for series in scrape(metrics) if series[0].startswith("konagraph_")}
