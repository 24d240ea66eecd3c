"""A token signer for development: a key pair in a folder, its key set, and tokens."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

if TYPE_CHECKING:
    from collections.abc import Sequence

ISSUER: Final = "https://konagraph.example/development"
AUDIENCE: Final = "konagraph"
KEY_FILE: Final = "signing-key.json"
JWKS_FILE: Final = "jwks.json"


def signer_settings(directory: Path) -> dict[str, str]:
    """The settings of a gateway that accepts the tokens of a folder's signer."""
    return {
        "KONAGRAPH_AUTH": "jwt",
        "KONAGRAPH_JWT_JWKS": str(directory.resolve() / JWKS_FILE),
        "KONAGRAPH_JWT_ISSUER": ISSUER,
        "KONAGRAPH_JWT_AUDIENCE": AUDIENCE,
    }


def signer_folder(jwks: str | None, issuer: str | None, audience: str | None) -> Path | None:
    """The folder of the development signer whose tokens these settings accept, or None."""
    path = Path(jwks or "")
    ours = (issuer, audience, path.name) == (ISSUER, AUDIENCE, JWKS_FILE)
    return path.parent if ours and (path.parent / KEY_FILE).is_file() else None


@dataclass(frozen=True, slots=True)
class DevelopmentSigner:
    """Signs tokens with ES256."""

    key: ECKey

    @classmethod
    def in_directory(cls, directory: Path) -> DevelopmentSigner:
        """The signer whose key is in a folder; a new key and its key set if there is none.

        Raises:
            OSError: the folder cannot be read or written.
            ValueError: the key in it cannot be used.
        """
        path = directory / KEY_FILE
        if path.exists():
            key = _read(path)
        else:
            directory.mkdir(parents=True, exist_ok=True)
            key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"})
            key.ensure_kid()
            # The mode is set at creation, so that nobody else can ever read the key.
            path.touch(mode=0o600)
            path.write_bytes(orjson.dumps(key.as_dict(private=True)))
        key_set = {"keys": [key.as_dict(private=False)]}
        (directory / JWKS_FILE).write_bytes(orjson.dumps(key_set))
        return cls(key)

    def token(
        self, subject: str, *, scopes: Sequence[str], lifetime: int, claims: dict[str, Any] | None = None
    ) -> str:
        """Sign a token that is valid from now on.

        Args:
            subject: the `sub` claim.
            scopes: the `scope` claim.
            lifetime: seconds.
            claims: further claims, such as the member's id.
        """
        now = int(time.time())
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + lifetime,
            "scope": " ".join(scopes),
            **(claims or {}),
        }
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, payload, self.key)


def _read(path: Path) -> ECKey:
    try:
        content = orjson.loads(path.read_text("utf-8-sig"))
        key = ECKey.import_key(content) if isinstance(content, dict) else None
    except (OSError, ValueError, JoseError, TypeError, KeyError):
        raise ValueError("the signing key cannot be read") from None
    if key is None or not key.is_private or key.curve_name != "P-256" or not key.kid:
        raise ValueError("the signing key is of another type")
    return key
