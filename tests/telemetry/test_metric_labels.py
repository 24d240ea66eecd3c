"""Labels are bounded, and free text of callers or the upstream never becomes one."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.graphql.manifests import Manifest, trust
from graph.http.report import RequestReport
from graph.konaplate.client import CallReport
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.errors import CODES, SUCCESS, CallDetails, CardNotFoundError
from graph.telemetry.conventions import FAULTS, error_of_request
from graph.telemetry.metrics import (
    ANONYMOUS,
    MAX_SERIES,
    UNUSED_SECONDS,
    Metrics,
    OperationNames,
    VendorCodes,
)
from graph.telemetry.upstream import UpstreamTelemetry
from schema.errors import ErrorCode
from tests.graphql.documents import new_documents
from tests.support import gateway
from tests.telemetry.reports import BASE_URL, Reports
from tests.telemetry.scrape import labels, operations, scrape, value

if TYPE_CHECKING:
    from graph.graphql.manifests import TrustedDocuments

CARD = "9491339400000013"


class Caller(NamedTuple):
    """The viewer and outcome of a request."""

    viewer: str = "service"
    id: str | None = "a service"
    succeeds: bool = True


SERVICE = Caller()
NOBODY = Caller(id=None)
FAILING = Caller(succeeds=False)


class Names:
    """Operation names with a clock that stands still."""

    def __init__(self, **bounds: int) -> None:
        self.now = 0.0
        self.forgotten: list[str] = []
        self.names = OperationNames(self.forgotten.append, clock=lambda: self.now, **bounds)

    def used(self, name: str | None, caller: Caller = SERVICE) -> str:
        """The label of a name after a request."""
        codes = [] if caller.succeeds else ["BAD_USER_INPUT"]
        return self.names.label(
            RequestReport("r", "POST", 200, 0.1, caller.viewer, name, codes, viewer_id=caller.id)
        )


def member(number: int) -> Caller:
    return Caller("member", f"member {number}")


def test_the_names_of_trusted_documents_are_labels_however_many_others_there_are() -> None:
    names = Names(limit=1)
    names.used("Other")
    names.names.trust(frozenset({"Card", "Cards"}))
    assert [names.used(name) for name in ("Card", "Cards", "Other", "Mine")] == ["Card", "Cards", "Other", "other"]
    assert [names.used(name, FAILING) for name in ("Card", None)] == ["Card", ANONYMOUS]


def test_a_name_is_a_label_once_it_has_succeeded() -> None:
    names = Names()
    assert [names.used("A", caller) for caller in (FAILING, SERVICE, FAILING)] == ["other", "A", "A"]


def test_without_credentials_a_name_is_a_label_only_where_no_document_is_trusted() -> None:
    names = Names()
    assert names.used("A", NOBODY) == "A"
    names.names.trust(frozenset({"Card"}))
    assert [names.used(name, NOBODY) for name in ("A", "B", "Card")] == ["A", "other", "Card"]


def test_there_are_only_so_many_labels_and_those_that_are_used_stay() -> None:
    names = Names(limit=2)
    assert [names.used(name) for name in "ABCABC"] == ["A", "B", "other", "A", "B", "other"]


def test_an_unused_name_gives_its_place_to_another_one_after_a_while() -> None:
    names = Names(limit=2)
    names.used("A")
    names.used("B")
    names.now = UNUSED_SECONDS - 1
    assert [names.used(name) for name in "BC"] == ["B", "other"]
    names.now = UNUSED_SECONDS
    assert [names.used(name) for name in "CBA"] == ["C", "B", "other"]
    assert names.forgotten == ["A"]


def test_a_member_takes_only_a_part_of_the_places() -> None:
    names = Names(limit=5, per_member=2)
    assert [names.used(name, member(1)) for name in "ABC"] == ["A", "B", "other"]
    assert [names.used(name, member(2)) for name in "CDE"] == ["C", "D", "other"]
    assert names.used("E", SERVICE) == "E"
    names.now = UNUSED_SECONDS
    assert names.used("F", member(1)) == "F"


def test_names_that_are_trusted_no_more_are_forgotten_and_proven_again() -> None:
    names = Names()
    names.names.trust(frozenset({"A", "B"}))
    names.names.trust(frozenset({"B"}))
    assert names.forgotten == ["A"]
    assert [names.used("A", FAILING), names.used("A", SERVICE)] == ["other", "A"]


@pytest.mark.parametrize(
    "name",
    [
        "other",
        "anonymous",
        "a1234",
        "Q9491_3394_0000_0013",
        "[hidden]",
        "",
        "1a",
        "a b",
        "a" * 65,
        "a\n",
        "í",
        'a"',
        "a{b}",
    ],
)
def test_a_name_with_digits_or_of_an_odd_form_is_no_label_and_takes_no_place(name: str) -> None:
    names = Names(limit=1)
    assert [names.used(name), names.used("Good")] == ["other", "Good"]


@pytest.mark.parametrize("name", ["a123", "_1", "a" * 64, "GetCards2"])
def test_an_ordinary_name_is_a_label(name: str) -> None:
    assert name == Names(limit=1).used(name)


@given(st.lists(st.text(max_size=70), max_size=200))
def test_names_are_never_more_than_so_many_labels(given_names: list[str]) -> None:
    names = Names(limit=5)
    assert len({names.used(name) for name in given_names}) <= 5 + 1


def test_of_several_errors_the_one_that_is_no_callers_fault_is_the_requests() -> None:
    assert error_of_request([]) is None
    assert error_of_request(["CARD_NOT_FOUND", "FORBIDDEN"]) is None
    for fault in FAULTS:
        assert fault == error_of_request(["CARD_NOT_FOUND", fault, "FORBIDDEN"])
    assert {code.value for code in ErrorCode if code.value.startswith("UPSTREAM_")} < FAULTS


@pytest.mark.parametrize("code", [SUCCESS, *CODES])
def test_a_documented_code_is_a_label(code: str) -> None:
    assert code == VendorCodes(()).label(code)


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
    assert label == VendorCodes(()).label(code)


def test_an_endpoints_own_codes_are_labels() -> None:
    endpoint = dataclasses.replace(CARD_INFO, codes={"777_001": CardNotFoundError})
    assert [VendorCodes([endpoint]).label(code) for code in ("777_001", "777_002")] == ["777_001", "other"]
    assert VendorCodes([CARD_INFO]).label("777_001") == "other"


def test_the_series_of_each_endpoint_of_the_registry_are_there_at_0() -> None:
    metrics = Metrics()
    toys = [dataclasses.replace(CARD_INFO, name=name, path=f"/{name}") for name in ("one", "two")]
    UpstreamTelemetry(metrics, toys, BASE_URL)
    for name in ("upstream_failures", "upstream_drift", "upstream_unsealed", "single_flight_saves", "calls_shed"):
        assert labels(metrics, f"{name}_total", "api") == {"/one", "/two"}
    assert [
        value(metrics, "breaker_state", api="/two", state=state) for state in ("closed", "open", "half_open")
    ] == [1, 0, 0]


@pytest.mark.no_cover
def test_thousands_of_hostile_reports_make_no_more_series_than_so_many() -> None:
    metrics = Reports()
    for number in range(5_000):
        name = f"Op{chr(97 + number % 26)}{chr(97 + number // 26 % 26)}{chr(97 + number // 676)}"
        metrics.requests.on_request(RequestReport("r", "POST", 200, 0.1, "member", name, document="0" * 64))
        details = CallDetails(f"{number}", 200, f"{number:03d}_{number:04d}")
        metrics.upstream.on_call(CallReport("/api/v1/user/card/info", "ok", details, 0.1, "same", ()))
    assert len(operations(metrics)) == 51
    assert len(labels(metrics, "http_client_request_duration_seconds_count", "code")) <= len(CODES) + 5
    assert len(scrape(metrics)) < 1_500


def request(metrics: Reports, name: str, *codes: str, status: int = 200, viewer_id: str = "m") -> None:
    report = RequestReport("r", "POST", status, 0.1, "member", name, [*codes], viewer_id=viewer_id)
    metrics.requests.on_request(report)


def test_a_failed_or_abandoned_request_admits_no_name() -> None:
    metrics = Reports()
    request(metrics, "A", "CARD_NOT_FOUND")
    request(metrics, "B", status=499)
    request(metrics, "C", "UPSTREAM_TIMEOUT", "CARD_NOT_FOUND")
    request(metrics, "D")
    request(metrics, "D", "CARD_NOT_FOUND")
    request(metrics, "E", "UPSTREAM_TIMEOUT")
    # The draft's status of a partial answer.
    request(metrics, "F", "UPSTREAM_TIMEOUT", status=294)
    assert operations(metrics) == {
        "other",
        "D",
        "E",
        "F",
    }


def test_one_member_with_fifty_names_leaves_labels_to_others() -> None:
    metrics = Reports()
    for number in range(50):
        request(metrics, f"Mine{number}")
    request(metrics, "Card", viewer_id="another")
    assert len(operations(metrics)) == 12
    assert "Card" in operations(metrics)


def manifest(*names: str, client: str | None = None) -> TrustedDocuments:
    content = json.dumps({name: f"query {name} {{ __typename }}" for name in names}).encode()
    return trust([Manifest(content, client=client)], new_documents())


def test_a_name_that_gives_its_place_back_has_no_series_any_more() -> None:
    metrics = Reports()
    metrics.requests.trust(manifest("Old", client="web@1"))
    request(metrics, "Old")
    metrics.requests.trust(manifest("New", client="web@2"))
    request(metrics, "New")
    assert operations(metrics) == {"New"}
    assert labels(metrics, "client_requests_total", "client") == {"web@2"}


@pytest.mark.slow
@pytest.mark.no_cover
def test_every_name_of_a_large_manifest_has_a_series_of_each_error() -> None:
    metrics = Reports()
    names = {f"Operation{chr(97 + number % 26)}{chr(97 + number // 26)}" for number in range(300)}
    assert len(names) * len(FAULTS) > MAX_SERIES
    metrics.requests.trust(manifest(*names))
    for name in sorted(names):
        for code in FAULTS:
            request(metrics, name, code)
    assert names == operations(metrics)


async def test_no_label_has_free_text_of_callers() -> None:
    async with gateway() as running:
        before = _konagraph(running.metrics)
        for number in range(100):
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
    assert operations(running.metrics) == {
        "other",
        ANONYMOUS,
    }


def _konagraph(metrics: Metrics) -> set[Any]:
    return {series for series in scrape(metrics) if series[0].startswith(("konagraph_", "http_"))}
