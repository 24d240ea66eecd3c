"""Searches for credentials wherever a refused request leaves a trace: logs, audit, responses, exceptions."""

from __future__ import annotations

import hashlib
import traceback
from typing import TYPE_CHECKING

import pytest

from graph.security.api_keys import ApiKeyAuthenticator
from graph.security.authorization import Allowance
from graph.security.errors import UnauthenticatedError
from graph.security.jwks import BadKeySetError, KeySet, read_key_set
from graph.security.tokens import TokenAuthenticator, TokenRules
from tests.security.jwt_gateway import guarded, jwt_gateway
from tests.security.jwt_maker import AUDIENCE, ISSUER, b64, claims, compact, ec_signer, key_set, rsa_signer
from tests.security.key_source import Clock, Source
from tests.telemetry.capture import events, logs_as

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

CANARY = "c4n4ry"
# Values in tokens and keys that only their holder should see.
SUBJECT, MEMBER = f"{CANARY}-subject", "7700112233445566"
NOW = 1_800_000_000.0


def refused_tokens() -> dict[str, str]:
    """A token for every reason of refusal, each full of canaries."""
    ec, rsa = ec_signer(), rsa_signer()
    full = claims(sub=SUBJECT, konaplate_user_id=MEMBER, name=CANARY)
    return {
        "no token": CANARY,
        "no header": f"{CANARY}.{CANARY}.{CANARY}",
        "algorithm": compact(ec.header(alg=CANARY), full, ec.sign),
        "parameter": ec.token(full, jku=f"https://{CANARY}.example"),
        "type": ec.token(full, typ=CANARY),
        "no key": ec.token(full, kid=None),
        "unknown key": ec.token(full, kid=CANARY),
        "not the key's": ec.token(full, alg="RS256"),
        "signature": rsa.token(full)[:-8] + "c4n4ryAA",
        "odd header": ec.token(full, x5t=[CANARY]),
        "payload": compact(ec.header(), f"{CANARY} {SUBJECT}".encode(), ec.sign),
        "claims": compact(ec.header(), [CANARY, SUBJECT], ec.sign),
        "issuer": ec.token(full | {"iss": CANARY}),
        "audience": ec.token(full | {"aud": CANARY}),
        "endless": ec.token({name: value for name, value in full.items() if name != "exp"}),
        "expired": ec.token(full | {"exp": 1}),
        "early": ec.token(full | {"nbf": 4_000_000_000}),
        "time": ec.token(full | {"exp": CANARY}),
        "subject": ec.token(full | {"sub": [CANARY]}),
        "scope": ec.token(full | {"scope": {CANARY: CANARY}}),
        "too long": ec.token(full | {"more": CANARY * 2000}),
    }


def wanted(credentials: Iterable[str]) -> list[str]:
    """What must not be found: canaries in clear and in base64, and every part of every credential."""
    parts = {part for text in credentials for part in text.split(".") if len(part) > 5}
    return [CANARY, SUBJECT, MEMBER, b64(CANARY.encode())[:7], *parts]


def found(text: str, credentials: Iterable[str]) -> list[str]:
    return [each for each in wanted(credentials) if each in text]


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "console"])
async def test_no_part_of_a_refused_token_is_logged_or_answered(tmp_path: Path, *, as_json: bool) -> None:
    tokens = refused_tokens()
    answers = []
    with logs_as(as_json=as_json) as stream:
        async with jwt_gateway(tmp_path) as running:
            for token in tokens.values():
                answer = await running.bearer(token)
                assert answer.status_code == 401
                answers.append(f"{answer.headers} {answer.text}")
            audited = running.audited()
    reasons = {event["reason"] for event in audited}

    assert len(tokens) == len(audited) == stream.getvalue().count("action=refused" if not as_json else '"refused"')
    # Each case is refused for its own reason, or the search would prove little.
    assert len(reasons) >= len(tokens) - 5
    for text in (stream.getvalue(), str(audited), *answers):
        assert found(text, tokens.values()) == []


async def test_why_a_token_is_refused_is_in_the_audit_alone(tmp_path: Path) -> None:
    with logs_as() as stream:
        async with jwt_gateway(tmp_path) as running:
            answer = await running.bearer(ec_signer().token(claims(exp=1)))
            (event,) = running.audited()
    reason = "the token has expired"

    assert reason == event["reason"]
    assert [line["logger"] for line in events(stream) if reason in str(line)] == ["konagraph.audit"]
    assert "expired" not in answer.text + str(answer.headers)


async def test_no_part_of_an_accepted_token_but_its_subject_is_logged(tmp_path: Path) -> None:
    token = ec_signer().token(claims(sub="a-subject", konaplate_user_id=MEMBER, name=CANARY))
    with logs_as() as stream:
        async with jwt_gateway(tmp_path) as running:
            answer = await running.ask(
                {"Authorization": f"Bearer {token}"},
                query="query ($cardNo: CardNumber!) { card(cardNo: $cardNo) { cashReceiptInfo { idNo } } }",
            )
            (event,) = running.audited()

    assert event["viewer_id"] == "a-subject"
    for text in (stream.getvalue(), str(event), answer.text, str(answer.headers)):
        assert found(text, [token]) == []


@pytest.mark.parametrize("known", [True, False])
async def test_no_part_of_an_api_key_or_its_digest_is_logged_or_answered(tmp_path: Path, *, known: bool) -> None:
    key = f"{CANARY}-and-more"
    digest = hashlib.sha256(key.encode()).hexdigest()
    file = tmp_path / "keys.toml"
    file.write_text(f'[[keys]]\nname = "reporting"\nsha256 = "{digest}"')
    sent = key if known else f"{key}x"
    with logs_as() as stream:
        async with guarded(tmp_path, KONAGRAPH_AUTH="api-key", KONAGRAPH_API_KEYS=file) as running:
            answer = await running.ask({"X-Api-Key": sent})
            audited = running.audited()

    assert known == (answer.status_code == 200)
    for text in (stream.getvalue(), str(audited), answer.text, str(answer.headers)):
        assert found(text, [key, sent, digest, hashlib.sha256(sent.encode()).hexdigest()]) == []


def shown(error: BaseException) -> str:
    """All that an exception shows, with those that it came from, as a debugger or a careless log would."""
    texts = []
    each: BaseException | None = error
    while each is not None:
        texts += [str(each), repr(each), str(vars(each))]
        each = each.__cause__
    return "\n".join([*texts, *traceback.format_exception(error)])


async def test_no_exception_of_the_authentication_holds_a_credential() -> None:
    tokens = refused_tokens()
    keys = KeySet(Source(key_set(ec_signer(), rsa_signer())), Clock())
    authenticator = TokenAuthenticator(keys, TokenRules(ISSUER, AUDIENCE, "x"), Allowance(), Clock(NOW))
    for token in tokens.values():
        with pytest.raises(UnauthenticatedError) as caught:
            await authenticator.viewer(token)
        assert found(shown(caught.value), tokens.values()) == []
    with pytest.raises(UnauthenticatedError) as caught:
        ApiKeyAuthenticator(()).viewer(CANARY)
    assert CANARY not in shown(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        CANARY.encode(),
        f'{{"{CANARY}": 1}}'.encode(),
        key_set({"kty": "oct", "kid": CANARY, "k": CANARY}),
        b"[" * 9999,
    ],
    ids=lambda content: repr(content[:20]),
)
def test_no_exception_of_a_key_set_repeats_its_content(content: bytes) -> None:
    with pytest.raises(BadKeySetError) as caught:
        read_key_set(content)
    assert CANARY not in shown(caught.value)


async def test_the_parts_do_not_show_what_they_hold() -> None:
    keys = KeySet(Source(key_set(ec_signer())), Clock())
    authenticator = TokenAuthenticator(keys, TokenRules(ISSUER, AUDIENCE, "x"), Allowance(), Clock(NOW))
    token = ec_signer().token(claims(iat=NOW, exp=NOW + 60, konaplate_user_id=MEMBER))
    viewer = await authenticator.viewer(token)
    found_key = await keys.key("ec")

    for part in (authenticator, keys, found_key, viewer):
        assert found(repr(part) + str(part), [token]) == []
