"""An upstream whose sealed response for one card cannot be opened, and its sealed or clear errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.faults.card_upstream import BALANCE, WELL, CardUpstream, say
from tests.faults.jumping_clock import jumping
from tests.faults.rows import INVALID, UNAVAILABLE, Row, check
from tests.faults.whole_gateway import BOTH, gateway_over
from tests.independent.jwe import assemble, b64url, header_bytes, seal, unseal
from tests.konaplate.faulty_upstream import http
from tests.konaplate.support import KEY_ID, encoded, pem

ENC = "A128GCM"
OURS, FOREIGN = pem("client", private=False), pem("client2", private=False)
SETTINGS = {
    "KONAPLATE_ENCRYPTION": "on",
    "KONAPLATE_CRYPTO_KEY_ID": KEY_ID,
    "KONAPLATE_SERVER_PUBLIC_KEY": pem("server", private=False),
    "KONAPLATE_CLIENT_PRIVATE_KEY": pem("client", private=True),
}


class SealedUpstream(CardUpstream):
    """Reads sealed requests and seals its good answers."""

    def _clear(self, body: bytes) -> dict[str, Any]:
        fields: dict[str, Any] = json.loads(unseal(json.loads(body)["encData"], pem("server", private=True), ENC))
        return fields

    def _sealed(self, body: bytes) -> bytes:
        return encoded({"encData": seal(body, OURS, ENC)})


def unopened(sealed: object, status: str = "200 OK") -> bytes:
    return http(encoded({"encData": sealed}), status)


def headed(cek: int = 16, iv: int = 12, **header: object) -> str:
    """Sealed for us, with another header."""
    return assemble(encoded({"enc": ENC, "alg": "RSA-OAEP-256", **header}), WELL, OURS, bytes(cek), bytes(iv))


def tampered(part: int) -> str:
    parts = seal(WELL, OURS, ENC).split(".")
    parts[part] = ("B" if parts[part][0] == "A" else "A") + parts[part][1:]
    return ".".join(parts)


NO_SUCH_CARD = encoded({"response": {"code": "003_001", "description": "Invalid card info."}})

REFUSED: dict[str, object] = {
    "unknown alg": headed(alg="RSA9"),
    "another alg": headed(alg="RSA1_5"),
    "no alg": assemble(encoded({"enc": ENC}), WELL, OURS, bytes(16), bytes(12)),
    "a list as alg": headed(alg=["RSA-OAEP-256"]),
    "unknown enc": headed(enc="A512XYZ"),
    "another enc": headed(cek=32, enc="A128CBC-HS256"),
    "zip": headed(zip="DEF"),
    "crit": headed(crit=["exp"], exp=1),
    "an embedded key": headed(jwk={"kty": "RSA"}),
    "tampered header": tampered(0),
    "tampered key": tampered(1),
    "tampered iv": tampered(2),
    "tampered text": tampered(3),
    "tampered tag": tampered(4),
    "short tag": seal(WELL, OURS, ENC)[:-4],
    "wrong key": seal(WELL, FOREIGN, ENC),
    "four parts": seal(WELL, OURS, ENC).rpartition(".")[0],
    "six parts": seal(WELL, OURS, ENC) + ".AAAA",
    "empty": "",
    "no text": 7,
    "an object": {"encData": "x"},
    "not ASCII": "é." * 4,
    "header that is no JSON": ".".join([b64url(b"{"), *seal(WELL, OURS, ENC).split(".")[1:]]),
    "nothing inside": seal(b"", OURS, ENC),
    "HTML inside": seal(b"<html></html>", OURS, ENC),
    "a list inside": seal(b"[]", OURS, ENC),
    "sealed twice": seal(encoded({"encData": seal(WELL, OURS, ENC)}), OURS, ENC),
    "another length of key": headed(cek=32),
}

ROWS: dict[str, Row] = {
    **{
        name: Row(say(unopened(sealed)), INVALID, 1, retryable=False, counted=False)
        for name, sealed in REFUSED.items()
    },
    "no encData": Row(say(http(b"{}")), INVALID, 1, retryable=False, counted=False),
    "null for encData": Row(say(unopened(None)), INVALID, 1, retryable=False, counted=False),
    "tampered under 503": Row(say(unopened(tampered(4), "503 Busy")), UNAVAILABLE, 2),
    "tampered under 401": Row(
        say(unopened(tampered(4), "401 Unauthorized")), "UPSTREAM_REJECTED", 1, retryable=False, counted=False
    ),
    "error body in clear": Row(
        say(http(NO_SUCH_CARD, "400 Bad Request")), "CARD_NOT_FOUND", 1, retryable=False, counted=False
    ),
    "error body sealed": Row(
        say(unopened(seal(NO_SUCH_CARD, OURS, ENC), "400 Bad Request")),
        "CARD_NOT_FOUND",
        1,
        retryable=False,
        counted=False,
    ),
    "text in clear under 500": Row(say(http(b"oops", "500 Internal Server Error")), UNAVAILABLE, 1),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@jumping
async def test_an_answer_that_cannot_be_opened_fails_one_card(row: Row) -> None:
    await check(row, SealedUpstream(row.act), keeps=True, **SETTINGS)


GOOD: dict[str, bytes] = {
    "without a key id": unopened(seal(WELL, OURS, ENC)),
    "under an old key id": http(encoded({"encData": seal(WELL, OURS, ENC)}), headers=["X-KM-Crypto-Key-Id: old"]),
    "with the longer key": unopened(seal(WELL, OURS, "A256GCM")),
    "with a kid": unopened(headed(kid=KEY_ID)),
}


@pytest.mark.parametrize("raw", GOOD.values(), ids=GOOD)
@jumping
async def test_an_answer_that_can_be_opened_is_read(raw: bytes) -> None:
    async with gateway_over(SealedUpstream(say(raw)), **SETTINGS) as gateway:
        answer = await gateway.query(BOTH)
    assert answer == {"data": {"good": {"balance": BALANCE}, "bad": {"balance": BALANCE}}}


def test_the_refused_messages_differ_from_a_good_one_only_where_they_say() -> None:
    private = pem("client", private=True)
    assert unseal(headed(), private, ENC) == WELL
    assert header_bytes(ENC) == encoded({"enc": ENC, "alg": "RSA-OAEP-256"})
