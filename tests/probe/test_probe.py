"""`konagraph probe` against a Konaplate of another make, with each unknown flipped in turn."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict
from datetime import UTC, datetime
from time import tzset
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from graph.header_values import seconds_ahead
from graph.konaplate.endpoint import by_name
from graph.probe.client import ProbeClient
from graph.probe.notebook import Notebook
from graph.probe.steps import Probe
from graph.wiring.upstream import build_identity, configured_endpoints, key_pairs
from schema.secrets import CardNo
from tests.independent.inquiries import (
    CARD_LIST_PATH,
    INQUIRIES,
    PRODUCTS_PATH,
    TERMS_PATH,
    TRANSACTIONS_PATH,
)
from tests.independent.rules import CORRELATION_ID
from tests.independent.wallet import MEMBER_ID, card_no
from tests.probe.konaplate import Konaplate, credentials, environment_at, probed
from tests.support import checked_settings
from tests.tables import table

if TYPE_CHECKING:
    from graph.output.findings import Finding


def changes_of(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.what, finding.advice) for finding in findings if finding.verdict != "good"]


async def test_a_konaplate_that_is_as_the_settings_say_needs_no_change_and_a_dozen_calls() -> None:
    findings, calls = await probed(Konaplate())
    assert changes_of(findings) == []
    assert {finding.verdict for finding in findings} == {"good"}
    assert calls == 12
    assert {each.what for each in findings} > {"clock", "form of errors", "code of a missing card", "first page"}


# What differs, the settings of the gateway, and what is found.
FLIPPED: list[tuple[dict[str, Any], dict[str, str], tuple[str, str]]] = [
    ({"zone": "UTC"}, {}, ("signed call", "set KONAPLATE_TIME_ZONE=UTC")),
    ({"zone": "KST"}, {"KONAPLATE_TIME_ZONE": "UTC"}, ("signed call", "set KONAPLATE_TIME_ZONE=KST")),
    (
        {"request_enc": "A256GCM"},
        {},
        ("signed call", "set KONAPLATE_JWE_ALGORITHMS=RSA-OAEP-256,A256GCM,A128GCM"),
    ),
    (
        {"content_encryption": "A256GCM"},
        {"KONAPLATE_JWE_ALGORITHMS": "RSA-OAEP-256,A128GCM"},
        ("encryption of answers", "set KONAPLATE_JWE_ALGORITHMS=RSA-OAEP-256,A128GCM,A256GCM"),
    ),
    ({"ahead": 90}, {}, ("clock", "synchronize this machine's clock by NTP")),
    ({"ahead": -90}, {}, ("clock", "synchronize this machine's clock by NTP")),
    (
        {"echo": ""},
        {"KONAPLATE_CORRELATION_ECHO": "require"},
        ("echo of the correlation id", "set KONAPLATE_CORRELATION_ECHO=learn"),
    ),
    (
        {"echo": "260101000000-0000000"},
        {},
        ("echo of the correlation id", "set KONAPLATE_CORRELATION_ECHO=ignore"),
    ),
    (
        {},
        {"KONAPLATE_CORRELATION_ECHO": "ignore"},
        ("echo of the correlation id", "set KONAPLATE_CORRELATION_ECHO=learn"),
    ),
    (
        {"seals": {CARD_LIST_PATH: False}},
        {},
        ("card_list: answer", "set KONAPLATE_SEAL_ANSWERS=-card_list"),
    ),
    (
        {"seals": {PRODUCTS_PATH: True}},
        {},
        ("service_info: answer", "set KONAPLATE_SEAL_ANSWERS=service_info so that one in clear is refused"),
    ),
    (
        {"seals": {TRANSACTIONS_PATH: True}},
        {"KONAPLATE_SEAL_ANSWERS": "-terms"},
        (
            "transactions: answer",
            "set KONAPLATE_SEAL_ANSWERS=-terms,transactions so that one in clear is refused",
        ),
    ),
    (
        {"sealed_request": TERMS_PATH},
        {},
        ("terms: request", "set KONAPLATE_SEAL_REQUESTS=terms"),
    ),
    (
        {"no_key_id": CARD_LIST_PATH},
        {},
        ("card_list: id of the key", "set KONAPLATE_SEAL_ANSWERS=-card_list"),
    ),
    ({"no_card": "003_099"}, {}, ("code of a missing card", "set KONAPLATE_NO_CARD_CODES=003_099")),
    ({"first_page": 1}, {}, ("first page", "set KONAPLATE_FIRST_PAGE=1")),
    ({}, {"KONAPLATE_FIRST_PAGE": "1"}, ("first page", "set KONAPLATE_FIRST_PAGE=0")),
]


@pytest.mark.parametrize(("differs", "settings", "expected"), FLIPPED, ids=lambda value: str(value)[:40])
async def test_each_unknown_that_is_flipped_is_named_with_its_setting(
    differs: dict[str, Any], settings: dict[str, str], expected: tuple[str, str]
) -> None:
    findings, _ = await probed(Konaplate(**differs), **settings)
    assert changes_of(findings) == [expected]


@table(
    ("differs", "settings"),
    [(differs, settings) for differs, settings, (_, change) in FLIPPED if change.startswith("set KONAPLATE")],
)
async def test_with_the_settings_that_it_prints_the_probe_finds_nothing(
    differs: dict[str, Any], settings: dict[str, str]
) -> None:
    findings, _ = await probed(Konaplate(**differs), **settings)
    printed = dict(
        finding.advice.removeprefix("set ").split()[0].split("=", 1)
        for finding in findings
        if finding.advice.startswith("set KONAPLATE")
    )
    again, _ = await probed(Konaplate(**differs), **{**settings, **printed})
    assert changes_of(again) == []


@table(
    ("name", "path", "sealed", "setting", "verdict"),
    [
        # Answers must be sealed, in clear, or either.
        ("card_list", CARD_LIST_PATH, True, "", "good"),
        ("card_list", CARD_LIST_PATH, False, "", "bad"),
        ("service_info", PRODUCTS_PATH, True, "", "warning"),
        ("service_info", PRODUCTS_PATH, False, "", "good"),
        ("terms", TERMS_PATH, True, "", "warning"),
        ("terms", TERMS_PATH, False, "", "good"),
        # The setting says which.
        ("terms", TERMS_PATH, True, "terms", "good"),
        ("terms", TERMS_PATH, False, "terms", "bad"),
        ("terms", TERMS_PATH, True, "-terms", "good"),
        ("terms", TERMS_PATH, False, "-terms", "good"),
    ],
)
async def test_only_an_answer_that_the_gateway_would_refuse_is_bad(
    name: str, path: str, setting: str, verdict: str, *, sealed: bool
) -> None:
    findings, _ = await probed(Konaplate(seals={path: sealed}), KONAPLATE_SEAL_ANSWERS=setting)
    judged = [(each.seen, each.verdict) for each in findings if each.what == f"{name}: answer"]
    assert judged == [("sealed" if sealed else "in clear", verdict)]


async def test_what_is_not_known_yet_is_pinned_by_both_answers_together() -> None:
    findings, _ = await probed(Konaplate(seals={TERMS_PATH: True, TRANSACTIONS_PATH: True}))
    assert [change.split()[1] for _, change in changes_of(findings)] == [
        "KONAPLATE_SEAL_ANSWERS=terms",
        "KONAPLATE_SEAL_ANSWERS=terms,transactions",
    ]


@table(
    ("place", "seen", "fits"),
    [
        ("code", "in code, in clear", True),
        ("reason", "in reason, in clear", True),
        ("nowhere", "code none", False),
    ],
)
async def test_the_form_of_errors_is_told_and_only_one_without_a_code_is_none_that_fits(
    place: str, seen: str, *, fits: bool
) -> None:
    findings, _ = await probed(Konaplate(place=place))
    (form,) = (finding for finding in findings if finding.what == "form of errors")
    assert seen in form.seen
    assert (form.verdict == "good") is fits


async def test_wrong_credentials_and_a_wrong_address_are_named() -> None:
    findings, _ = await probed(Konaplate(), KONAPLATE_SECRET_KEY="wrong")
    assert "KONAPLATE_SECRET_KEY" in changes_of(findings)[-1][1]
    findings, _ = await probed(Konaplate(), KONAPLATE_BASE_URL="http://127.0.0.1:9/open-api")
    assert [change for _, change in changes_of(findings)] == [
        "check KONAPLATE_BASE_URL, the firewall and name resolution"
    ]
    assert findings[0].seen == "refuses connections, or cannot be reached"


async def test_a_list_of_cards_that_cannot_be_read_is_told_as_such_and_nothing_is_concluded() -> None:
    findings, _ = await probed(Konaplate(garbled=CARD_LIST_PATH))
    assert [(found.what, found.seen) for found in findings if found.verdict != "good"] == [
        ("card_list", "no usable answer: it cannot be opened or read")
    ]


DEEP = "W1tb" * 20_000 + ".a.b.c.d"
HOSTILE: list[dict[str, Any]] = [
    {"userId": "9" * 5_000},
    {"userId": True},
    {"userId": -1},
    {"userId": 1.5},
    {"userId": MEMBER_ID, "serviceId": {"a": "SECRET"}},
    {"userId": MEMBER_ID, "serviceId": 1.5},
    {
        "userId": MEMBER_ID,
        "cardDataInfo": [None, [], {"par": {}}, {"mobileCardNo": card_no(0), "par": ["SECRET"]}],
    },
    {"userId": MEMBER_ID, "code": "SECRET", "reason": ["SECRET"], "response": {"code": card_no(0)}},
    {"encData": DEEP},
    {"encData": "W10.a.b.c.d"},
    {"encData": "SECRET"},
]
DATES = ["Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2300", "SECRET", ""]


@table(("answer", "date"), [(answer, date) for answer in HOSTILE for date in DATES])
async def test_whatever_konaplate_answers_the_probe_ends_and_prints_nothing_of_it(
    answer: dict[str, Any], date: str
) -> None:
    statuses = itertools.cycle([401, 200, 200, 200, 403, 500])

    def answered(_request: httpx.Request) -> httpx.Response:
        headers = {"date": date, CORRELATION_ID: "SECRET"}
        return httpx.Response(next(statuses), content=json.dumps(answer).encode(), headers=headers)

    settings = checked_settings(environment_at("http://127.0.0.1:9", credentials()))
    caller = ProbeClient(
        "http://127.0.0.1:9", build_identity(settings), key_pairs(settings), httpx.MockTransport(answered)
    )
    notes = Notebook(settings, caller, by_name(configured_endpoints(settings)), lambda _what: True)
    await Probe(notes, CardNo(card_no(0))).run()
    printed = json.dumps([asdict(finding) for finding in notes.findings])
    assert caller.count > 1
    assert "SECRET" not in printed
    assert card_no(0) not in printed


@table(
    ("date", "ahead"),
    [
        ("Fri, 27 Nov 2026 03:00:00 GMT", 0),
        # Neither says its zone, which is GMT.
        ("Fri, 27 Nov 2026 03:00:05", 5),
        ("Fri, 27 Nov 2026 03:00:05 -0000", 5),
        ("Fri, 27 Nov 2026 12:00:00 +0900", 0),
        ("Fri, 27 Nov 9999 03:00:00 GMT", None),
        ("three o'clock", None),
        (None, None),
    ],
)
def test_a_date_is_compared_with_this_machines_clock_wherever_that_is(
    date: str | None, ahead: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Seoul")
        patched.setattr("time.time", lambda: datetime(2026, 11, 27, 3, tzinfo=UTC).timestamp())
        tzset()
        assert seconds_ahead(date) == ahead
    tzset()


async def test_a_call_that_is_not_allowed_is_not_made() -> None:
    upstream = Konaplate()
    await probed(upstream, refuse="/user/info")
    assert "/open-api/api/v1/user/info" not in {call.path for call in upstream.calls}
    assert set(INQUIRIES) <= {call.path for call in upstream.calls}
    nothing = Konaplate()
    findings, calls = await probed(nothing, refuse="/api/")
    assert (findings, calls, nothing.calls) == ([], 0, [])
