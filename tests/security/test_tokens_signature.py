"""A token that was changed, or signed in another form, is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.security.jwt_gateway import assert_accepted, refuse
from tests.security.jwt_maker import b64, claims, compact, ec_signer, ed_signer, in_der, rsa_signer
from tests.tables import table

if TYPE_CHECKING:
    from tests.security.jwt_gateway import Guarded
    from tests.security.jwt_maker import Signer

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRONG = "the token's signature or form is invalid"
SIGNERS = {"RS256": rsa_signer(), "ES256": ec_signer(), "EdDSA": ed_signer()}
every_signer = pytest.mark.parametrize("signer", SIGNERS.values(), ids=SIGNERS)


@every_signer
async def test_a_changed_payload_is_refused(signer: Signer, running: Guarded) -> None:
    header, _, signature = signer.token(claims(scope="")).split(".")
    richer = b64(json.dumps(claims()).encode())

    await refuse(running, f"{header}.{richer}.{signature}", WRONG)


@every_signer
async def test_a_changed_header_is_refused(signer: Signer, running: Guarded) -> None:
    _, payload, signature = signer.token().split(".")
    other = b64(json.dumps(signer.header(cty="json")).encode())

    await refuse(running, f"{other}.{payload}.{signature}", WRONG)


@every_signer
@pytest.mark.parametrize("place", [0, 10, -1])
async def test_a_signature_with_one_bit_changed_is_refused(signer: Signer, place: int, running: Guarded) -> None:
    def sign(data: bytes) -> bytes:
        signature = bytearray(signer.sign(data))
        signature[place] ^= 1
        return bytes(signature)

    await refuse(running, compact(signer.header(), claims(), sign), WRONG)


@table("signer", SIGNERS.values())
@table(
    "form",
    [b"", b"\x00", b"\x00" * 64, b"\xff" * 64, b"\x00" * 256, b"\xff" * 256, b"\x00" * 1024, b"\x00" * 4096],
)
async def test_a_signature_made_of_nothing_is_refused(signer: Signer, form: bytes, running: Guarded) -> None:
    await refuse(running, compact(signer.header(), claims(), lambda _: form), WRONG)


@every_signer
async def test_a_signature_that_is_too_long_or_too_short_is_refused(signer: Signer, running: Guarded) -> None:
    for cut in (
        lambda good: good + b"\x00",
        lambda good: b"\x00" + good,
        lambda good: good[:-1],
        lambda good: good[1:],
    ):
        token = compact(signer.header(), claims(), lambda data, cut=cut: cut(signer.sign(data)))  # type: ignore[misc]
        await refuse(running, token, WRONG)


async def test_an_ecdsa_signature_in_the_form_of_certificates_is_refused(running: Guarded) -> None:
    signer = ec_signer()

    await refuse(running, compact(signer.header(), claims(), lambda data: in_der(signer.sign(data))), WRONG)


async def test_a_signature_of_a_key_with_the_same_id_is_refused(running: Guarded) -> None:
    for signer in (rsa_signer(index=1), ec_signer(index=1)):
        await refuse(running, signer.token(), WRONG)


async def test_a_signature_of_another_token_is_refused(running: Guarded) -> None:
    signer = ec_signer()
    header, payload, _ = signer.token().split(".")
    signature = signer.token(claims(sub="another")).split(".")[2]

    await refuse(running, f"{header}.{payload}.{signature}", WRONG)


async def test_only_one_way_to_write_a_token_is_accepted(running: Guarded) -> None:
    token = ec_signer().token()
    header, payload, signature = token.split(".")
    # 64 bytes are 86 characters, whose last one carries four stray bits.
    last = "AQgw"["AQgw".index(signature[-1])]
    twin = {"A": "B", "Q": "R", "g": "h", "w": "x"}[last]

    for changed in (
        f"{signature[:-1]}{twin}",
        f"{signature}==",
        f"{signature}A",
        f"{signature[:40]}\t{signature[40:]}",
    ):
        await refuse(running, f"{header}.{payload}.{changed}", WRONG)
    assert_accepted(await running.bearer(token))


async def test_the_other_alphabet_of_base64_is_refused(running: Guarded) -> None:
    signer = ec_signer()
    for index in range(1000):
        token = signer.token(claims(index=index))
        signature = token.split(".")[2]
        if "-" in signature and "_" in signature:
            break
    other = signature.replace("-", "+").replace("_", "/")

    await refuse(running, token.replace(signature, other), WRONG)
