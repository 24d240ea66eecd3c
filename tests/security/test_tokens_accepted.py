"""Tokens that are accepted. Each is made by another implementation than the one that verifies it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.security.jwt_gateway import assert_accepted, jwt_gateway
from tests.security.jwt_maker import (
    AUDIENCE,
    Signer,
    claims,
    ec_signer,
    ed_signer,
    key_set,
    of_length,
    rsa_signer,
)
from tests.tables import table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.security.jwt_gateway import Guarded

SIGNERS = {"RS256": rsa_signer(), "ES256": ec_signer(), "EdDSA": ed_signer()}


@pytest.mark.parametrize("signer", SIGNERS.values(), ids=SIGNERS)
async def test_a_token_of_each_accepted_algorithm_opens_the_gateway(signer: Signer, tmp_path: Path) -> None:
    async with jwt_gateway(tmp_path) as running:
        assert_accepted(await running.bearer(signer.token()))


@pytest.mark.parametrize("in_header", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("in_key", ["EdDSA", "Ed25519", None])
async def test_either_name_of_the_edwards_curve_algorithm_is_accepted(
    in_header: str, in_key: str | None, tmp_path: Path
) -> None:
    signer = ed_signer()
    entry = {name: value for name, value in (signer.jwk | {"alg": in_key}).items() if value is not None}

    async with jwt_gateway(tmp_path, key_set(entry)) as running:
        assert_accepted(await running.bearer(signer.token(alg=in_header)))


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
async def test_an_rsa_key_that_is_long_enough_is_accepted(bits: int, tmp_path: Path) -> None:
    signer = rsa_signer(bits=bits)

    async with jwt_gateway(tmp_path, key_set(signer)) as running:
        assert_accepted(await running.bearer(signer.token()))


@table(
    "header",
    [
        {"typ": None},
        {"typ": "jwt"},
        {"typ": "at+jwt"},
        {"typ": "application/at+jwt"},
        {"typ": "application/jwt"},
        {"typ": "Application/JWT"},
        {"typ": "AT+JWT"},
        {"typ": "APPLICATION/AT+JWT"},
        {"cty": "json"},
        {"x5t": "AAAA", "x5t#S256": "AAAA"},
        # RFC 7515, section 4: unknown parameters must be ignored.
        {"cat": "a vendor's own"},
        {"nonce": {"deep": [1, None, True]}},
        # More than libraries accept as a header.
        {"padding": "x" * 3000},
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_harmless_header_parameters_do_not_matter(header: dict[str, Any], running: Guarded) -> None:
    assert_accepted(await running.bearer(ec_signer().token(**header)))


@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519"])
async def test_a_key_without_optional_parameters_verifies_its_own_algorithm(
    algorithm: str, tmp_path: Path
) -> None:
    bare = [
        {name: value for name, value in signer.jwk.items() if name not in ("use", "alg")}
        for signer in SIGNERS.values()
    ]

    async with jwt_gateway(tmp_path, key_set(*bare)) as running:
        for token in (rsa_signer().token(), ec_signer().token(), ed_signer().token(alg=algorithm)):
            assert_accepted(await running.bearer(token))


@table(
    "changes",
    [
        {"aud": [AUDIENCE]},
        {"aud": ["another", AUDIENCE, 5, None, ["nested"]]},
        {"iat": None},
        {"nbf": 0, "iat": 0},
        {"nbf": 1.5},
        {"exp": int(time.time()) + 10**9},
        {"exp": time.time() + 10**6 + 0.25},
        {"sub": "누군가"},
        {"scope": "  cards:read:any   openid "},
        {"scope": ["openid", "cards:read:any"]},
        {"scope": None, "scp": "openid cards:read:any"},
        {"scope": None, "scp": ["cards:read:any"]},
        {"jti": "x", "nested": {"a": [1, 2]}, "big": 10**300, "negative": -(10**300)},
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_claims_of_every_proper_form_are_accepted(changes: dict[str, Any], running: Guarded) -> None:
    assert_accepted(await running.bearer(ec_signer().token(claims(**changes))))


async def test_a_token_of_exactly_the_longest_length_is_accepted(tmp_path: Path) -> None:
    signer = ec_signer()
    token = of_length(signer, 8 * 1024)

    async with jwt_gateway(tmp_path) as running:
        assert_accepted(await running.bearer(token))
