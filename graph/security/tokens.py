"""Authenticates viewers by JSON Web Token, verified as RFC 8725 advises.

Checking a signature costs more than the rest of a request, so verified tokens are cached by their SHA-256 until
the key set changes; their times are checked on every use.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec
from cachetools import LRUCache
from joserfc import jws
from joserfc.errors import JoseError

from graph.konaplate.record import MAX_USER_ID
from graph.security.authorization import Allowance, Viewer
from graph.security.errors import UnauthenticatedError
from schema.secrets import MemberId

if TYPE_CHECKING:
    from collections.abc import Callable

    from graph.security.jwks import KeySet

SCOPE_CLAIM: Final = "scope"
_SHORT_SCOPE_CLAIM: Final = "scp"
ALGORITHMS: Final = ("RS256", "ES256", "EdDSA", "Ed25519")

_LEEWAY: Final = 30
_MAX_CHARACTERS: Final = 8 * 1024
_PARTS: Final = 3
_MAX_CONTAINERS: Final = 1_000
# Parameters that supply a key or change what is signed: a token must not choose how it is verified.
_STEERING: Final = frozenset({"crit", "jwk", "jku", "x5u", "x5c", "b64", "zip", "enc"})
# RFC 7515, section 4.1.9: case-insensitive media types, whose "application/" may be omitted.
_TYPES: Final = frozenset({"jwt", "at+jwt"})
# Beyond any plausible time, and exact as a float.
_MAX_TIME: Final = 10**15
_MEMBER_ID: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


class _Registry(jws.JWSRegistry):
    """joserfc's rules without its bounds on parts: the token is bounded as a whole."""

    max_header_length = _MAX_CHARACTERS
    max_signature_length = _MAX_CHARACTERS
    # Only these, and EdDSA only with Ed25519, under both of its names (RFC 9864).
    algorithms = {  # noqa: RUF012 - declared by joserfc as it is
        **{name: jws.JWSRegistry.algorithms[name] for name in ALGORITHMS},
        "EdDSA": jws.JWSRegistry.algorithms["Ed25519"],
    }


# Not strict: unknown header parameters must be ignored (RFC 7515, section 4).
_REGISTRY: Final = _Registry(algorithms=ALGORITHMS, strict_check_header=False)


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must claim, and in which claims; `remembered` is how many verified tokens are kept."""

    issuer: str
    audience: str
    member_claim: str
    scope_claim: str = SCOPE_CLAIM
    remembered: int = 10_000


@dataclass(frozen=True, slots=True)
class _Verified:
    viewer: Viewer
    expires: float
    not_before: float
    generation: int


class TokenAuthenticator:
    """Verifies bearer tokens.

    Args:
        keys: verify the signatures.
        rules: the required claims.
        allowance: the rate limits of every caller with a token.
        clock: seconds since 1970.
    """

    def __init__(self, keys: KeySet, rules: TokenRules, allowance: Allowance, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._rules = rules
        self._allowance = allowance
        self._clock = clock
        self._verified: LRUCache[bytes, _Verified] = LRUCache(rules.remembered)

    async def viewer(self, token: str) -> Viewer:
        """The viewer that a token names.

        Raises:
            UnauthenticatedError: the token is not valid.
            KeysUnavailableError: there is no key set to verify it with.
        """
        if len(token) > _MAX_CHARACTERS:
            raise UnauthenticatedError("the token is too long")
        # Not the token itself: the cache must hold no credentials.
        digest = hashlib.sha256(token.encode()).digest()
        known = self._verified.get(digest)
        # Checks the key set for cached tokens too, or a withdrawn key would work as long as its tokens live.
        if known is None or known.generation != await self._keys.current():
            known = self._verified[digest] = await self._verify(token)
        self._check_times(known)
        return known.viewer

    def _check_times(self, verified: _Verified) -> None:
        now = self._clock()
        if now >= verified.expires + _LEEWAY:
            raise UnauthenticatedError("the token has expired")
        if now < verified.not_before - _LEEWAY:
            raise UnauthenticatedError("the token is not valid yet")

    async def _verify(self, token: str) -> _Verified:
        algorithm, key_id = _read_header(token)
        key = await self._keys.key(key_id)
        if key is None:
            raise UnauthenticatedError("the token's key is unknown")
        if algorithm not in key.algorithms:
            raise UnauthenticatedError("the token's algorithm does not match its key")
        # After the look-up, which may have loaded another set.
        generation = self._keys.generation
        try:
            claims = _decode(jws.deserialize_compact(token, key.key, registry=_REGISTRY).payload)
        except (JoseError, ValueError):
            raise UnauthenticatedError("the token's signature or form is invalid") from None
        if not isinstance(claims, dict):
            raise UnauthenticatedError("the token has no claims")
        return self._read_claims(claims, generation)

    def _read_claims(self, claims: dict[str, Any], generation: int) -> _Verified:
        rules = self._rules
        if claims.get("iss") != rules.issuer:
            raise UnauthenticatedError("the token's issuer is wrong")
        audience = claims.get("aud")
        if rules.audience not in (audience if isinstance(audience, list) else [audience]):
            raise UnauthenticatedError("the token's audience is wrong")
        expires = _time(claims, "exp")
        if expires is None:
            raise UnauthenticatedError("the token never expires")
        # A token from the future is as suspicious as one that is not valid yet.
        not_before = max(_time(claims, "nbf") or 0, _time(claims, "iat") or 0)
        scope = claims.get(rules.scope_claim)
        if scope is None and rules.scope_claim == SCOPE_CLAIM:
            # The name that issuers use who do not follow RFC 9068.
            scope = claims.get(_SHORT_SCOPE_CLAIM)
        subject, scopes = claims.get("sub"), _scopes(scope)
        if not isinstance(subject, str) or not subject or scopes is None:
            raise UnauthenticatedError("the token's subject or scope is malformed")
        member_id = member_id_of(claims.get(rules.member_claim))
        viewer = Viewer(
            kind="service" if member_id is None else "member",
            id=subject,
            scopes=scopes,
            member_id=member_id,
            allowance=self._allowance,
        )
        return _Verified(viewer, expires, not_before, generation)


def _decode(text: bytes) -> Any:
    # Our own limit, because Python versions differ in the nesting depth that they reject.
    if text.count(b"[") + text.count(b"{") > _MAX_CONTAINERS:
        raise ValueError("too many arrays and objects")
    return msgspec.json.decode(text)


def _read_header(token: str) -> tuple[str, str]:
    """The algorithm and key id of a token's header."""
    parts = token.split(".")
    if len(parts) != _PARTS or not token.isascii():
        raise UnauthenticatedError("the token does not have three parts")
    try:
        decoded = base64.b64decode(parts[0] + "=" * (-len(parts[0]) % 4), altchars=b"-_", validate=True)
        header = _decode(decoded)
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise UnauthenticatedError("the token's header cannot be read")
    if header.keys() & _STEERING:
        raise UnauthenticatedError("the token's header has a parameter that is not accepted")
    algorithm, kind, key_id = header.get("alg"), header.get("typ", "JWT"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise UnauthenticatedError("the token's algorithm is not accepted")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in _TYPES:
        raise UnauthenticatedError("the token's type is not accepted")
    if not isinstance(key_id, str) or not key_id:
        raise UnauthenticatedError("the token names no key")
    return algorithm, key_id


def _time(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _MAX_TIME:
        raise UnauthenticatedError("a time in the token is not a number of seconds")
    return float(value)


def _scopes(claim: object) -> frozenset[str] | None:
    """The scopes of a claim; None if it is malformed.

    A string is split at spaces only (RFC 6749, section 3.3); of an array, each element is a scope.
    """
    if claim is None:
        return frozenset()
    scopes = claim.split(" ") if isinstance(claim, str) else claim
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        return None
    return frozenset(scopes) - {""}


def member_id_of(claim: object) -> MemberId | None:
    """The member that a claim names: a whole number above 0, or its digits, as Konaplate writes ids.

    Digits have one accepted spelling, without sign, space or leading zero. The number 1001 and the string "1001"
    name the same member.
    """
    if isinstance(claim, int) and not isinstance(claim, bool):
        return MemberId(str(claim)) if 0 < claim <= MAX_USER_ID else None
    return MemberId(claim) if isinstance(claim, str) and _MEMBER_ID.fullmatch(claim) else None
