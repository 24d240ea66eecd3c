"""A token's header must not choose how the token is verified: RFC 8725, section 3."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.security.jwt_gateway import assert_accepted, assert_refused, jwt_gateway, refuse
from tests.security.jwt_maker import (
    b64,
    claims,
    compact,
    ec_signer,
    ed_signer,
    key_set,
    of_length,
    rsa_public_pem,
    rsa_signer,
)
from tests.tables import table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.security.jwt_gateway import Guarded
    from tests.security.jwt_maker import Signer

ALGORITHM = "the token's algorithm is not accepted"
NOT_THE_KEYS = "the token's algorithm does not match its key"
PARAMETER = "the token's header has a parameter that is not accepted"
NO_KEY = "the token names no key"
UNKNOWN_KEY = "the token's key is unknown"
PARTS = "the token does not have three parts"
UNREADABLE = "the token's header cannot be read"
TYPE = "the token's type is not accepted"
SIGNATURE = "the token's signature or form is invalid"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@table("name", ["none", "None", "NONE", "nOnE"])
@table("signature", [b"", b"\x00", b"x" * 64])
async def test_a_token_without_an_algorithm_is_refused(name: str, signature: bytes, running: Guarded) -> None:
    for signer in (rsa_signer(), ec_signer(), ed_signer()):
        token = compact(signer.header(alg=name), claims(), lambda _: signature)
        await refuse(running, token, ALGORITHM)


@pytest.mark.parametrize("secret", [rsa_public_pem(), rsa_public_pem().strip(), b""], ids=["pem", "line", "empty"])
@pytest.mark.parametrize(("name", "digest"), [("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")])
async def test_a_public_key_is_no_secret_to_sign_with(
    name: str, digest: str, secret: bytes, running: Guarded
) -> None:
    token = compact(rsa_signer().header(alg=name), claims(), lambda data: hmac.digest(secret, data, digest))

    await refuse(running, token, ALGORITHM)


async def test_a_keyed_hash_that_is_called_a_signature_is_refused(running: Guarded) -> None:
    header = rsa_signer().header(alg="RS256")
    token = compact(header, claims(), lambda data: hmac.digest(rsa_public_pem(), data, "sha256"))

    await refuse(running, token, SIGNATURE)


@pytest.mark.parametrize("name", ["RS256", "ES256", "EdDSA", "Ed25519"])
async def test_an_accepted_algorithm_that_is_not_the_keys_is_refused(name: str, running: Guarded) -> None:
    others = [signer for signer in (rsa_signer(), ec_signer(), ed_signer()) if name != signer.algorithm]
    for signer in others:
        if (signer.algorithm, name) == ("EdDSA", "Ed25519"):
            continue
        await refuse(running, signer.token(alg=name), NOT_THE_KEYS)


@table(
    "name",
    [
        *("RS384", "RS512", "PS256", "ES384", "ES512", "ES256K", "Ed448"),
        *("rs256", "RS256 ", "", "RSA-OAEP", "dir"),
        *(None, True, 5, ["RS256"], {"RS256": 1}, [["RS256"]]),
    ],
)
async def test_an_algorithm_outside_the_list_is_refused(name: object, running: Guarded) -> None:
    signer = rsa_signer()

    await refuse(running, compact(signer.header() | {"alg": name}, claims(), signer.sign), ALGORITHM)


@pytest.mark.parametrize(
    "key_id", ["other", "EC", "ec ", "../../etc/passwd", "/dev/zero", "' OR 1=1 --", "\u0000", "x" * 4000]
)
async def test_a_key_id_that_the_set_does_not_have_is_refused(key_id: str, running: Guarded) -> None:
    await refuse(running, ec_signer().token(kid=key_id), UNKNOWN_KEY)


@pytest.mark.parametrize("key_id", ["", None, 5, 0, True, ["ec"], {"ec": "ec"}, 1.5], ids=repr)
async def test_a_key_id_that_is_no_text_is_refused(key_id: object, running: Guarded) -> None:
    signer = ec_signer()

    await refuse(running, compact(signer.header() | {"kid": key_id}, claims(), signer.sign), NO_KEY)


async def test_a_token_that_names_no_key_is_refused_though_there_is_only_one(tmp_path: Path) -> None:
    async with jwt_gateway(tmp_path, key_set(ec_signer())) as only_one:
        await refuse(only_one, ec_signer().token(kid=None), NO_KEY)


ATTACKER = ec_signer("attacker", index=1)


@table(
    "parameter",
    [
        {"jwk": ATTACKER.jwk},
        {"jku": "https://attacker.example/keys"},
        {"x5u": "https://attacker.example/chain"},
        {"x5c": ["AAAA"]},
        {"crit": ["unknown"], "unknown": 1},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": None},
        {"b64": False, "crit": ["b64"]},
        {"b64": False},
        {"b64": True},
        {"zip": "DEF"},
        {"enc": "A128GCM"},
        {"jwk": None},
    ],
)
@table("signer", [ec_signer(), ATTACKER])
async def test_a_parameter_that_would_steer_the_verification_is_refused(
    parameter: dict[str, Any], signer: Signer, running: Guarded
) -> None:
    header = signer.header() | parameter

    await refuse(running, compact(header, claims(), signer.sign), PARAMETER)


@pytest.mark.parametrize("key_id", ["attacker", "ec"])
async def test_a_key_that_is_not_in_the_set_signs_nothing(key_id: str, running: Guarded) -> None:
    reason = UNKNOWN_KEY if key_id == "attacker" else SIGNATURE

    await refuse(running, ATTACKER.token(kid=key_id), reason)


@table(
    "kind",
    [
        "JWE",
        "secevent+jwt",
        "dpop+jwt",
        "application/dpop+jwt",
        "application/",
        "text/jwt",
        "application/application/jwt",
        "",
        None,
        5,
        ["JWT"],
        {},
    ],
)
async def test_a_token_of_another_type_is_refused(kind: object, running: Guarded) -> None:
    signer = ec_signer()

    await refuse(running, compact(signer.header() | {"typ": kind}, claims(), signer.sign), TYPE)


@pytest.mark.parametrize("parameter", [{"x5t": 5}, {"cty": ["a"]}, {"x5t#S256": None}], ids=str)
async def test_a_known_parameter_of_an_odd_type_is_refused(parameter: dict[str, Any], running: Guarded) -> None:
    signer = ec_signer()

    await refuse(running, compact(signer.header() | parameter, claims(), signer.sign), SIGNATURE)


@table(
    "header",
    [
        b"",
        b"x",
        b"null",
        b"[]",
        b'"RS256"',
        b"{",
        b'{"alg":"ES256","kid":"ec"',
        b'{"alg":"ES256","kid":"ec"} x',
        b"\xef\xbb\xbf" + b'{"alg":"ES256","kid":"ec"}',
        '{"alg":"ES256","kid":"ec"}'.encode("utf-16"),
        b'{"alg":"ES256","kid":"\xff"}',
        b'{"alg":"ES256","kid":"ec","x":NaN}',
        b'{"alg":"ES256","kid":"ec","x":1e400}',
        b'{"alg":"ES256","kid":"ec","x":' + b"1" * 4400 + b"}",
        b'{"x":' + b"[" * 2400 + b"]" * 2400 + b"}",
    ],
)
async def test_a_header_that_is_no_json_object_is_refused(header: bytes, running: Guarded) -> None:
    await refuse(running, compact(header, claims(), ec_signer().sign), UNREADABLE)


async def test_a_header_that_says_the_algorithm_twice_means_one_of_them_throughout(running: Guarded) -> None:
    signer = ec_signer()
    good_last = b'{"alg":"none","kid":"ec","alg":"ES256"}'
    none_last = b'{"alg":"ES256","kid":"ec","alg":"none"}'

    await refuse(running, compact(none_last, claims(), signer.sign), ALGORITHM)
    await refuse(running, compact(good_last, claims(), lambda _: b""), SIGNATURE)
    assert_accepted(await running.bearer(compact(good_last, claims(), signer.sign)))


@pytest.mark.parametrize("parts", [1, 2, 4, 5])
async def test_a_token_of_other_than_three_parts_is_refused(parts: int, running: Guarded) -> None:
    token = ".".join([*ec_signer().token().split("."), "AAAA", "AAAA"][:parts])

    await refuse(running, token, PARTS)


async def test_an_encrypted_token_is_refused(running: Guarded) -> None:
    header = {"alg": "RSA-OAEP-256", "enc": "A128GCM", "kid": "rsa"}
    token = ".".join(
        b64(part) for part in (json.dumps(header).encode(), b"k" * 256, b"i" * 12, b"c" * 99, b"t" * 16)
    )

    await refuse(running, token, PARTS)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (b"..", UNREADABLE),
        (b".e30.AAAA", UNREADABLE),
        (b"a.b.c", UNREADABLE),
        (b"%.%.%", UNREADABLE),
        (b"e30..", ALGORITHM),
        (b"...", PARTS),
        (b"x", PARTS),
        (b"\xe9.\xe9.\xe9", PARTS),
        ("\ud1a0.\ud070.x".encode(), PARTS),
    ],
)
async def test_text_that_is_no_token_is_refused(token: bytes, reason: str, running: Guarded) -> None:
    assert_refused(await running.ask([(b"authorization", b"Bearer " + token)]), running, reason)


@pytest.mark.parametrize("length", [8 * 1024 + 1, 30_000])
async def test_a_token_that_is_too_long_is_refused(length: int, running: Guarded) -> None:
    await refuse(running, of_length(ec_signer(), length), "the token is too long")
