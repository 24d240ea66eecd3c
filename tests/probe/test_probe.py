"""`konagraph probe` against a Konaplate of another make, with each unknown flipped in turn."""

from __future__ import annotations

import asyncio
import functools
import itertools
import json
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from email.utils import formatdate
from time import time, tzset
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from click.testing import CliRunner

from graph.cli import main
from graph.header_values import seconds_ahead
from graph.konaplate.endpoint import by_name
from graph.konaplate.transport.lean import LeanTransport
from graph.konaplate.transport.pool import PoolLimits
from graph.probe.client import ProbeClient
from graph.probe.notebook import Notebook
from graph.probe.steps import Probe
from graph.wiring.upstream import build_identity, configured_endpoints, key_pairs
from schema.secrets import CardNo
from tests.independent.credentials import Credentials
from tests.independent.inquiries import (
    CARD_LIST_PATH,
    INQUIRIES,
    PRODUCTS_PATH,
    TERMS_PATH,
    TRANSACTIONS_PATH,
    RefusalError,
)
from tests.independent.jwe import unseal
from tests.independent.konaplate import CARD_PATH, IndependentKonaplate
from tests.independent.rules import CORRELATION_ID, CRYPTO_KEY_ID, TIME_ZONE, read_envelope
from tests.independent.wallet import MEMBER_ID, card_no, fill
from tests.support import checked_settings
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graph.output.findings import Finding
    from tests.independent.http1 import Request

CARD = {
    "userId": MEMBER_ID,
    "balance": 50_000,
    "serviceId": "PRODUCT00000002",
    "serviceName": "상품",
    "isAutoRechargeBeforePayment": False,
    "cashReceiptInfo": {"approvalDiv": "0", "idNo": "01012345678", "manYn": "1"},
}
MEMBER = {"userId": MEMBER_ID, "userName": "김비밀", "mobileNumber": "01012345678", "email": "kim@example.com"}


@functools.cache
def credentials() -> Credentials:
    """One set for all tests: making RSA keys takes a while."""
    return Credentials.generate()


class Konaplate(IndependentKonaplate):
    """A Konaplate that differs in one thing."""

    def __init__(self, **differs: Any) -> None:
        super().__init__(
            content_encryption=differs.pop("content_encryption", "A128GCM"), credentials=credentials()
        )
        self.differs = differs
        self.cards[card_no(0)] = CARD
        self.members[MEMBER_ID] = MEMBER
        fill(self.bank)

    async def _exchange(self, reader: asyncio.StreamReader) -> tuple[bytes, bool]:
        answer, keep = await super()._exchange(reader)
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        if "echo" in self.differs:
            lines = [line for line in lines if not line.lower().startswith(CORRELATION_ID.lower().encode())]
            if self.differs["echo"]:
                lines.append(f"{CORRELATION_ID}: {self.differs['echo']}".encode())
        lines.append(f"Date: {formatdate(time() + self.differs.get('ahead', 0), usegmt=True)}".encode())
        return b"\r\n".join(lines) + b"\r\n\r\n" + body, keep

    def _answer(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        status, headers, body = super()._answer(request)
        place = self.differs.get("place")
        if place is not None and status != 200:
            code = json.loads(body)["response"]["code"]
            body = json.dumps({place: code} if place != "nowhere" else {"oops": code}).encode()
        return status, headers, body

    def _inspect(self, request: Request) -> tuple[list[str], dict[str, Any]]:
        found, payload = super()._inspect(request)
        differs = self.differs
        if differs.get("zone", request.values(TIME_ZONE)[0]) != request.values(TIME_ZONE)[0]:
            found.append(f"{TIME_ZONE}: not the one")
        if request.target in differs.get("seals", ()):
            found = [each for each in found if CRYPTO_KEY_ID not in each]
        if differs.get("no_key_id") == request.target:
            # It must be missing, of which the other fake only says that it is.
            found = [each for each in found if CRYPTO_KEY_ID not in each]
            found += [f"{CRYPTO_KEY_ID}: present"] * bool(request.values(CRYPTO_KEY_ID))
        if differs.get("sealed_request") == request.target:
            try:
                private_pem = self.credentials.server_private_key_pem or ""
                payload = json.loads(unseal(read_envelope(request.body), private_pem, "A128GCM"))
                found = []
            except ValueError:
                found = ["body: not sealed"]
        return found, payload

    def _clear(self, body: bytes) -> bytes:
        enc = self.differs.get("request_enc", "A128GCM")
        return unseal(read_envelope(body), self.credentials.server_private_key_pem or "", enc)

    def _seals_answer(self, path: str) -> bool:
        flipped: dict[str, bool] = self.differs.get("seals", {})
        return flipped.get(path, super()._seals_answer(path))

    def _look_up(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        if path == CARD_PATH and payload.get("cardNo") not in self.cards and "no_card" in self.differs:
            raise RefusalError(self.differs["no_card"], "Nothing.")
        if path == TRANSACTIONS_PATH and self.differs.get("first_page"):
            asked = dict(payload["pageRequest"])
            if asked["page"] == 0:
                raise RefusalError("000_002", "Invalid input parameter. page")
            payload = {**payload, "pageRequest": {**asked, "page": asked["page"] - 1}}
        return super()._look_up(path, payload)


def environment(upstream: IndependentKonaplate, **changes: str) -> dict[str, str]:
    return environment_at(upstream.base_url, upstream.credentials, **changes)


def environment_at(base_url: str, given: Credentials, **changes: str) -> dict[str, str]:
    return {
        "KONAPLATE_BASE_URL": base_url,
        "KONAPLATE_ASP_ID": given.asp_id,
        "KONAPLATE_ACCESS_KEY": given.access_key,
        "KONAPLATE_SECRET_KEY": given.secret_key,
        "KONAPLATE_CRYPTO_KEY_ID": given.crypto_key_id,
        "KONAPLATE_SERVER_PUBLIC_KEY": given.server_public_key_pem,
        "KONAPLATE_CLIENT_PRIVATE_KEY": given.client_private_key_pem,
        **changes,
    }


async def probed(
    upstream: Konaplate, number: str = card_no(0), refuse: str = "", **changes: str
) -> tuple[list[Finding], int]:
    """The findings about a Konaplate, and how many calls they took."""
    async with upstream:
        settings = checked_settings(environment(upstream, **changes))
        transport = LeanTransport(PoolLimits(1, response_bytes=1 << 18), None)
        caller = ProbeClient(settings.konaplate_base_url, build_identity(settings), key_pairs(settings), transport)
        endpoints = by_name(configured_endpoints(settings))
        notes = Notebook(settings, caller, endpoints, lambda what: not refuse or refuse not in what)
        await Probe(notes, CardNo(number)).run()
        await transport.aclose()
    return notes.findings, caller.count


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


@pytest.fixture
def running() -> Iterator[Konaplate]:
    """A Konaplate in an event loop of its own, for a command that has one itself."""
    upstream = Konaplate(no_card="003_099")
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        runner.run(upstream.__aenter__())
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        yield upstream
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        runner.run(upstream.__aexit__(None, None, None))


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_command_prints_settings_and_nothing_of_the_card_or_the_member(running: Konaplate, form: str) -> None:
    arguments = ["probe", "--yes", "--format", form]
    result = CliRunner().invoke(main, arguments, input=f"{card_no(0)}\n", env=environment(running))
    assert result.exit_code == 1
    assert "KONAPLATE_NO_CARD_CODES=003_099" in result.stdout
    secrets = [card_no(0), "김비밀", "01012345678", "kim@example.com", "50000", "PAR0", str(MEMBER_ID)]
    given = running.credentials
    for text in (*secrets, given.secret_key, given.access_key, given.asp_id):
        assert text not in result.output


def test_a_probe_that_is_stopped_at_a_question_prints_what_it_has_found(running: Konaplate) -> None:
    result = CliRunner().invoke(main, ["probe"], input=f"{card_no(0)}\ny\ny\n", env=environment(running))
    assert result.exit_code == 1
    assert "good     signed call: accepted" in result.stdout
    assert "good     echo of the correlation id: that of the call" in result.stdout
    assert result.stdout.endswith(
        "BAD      probe: stopped before its end\n         -> start it again for what is missing here\n"
    )


def test_the_command_needs_a_card_number() -> None:
    given = credentials()
    settings = {
        "KONAPLATE_BASE_URL": "http://127.0.0.1:9/open-api",
        "KONAPLATE_ASP_ID": given.asp_id,
        "KONAPLATE_ACCESS_KEY": given.access_key,
        "KONAPLATE_SECRET_KEY": given.secret_key,
        "KONAPLATE_ENCRYPTION": "off",
    }
    result = CliRunner().invoke(main, ["probe", "--yes"], input="12\n", env=settings)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "16 digits" in result.stderr
