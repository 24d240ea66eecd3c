"""What a call sends, and how it is reported: everything for an operator, nothing secret."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.konaplate.client import CallReport
from graph.konaplate.encryption import Cipher
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.endpoints.user_info import USER_INFO
from graph.konaplate.errors import (
    CallDetails,
    CardNotFoundError,
    Cause,
    InvalidResponseError,
    KonaplateError,
    RejectedError,
    SystemFaultError,
    TimedOutError,
    UnavailableError,
    UnknownCodeError,
    UnsealedError,
)
from graph.konaplate.send import Limits
from tests.independent import jwe
from tests.konaplate.counted_key import counted_pair
from tests.konaplate.support import (
    BASE_URL,
    CARD,
    MEMBER,
    Reports,
    answering,
    card_fields,
    connected,
    encoded,
    leaks,
    member_fields,
    pair,
    pem,
    succeeded,
)
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

    Handler = Callable[[httpx.Request], httpx.Response]

EPOCH_MS = 1_741_230_000_042
OWN_ID = "250306120000-0000007"
CARD_API, MEMBER_API = "/api/v1/user/card/info", "/api/v1/user/info"
WELL = succeeded(card_fields())


async def reports_of(handler: Handler, *, cipher: Cipher | None = None) -> tuple[Reports, KonaplateError | None]:
    """The reports of one call for a card, and the error that it ended in."""
    reports, transport = Reports(), httpx.MockTransport(handler)
    async with connected(
        transport, cipher=cipher, start=7, clock_ms=lambda: EPOCH_MS, on_call=reports.append
    ) as client:
        try:
            await client.fetch(CARD_INFO, CARD)
        except KonaplateError as error:
            return reports, error
    return reports, None


def called(status: int | None = None, code: str | None = None) -> CallDetails:
    return CallDetails(OWN_ID, status, code, CARD_API, answered_at=0 if status is None else EPOCH_MS)


def raising(error: Exception) -> Handler:
    def handler(_request: httpx.Request) -> httpx.Response:
        raise error

    return handler


async def test_a_successful_call_is_reported_once_with_everything() -> None:
    echo = [("X-KM-Correlation-Id", OWN_ID)]
    reports, _ = await reports_of(answering(WELL, 200, echo))
    report = reports.one()
    details = called(200, "000_000")
    assert CallReport(CARD_API, "ok", details, report.seconds, "same", (), endpoint="card_info") == report
    assert 0 <= report.seconds < 5


async def test_a_member_is_reported_under_its_own_path() -> None:
    reports = Reports()
    transport = httpx.MockTransport(answering(succeeded({"userInfo": member_fields()})))
    async with connected(transport, on_call=reports.append) as client:
        await client.fetch(USER_INFO, MEMBER)
    assert (reports.one().api, reports.one().outcome) == (MEMBER_API, "ok")
    assert leaks(reports.one()) == []


@table(
    ("headers", "echo"),
    [
        ([("X-KM-Correlation-Id", OWN_ID)], "same"),
        ([("x-km-correlation-id", OWN_ID.upper())], "same"),
        ([("X-KM-Correlation-Id", OWN_ID), ("X-KM-Correlation-Id", OWN_ID)], "same"),
        ([], "missing"),
        ([("X-KM-Correlation-Id", "")], "missing"),
        ([("X-KM-Correlation-Id", "an id of their own")], "different"),
        ([("X-KM-Correlation-Id", "250306120000-0000008")], "another process's"),
        ([("X-KM-Correlation-Id", OWN_ID), ("X-KM-Correlation-Id", "250306120000-0ABCDEF")], "another process's"),
    ],
)
@table("body", [WELL, b"<html>"])
async def test_the_echo_of_the_correlation_id_is_reported_and_the_answer_stands(
    headers: list[tuple[str, str]], echo: str, body: bytes
) -> None:
    reports, error = await reports_of(answering(body, 200, headers))
    assert echo == reports.one().echo
    assert (body == WELL) == (error is None)


def refusing(code: str, status: int) -> Handler:
    return answering(encoded({"code": code}), status)


UNREAD = CallDetails(OWN_ID, 200, None, CARD_API)

FAILURES: list[tuple[Handler, type[KonaplateError], CallDetails, str | None, Cause | None]] = [
    (answering(b"", 503), UnavailableError, called(503), "missing", Cause.BAD_GATEWAY),
    (answering(b"", 401), RejectedError, called(401), "missing", None),
    (refusing("003_001", 400), CardNotFoundError, called(400, "003_001"), "missing", None),
    (refusing("006_022", 400), SystemFaultError, called(400, "006_022"), "missing", None),
    (refusing("777_777", 200), UnknownCodeError, called(200, "777_777"), "missing", None),
    (answering(CARD.reveal().encode()), InvalidResponseError, called(200), "missing", None),
    (answering(b" " * 300_000), InvalidResponseError, UNREAD, None, None),
    (answering(WELL, 200, [("Content-Encoding", "br")]), InvalidResponseError, UNREAD, None, None),
    (raising(httpx.ConnectError("no")), UnavailableError, called(), None, Cause.NOT_CONNECTED),
    (raising(httpx.ReadError("no")), UnavailableError, called(), None, Cause.NO_ANSWER),
    (raising(httpx.WriteError("no")), UnavailableError, called(), None, Cause.NO_ANSWER),
    (raising(httpx.RemoteProtocolError("no")), UnavailableError, called(), None, Cause.BROKEN_ANSWER),
    (raising(httpx.PoolTimeout("no")), UnavailableError, called(), None, Cause.NO_CONNECTION_FREE),
    (raising(OSError("no")), UnavailableError, called(), None, Cause.NO_ANSWER),
    (raising(httpx.ConnectTimeout("no")), TimedOutError, called(), None, Cause.NOT_CONNECTED),
    (raising(httpx.ReadTimeout("no")), TimedOutError, called(), None, Cause.TOO_SLOW),
    (raising(httpx.WriteTimeout("no")), TimedOutError, called(), None, Cause.TOO_SLOW),
    (answering(b"", 500), UnavailableError, called(500), "missing", Cause.SERVER_FAULT),
    (answering(b"", 408), UnavailableError, called(408), "missing", Cause.ASKS_AGAIN),
    (answering(b"", 429), UnavailableError, called(429), "missing", Cause.THROTTLED),
    (raising(httpx.RemoteProtocolError("Server disconnected without sending a response.")), UnavailableError,
     called(), None, Cause.NO_ANSWER),
]  # fmt: skip


@table(("handler", "kind", "details", "echo", "cause"), FAILURES)
async def test_a_failed_call_is_reported_by_the_name_of_its_error(
    handler: Handler, kind: type[KonaplateError], details: CallDetails, echo: str | None, cause: Cause | None
) -> None:
    reports, error = await reports_of(handler)
    report = reports.one()
    assert kind is type(error)
    assert error is not None
    assert details == error.details
    expected = CallReport(
        CARD_API,
        kind.__name__,
        details,
        report.seconds,
        echo,  # type: ignore[arg-type]
        cause=cause,
        endpoint="card_info",
        problem=report.problem,
    )
    assert report == expected
    assert (report.problem != "") == (kind is InvalidResponseError)
    assert leaks(error, report) == []


def sealed(clear: bytes, owner: str = "client") -> bytes:
    return encoded({"encData": jwe.seal(clear, pem(owner, private=False), "A128GCM")})


BY_ANOTHER = answering(WELL, 200, [("X-KM-Correlation-Id", "250306120000-0ABCDEF")])


@table(
    ("handler", "encrypted", "problem"),
    [
        (answering(b"<html>"), False, "the body is not a JSON object"),
        (answering(b"{}"), False, "it has no code"),
        (answering(encoded({"code": "000_000"}), 404), False, "a success under another status"),
        (answering(b" " * 300_000), False, "it is too large or compressed"),
        (answering(sealed(WELL)), False, "it is encrypted, and encryption is off"),
        (answering(encoded({"encData": 1})), True, "encData is not a string"),
        (answering(sealed(WELL, "server")), True, "no key opens the message"),
        (answering(sealed(b"[]")), True, "what was encrypted is not a JSON object"),
        (BY_ANOTHER, False, ""),
        (answering(encoded({"encData": "x"}), 503), True, ""),
    ],
)
async def test_what_is_wrong_with_a_refused_answer_is_reported(
    handler: Handler, problem: str, *, encrypted: bool
) -> None:
    reports, error = await reports_of(handler, cipher=Cipher([pair()]) if encrypted else None)
    assert reports.one().problem == problem
    assert isinstance(error, InvalidResponseError) == (problem != "")


async def test_a_success_in_clear_is_reported() -> None:
    reports, error = await reports_of(answering(WELL), cipher=Cipher([pair()]))
    assert (type(error), reports.one().outcome) == (UnsealedError, "UnsealedError")


async def test_a_failure_in_clear_is_a_failure_like_any() -> None:
    reports, error = await reports_of(refusing("003_001", 400), cipher=Cipher([pair()]))
    assert (type(error), reports.one().outcome) == (CardNotFoundError, "CardNotFoundError")


async def test_drift_is_reported_by_the_names_of_the_fields() -> None:
    fields = card_fields(serviceName=CARD.reveal() * 17, ownerKa="1" * 16)
    reports, _ = await reports_of(answering(succeeded(fields)))
    assert (reports.one().outcome, reports.one().drift) == ("ok", ("serviceName", "ownerKa"))
    assert leaks(reports.one()) == []


async def test_a_bad_field_does_not_make_the_call_a_failure() -> None:
    reports, error = await reports_of(answering(succeeded(card_fields(balance=CARD.reveal()))))
    assert (reports.one().outcome, error) == ("ok", None)
    assert reports.one().invalid_fields == ("balance",)
    assert leaks(reports.one()) == []


async def test_another_members_data_is_reported_as_an_invalid_answer() -> None:
    reports = Reports()
    transport = httpx.MockTransport(answering(succeeded({"userInfo": member_fields(userId=1)})))
    async with connected(transport, start=7, clock_ms=lambda: EPOCH_MS, on_call=reports.append) as client:
        with pytest.raises(InvalidResponseError) as caught:
            await client.fetch(USER_INFO, MEMBER)
    assert CallDetails(OWN_ID, 200, "000_000", MEMBER_API, answered_at=EPOCH_MS) == caught.value.details
    assert (reports.one().outcome, reports.one().details) == ("InvalidResponseError", caught.value.details)
    assert reports.one().problem == "it is not about what was asked for"
    assert leaks(caught.value, reports.one()) == []


async def test_a_cancelled_call_is_reported_as_cancelled() -> None:
    reports, asked = Reports(), asyncio.Event()

    async def handler(_request: httpx.Request) -> httpx.Response:
        asked.set()
        await asyncio.Event().wait()
        raise NotImplementedError

    async with connected(httpx.MockTransport(handler), on_call=reports.append) as client:
        call = asyncio.create_task(client.fetch(CARD_INFO, CARD))
        await asked.wait()
        call.cancel()
        await asyncio.wait([call])
    assert (reports.one().outcome, reports.one().echo) == ("cancelled", None)


@pytest.mark.parametrize("base_url", [BASE_URL, f"{BASE_URL}/"])
async def test_a_plain_call_posts_exactly_the_documented_request(base_url: str) -> None:
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        body = {"userInfo": member_fields()} if request.url.path.endswith("/user/info") else card_fields()
        return answering(succeeded(body))(request)

    async with connected(httpx.MockTransport(handler), base_url=base_url) as client:
        await client.fetch(CARD_INFO, CARD)
        await client.fetch(USER_INFO, MEMBER)
    assert [(request.method, str(request.url), request.content) for request in sent] == [
        ("POST", f"{BASE_URL}{CARD_API}", b'{"cardNo":"9491339400001234"}'),
        ("POST", f"{BASE_URL}{MEMBER_API}", b'{"userId":9223372036854775808}'),
    ]


async def test_an_encrypted_call_shows_the_card_number_nowhere() -> None:
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return answering(b"", 500)(request)

    reports, error = await reports_of(handler, cipher=Cipher([pair()]))
    assert CARD.reveal().encode() not in sent[0].content
    assert CARD.reveal() not in str(sent[0].url) + str(sent[0].headers)
    assert leaks(error, *reports, *sent) == []


@pytest.mark.parametrize(("key_id", "uses"), [("new", (1, 1)), ("old", (0, 1))])
async def test_the_key_that_the_answer_names_is_tried_first(key_id: str, uses: tuple[int, int]) -> None:
    (new_pair, new), (old_pair, old) = counted_pair("new", opens="client2"), counted_pair("old")
    sealed = encoded({"encData": jwe.seal(WELL, pem("client", private=False), "A128GCM")})
    answer = answering(sealed, 200, [("X-KM-Crypto-Key-Id", key_id)])
    reports, _ = await reports_of(answer, cipher=Cipher([new_pair, old_pair]))
    assert reports.one().outcome == "ok"
    assert uses == (new.operations, old.operations)


async def test_a_client_and_what_it_is_made_of_show_no_secret() -> None:
    async with connected(httpx.MockTransport(answering(WELL)), cipher=Cipher([pair()])) as client:
        assert leaks(client, *vars(client).values()) == []


async def test_closing_the_client_closes_its_transport() -> None:
    class Transport(httpx.AsyncBaseTransport):
        closed = False

        async def aclose(self) -> None:
            self.closed = True

    transport = Transport()
    async with connected(transport):
        assert not transport.closed
    assert transport.closed


def test_the_bounds_of_a_call_are_the_documented_ones() -> None:
    assert Limits(total=2.5, connect=1.0, pool=0.25, response_bytes=262_144) == Limits()


async def test_a_fault_of_our_own_is_reported_as_unexpected() -> None:
    reports = Reports()
    async with connected(
        httpx.MockTransport(raising(LookupError(CARD.reveal()))), on_call=reports.append
    ) as client:
        with pytest.raises(LookupError):
            await client.fetch(CARD_INFO, CARD)
    assert reports.one().outcome == "unexpected"
    assert leaks(reports.one()) == []
