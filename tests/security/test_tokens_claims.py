"""The required claims of a token: issuer, audience, lifetime and subject."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.security.jwt_gateway import assert_accepted, refuse
from tests.security.jwt_maker import AUDIENCE, ISSUER, claims, compact, ec_signer
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.security.jwt_gateway import Guarded

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRONG_ISSUER = "the token's issuer is wrong"
WRONG_AUDIENCE = "the token's audience is wrong"
EXPIRED = "the token has expired"
EARLY = "the token is not valid yet"
ENDLESS = "the token never expires"
NO_TIME = "a time in the token is not a number of seconds"
NO_SUBJECT = "the token's subject or scope is malformed"
NO_CLAIMS = "the token has no claims"
FORM = "the token's signature or form is invalid"


def signed(payload: object) -> str:
    """A token that is valid except, perhaps, for its payload."""
    signer = ec_signer()
    return compact(signer.header(), payload, signer.sign)


def without(name: str) -> dict[str, Any]:
    return claims(**{name: None})


@pytest.mark.parametrize(
    "issuer",
    [f"{ISSUER}/", ISSUER.upper(), ISSUER[:-1], f" {ISSUER}", "", None, [ISSUER], {"iss": ISSUER}, True, 5],
    ids=repr,
)
async def test_another_issuer_is_refused(issuer: object, running: Guarded) -> None:
    await refuse(running, signed(claims() | {"iss": issuer}), WRONG_ISSUER)


async def test_a_token_without_an_issuer_is_refused(running: Guarded) -> None:
    await refuse(running, signed(without("iss")), WRONG_ISSUER)


@table(
    "audience",
    [
        *("another", AUDIENCE.upper(), f"{AUDIENCE} another", AUDIENCE[:-1], "", None, True, 5),
        *([], ["another"], [[AUDIENCE]], [{"aud": AUDIENCE}], [None, 5], {AUDIENCE: AUDIENCE}),
    ],
)
async def test_another_audience_is_refused(audience: object, running: Guarded) -> None:
    await refuse(running, signed(claims() | {"aud": audience}), WRONG_AUDIENCE)


async def test_a_token_without_an_audience_is_refused(running: Guarded) -> None:
    await refuse(running, signed(without("aud")), WRONG_AUDIENCE)


# Real seconds: the clock of the gateway is the machine's. Tests with a clock of their own know the exact second.
LEEWAY = 30
MARGIN = 20


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"exp": -LEEWAY - 1}, EXPIRED),
        ({"exp": -(10**9)}, EXPIRED),
        ({"nbf": LEEWAY + MARGIN}, EARLY),
        ({"iat": LEEWAY + MARGIN}, EARLY),
        ({"nbf": 10**9, "exp": 2 * 10**9}, EARLY),
        ({"nbf": 0, "iat": LEEWAY + MARGIN}, EARLY),
        ({"nbf": LEEWAY + MARGIN, "iat": 0}, EARLY),
    ],
    ids=str,
)
async def test_a_token_outside_its_times_is_refused(
    changes: dict[str, int], reason: str, running: Guarded
) -> None:
    now = int(time.time())
    times = {name: now + offset for name, offset in changes.items()}

    await refuse(running, signed(claims(**times)), reason)


@pytest.mark.parametrize("changes", [{"exp": -LEEWAY + MARGIN}, {"nbf": MARGIN}, {"iat": MARGIN}], ids=str)
async def test_clocks_may_differ_a_little(changes: dict[str, int], running: Guarded) -> None:
    now = int(time.time())
    times = {name: now + offset for name, offset in changes.items()}

    assert_accepted(await running.bearer(signed(claims(**times))))


async def test_a_token_from_before_1970_is_refused(running: Guarded) -> None:
    for expires in (0, -1, -0.0, -(10**14)):
        await refuse(running, signed(claims(exp=expires)), EXPIRED)


async def test_a_token_that_never_expires_is_refused(running: Guarded) -> None:
    await refuse(running, signed(without("exp")), ENDLESS)
    await refuse(running, signed(claims() | {"exp": None}), ENDLESS)


ODD_TIMES: dict[str, Callable[[int], object]] = {
    "digits": str,
    "text": lambda _: "soon",
    "empty": lambda _: "",
    "true": lambda _: True,
    "list": lambda now: [now],
    "object": lambda now: {"exp": now},
    "beyond a float": lambda _: 10**400,
    "as far back": lambda _: -(10**400),
    "beyond time": lambda _: 10**16,
    "a float beyond time": lambda _: 1e300,
}


@table("name", ["exp", "nbf", "iat"])
@table("odd", ODD_TIMES.values())
async def test_a_time_that_is_no_number_of_seconds_is_refused(
    name: str, odd: Callable[[int], object], running: Guarded
) -> None:
    await refuse(running, signed(claims() | {name: odd(int(time.time()) + 600)}), NO_TIME)


@table("name", ["exp", "nbf", "iat", "unused"])
@table("number", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"1" * 4400, b"01", b"1."])
async def test_a_number_that_is_not_in_json_is_refused(name: str, number: bytes, running: Guarded) -> None:
    payload = json.dumps(claims() | {name: "@"}).encode().replace(b'"@"', number)

    await refuse(running, signed(payload), FORM)


@pytest.mark.parametrize("subject", ["", None, 5, True, ["a"], {"a": "b"}], ids=repr)
async def test_a_subject_that_is_no_text_is_refused(subject: object, running: Guarded) -> None:
    await refuse(running, signed(claims() | {"sub": subject}), NO_SUBJECT)


async def test_a_token_without_a_subject_is_refused(running: Guarded) -> None:
    await refuse(running, signed(without("sub")), NO_SUBJECT)


@pytest.mark.parametrize(
    "scope",
    [5, True, False, 1.5, {"cards:read:any": True}, ["cards:read:any", 5], [None], [["cards:read:any"]]],
    ids=repr,
)
async def test_scopes_that_are_neither_text_nor_texts_are_refused(scope: object, running: Guarded) -> None:
    await refuse(running, signed(claims() | {"scope": scope}), NO_SUBJECT)


@pytest.mark.parametrize("payload", [b"null", b"[]", b'"text"', b"5", b"true", b'[{"sub":"a"}]'])
async def test_a_payload_that_is_no_object_is_refused(payload: bytes, running: Guarded) -> None:
    await refuse(running, signed(payload), NO_CLAIMS)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff",
        b'{"sub":"\xff"}',
        b'{"sub":"\\ud800"}',
        b"{} {}",
        b"\xef\xbb\xbf{}",
        '{"sub":"a"}'.encode("utf-16"),
        b'{"a":' + b"[" * 2500 + b"]" * 2500 + b"}",
    ],
    ids=lambda payload: repr(payload[:20]),
)
async def test_a_payload_that_cannot_be_read_is_refused(payload: bytes, running: Guarded) -> None:
    await refuse(running, signed(payload), FORM)


@pytest.mark.parametrize("depth", [10, 100, 400])
async def test_nested_claims_are_of_no_interest(depth: int, running: Guarded) -> None:
    nested: object = 1
    for _ in range(depth):
        nested = [{"a": nested}] if depth < 200 else [nested]

    assert_accepted(await running.bearer(signed(claims(nested=nested))))
