"""The sandbox rejects every header, token and envelope that is not as documented, with a plain reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from graph.sandbox.ledger import FIRST_CARD
from tests.independent.jwe import assemble, generate_pair, header_bytes, seal
from tests.independent.raw_client import SENT, Draft, envelope, keys, sealed
from tests.sandbox.calls import asking_for_card, refusal, send
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

KM_HEADERS = [name for name in SENT if name.startswith("X-KM-") and name != "X-KM-Crypto-Key-Id"]
CLEAR = json.dumps({"cardNo": FIRST_CARD}).encode()


def good() -> Draft:
    """A correct call, for tests to spoil."""
    return asking_for_card(FIRST_CARD)


def later(digits: str) -> str:
    return str(int(digits) + 1).zfill(len(digits))


async def test_the_call_that_these_tests_spoil_is_accepted() -> None:
    assert (await send(good())).status_code == 200


@table("name", KM_HEADERS)
@table("spoil", [Draft.without, Draft.twice])
async def test_a_header_of_the_vendor_must_be_there_once(name: str, spoil: Callable[[Draft, str], Draft]) -> None:
    assert refusal(await send(spoil(good(), name))) == (400, "010_001", f"{name} must be given once.")


@pytest.mark.parametrize("name", ["Content-Type", "Accept"])
@pytest.mark.parametrize("spoil", [Draft.without, Draft.twice], ids=["missing", "twice"])
async def test_the_type_of_content_must_be_there_once(name: str, spoil: Callable[[Draft, str], Draft]) -> None:
    response = await send(spoil(good(), name))

    assert refusal(response) == (400, "010_001", f"{name} does not have the documented form.")


MALFORMED: list[tuple[str, str, Callable[[str], str]]] = [
    ("Content-Type", "text", lambda _: "text/plain"),
    ("Content-Type", "JSON of another kind", lambda _: "application/json-seq"),
    ("Accept", "anything", lambda _: "*/*"),
    ("Accept", "a list", lambda value: f"{value}, */*"),
    ("X-KM-Correlation-Id", "too short", lambda value: value[:-1]),
    ("X-KM-Correlation-Id", "empty", lambda _: ""),
    ("X-KM-Correlation-Id", "no hexadecimal digit", lambda value: value[:-1] + "G"),
    ("X-KM-Correlation-Id", "a letter in its time", lambda value: "F" + value[1:]),
    ("X-KM-Correlation-Id", "no dash", lambda value: value.replace("-", "0")),
    ("X-KM-Tran-Time", "too short", lambda value: value[:-1]),
    ("X-KM-Tran-Time", "16 digits, as its length is documented", lambda value: value + "00"),
    ("X-KM-Tran-Time", "words", lambda _: "yyyyMMddHHmmss"),
    ("X-KM-Tran-Token", "another version", lambda value: value.replace("KMV1", "KMV2")),
    ("X-KM-Tran-Token", "66 characters, as its length is documented", lambda value: value[:-1]),
    ("X-KM-Tran-Token", "seconds for a time", lambda value: value[:19] + value[22:]),
    ("X-KM-Tran-Token", "URL-safe Base64", lambda value: value[:23] + "-" * 43 + "="),
    ("X-KM-Tran-Token", "no signature", lambda value: value[:22]),
    ("X-KM-Time-Zone", "another zone", lambda _: "JST"),
    ("X-KM-Time-Zone", "small letters", lambda value: value.lower()),
    ("X-KM-Time-Zone", "empty", lambda _: ""),
]


@table(("name", "change"), [(name, change) for name, _, change in MALFORMED])
async def test_a_header_without_its_documented_form_is_refused(name: str, change: Callable[[str], str]) -> None:
    response = await send(good().edit(name, change))

    assert refusal(response) == (400, "010_001", f"{name} does not have the documented form.")


@pytest.mark.parametrize("name", ["Content-Type", "Accept"])
@pytest.mark.parametrize(
    "value", ["application/json; charset=utf-8", "application/json ;charset=UTF-8", "Application/JSON"]
)
async def test_a_media_type_may_have_parameters_and_any_case(name: str, value: str) -> None:
    assert (await send(good().edit(name, lambda _: value))).status_code == 200


@pytest.mark.parametrize("digits", ["ABCDEF0", "abcdef0", "aBcDeF9"])
async def test_a_correlation_id_may_have_hexadecimal_digits_of_either_case(digits: str) -> None:
    response = await send(good().edit("X-KM-Correlation-Id", lambda value: value[:13] + digits))

    assert response.status_code == 200
    assert response.headers["X-KM-Correlation-Id"].endswith(digits)


@pytest.mark.parametrize("more", ["0", "0" * 100])
async def test_a_correlation_id_of_more_than_twenty_characters_breaks_the_sandbox_as_it_breaks_the_vendors(
    more: str,
) -> None:
    response = await send(good().edit("X-KM-Correlation-Id", lambda value: value + more))

    assert refusal(response) == (500, "900_001", "Internal error.")


@pytest.mark.parametrize("name", ["X-KM-User-AspId", "X-KM-Access-Key"])
@pytest.mark.parametrize("change", [lambda v: v[:-1] + "x", lambda v: v[:-1], lambda v: v + "0", lambda _: "\xe9"])
async def test_an_unknown_project_is_refused(name: str, change: Callable[[str], str]) -> None:
    response = await send(good().edit(name, change))

    assert refusal(response) == (401, "010_001", "Unknown project.")
    assert keys().access_key[:-1] not in response.text


@pytest.mark.parametrize("signed", [b"", b"{}", CLEAR, b" "])
async def test_a_token_over_other_bytes_than_the_body_is_refused(signed: bytes) -> None:
    response = await send(good().signed_over(signed))

    assert refusal(response) == (401, "010_001", "The token does not match the body.")


async def test_a_body_that_was_changed_after_signing_is_refused() -> None:
    draft = good()
    draft.body += b" "

    assert refusal(await send(draft)) == (401, "010_001", "The token does not match the body.")


async def test_a_changed_signature_is_refused() -> None:
    changed = good().edit(
        "X-KM-Tran-Token", lambda value: value[:23] + ("B" if value[23] == "A" else "A") + value[24:]
    )

    assert refusal(await send(changed)) == (401, "010_001", "The token does not match the body.")


@pytest.mark.parametrize("name", ["X-KM-Tran-Time", "X-KM-Tran-Token"])
async def test_times_that_differ_are_refused(name: str) -> None:
    def change(value: str) -> str:
        return later(value) if name == "X-KM-Tran-Time" else value[:5] + later(value[5:19]) + value[19:]

    assert refusal(await send(good().edit(name, change))) == (400, "010_001", "The times of the headers differ.")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda draft: draft.without("X-KM-Crypto-Key-Id"),
        lambda draft: draft.twice("X-KM-Crypto-Key-Id"),
        lambda draft: draft.edit("X-KM-Crypto-Key-Id", lambda _: "0" * 32),
        lambda draft: draft.edit("X-KM-Crypto-Key-Id", lambda value: value.upper() + "x"),
    ],
    ids=["missing", "twice", "another", "longer"],
)
async def test_a_sealed_call_must_name_the_key(spoil: Callable[[Draft], Draft]) -> None:
    assert refusal(await send(spoil(good()))) == (400, "010_001", "X-KM-Crypto-Key-Id is unknown.")


@pytest.mark.parametrize(
    "body",
    [
        CLEAR,
        b"{}",
        b'{"encData":null}',
        b'{"encData":1}',
        b'{"encData":["a"]}',
        b"[]",
        b"",
        b"\xff",
        b"[" * 20_000,
    ],
)
async def test_a_call_without_a_sealed_text_is_refused(body: bytes) -> None:
    assert refusal(await send(Draft(body))) == (400, "020_001", "encData is missing.")


def swapped(compact: str, part: int) -> str:
    parts = compact.split(".")
    parts[part] = ("B" if parts[part][0] == "A" else "A") + parts[part][1:]
    return ".".join(parts)


def crafted(header: bytes, content_key: bytes = b"k" * 16) -> str:
    return assemble(header, CLEAR, keys().server_public_key_pem, content_key, b"i" * 12)


UNOPENABLE: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "no JWE": lambda: "abc",
    "four parts": lambda: sealed(CLEAR).rpartition(".")[0],
    "for another server": lambda: seal(CLEAR, generate_pair()[1], "A128GCM"),
    "for the client": lambda: seal(CLEAR, keys().client_public_key_pem, "A128GCM"),
    "another content key": lambda: swapped(sealed(CLEAR), 1),
    "another text": lambda: swapped(sealed(CLEAR), 3),
    "another tag": lambda: swapped(sealed(CLEAR), 4),
    "another key algorithm": lambda: crafted(b'{"enc":"A128GCM","alg":"RSA-OAEP"}'),
    "another content encryption": lambda: crafted(b'{"enc":"A192GCM","alg":"RSA-OAEP-256"}', b"k" * 24),
    "compressed": lambda: crafted(b'{"enc":"A128GCM","alg":"RSA-OAEP-256","zip":"DEF"}'),
    "a key of its own": lambda: crafted(header_bytes("A128GCM")[:-1] + b',"jwk":{}}'),
}


@table("compact", UNOPENABLE.values())
async def test_a_sealed_text_that_cannot_be_opened_is_refused(compact: Callable[[], str]) -> None:
    response = await send(Draft(envelope(compact())))

    assert refusal(response) == (400, "020_001", "encData cannot be opened.")


async def test_a_refusal_repeats_the_correlation_id() -> None:
    draft = good().without("X-KM-Time-Zone")

    response = await send(draft)

    assert ["X-KM-Correlation-Id", response.headers["X-KM-Correlation-Id"]] in draft.headers


async def test_no_more_of_a_correlation_id_is_repeated_than_one_has() -> None:
    response = await send(good().edit("X-KM-Correlation-Id", lambda _: "x" * 5000))

    assert len(response.headers["X-KM-Correlation-Id"]) <= 64


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_post_is_answered(method: str) -> None:
    assert (await send(good().call(method=method))).status_code == 405


@pytest.mark.parametrize("path", ["/", "/open-api/", "/api/v1/user/card/info", "/open-api/api/v1/user/cards"])
async def test_other_paths_are_not_found(path: str) -> None:
    assert (await send(good().call(path=path))).status_code == 404


async def test_the_sandbox_says_that_it_lives() -> None:
    draft = Draft(b"", "/livez").call(method="GET", path="/livez")
    draft.headers = []

    response = await send(draft)

    assert (response.status_code, response.text) == (200, "ok\n")
