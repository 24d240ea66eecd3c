"""The credentials both sides of the fake upstream share."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from .jwe import generate_pair

ACCESS_KEY_LENGTH = 40
CRYPTO_KEY_ID_LENGTH = 32


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """One project's credentials; the server's private key is only needed by an encrypted upstream."""

    asp_id: str
    access_key: str
    secret_key: str = field(repr=False)
    crypto_key_id: str
    server_private_key_pem: str | None = field(default=None, repr=False)
    server_public_key_pem: str = field(repr=False)
    client_private_key_pem: str = field(repr=False)
    client_public_key_pem: str = field(repr=False)

    def __post_init__(self) -> None:
        """Reject credentials that no correct request could carry."""
        if len(self.access_key) != ACCESS_KEY_LENGTH:
            raise ValueError(f"access_key: length is not {ACCESS_KEY_LENGTH}")
        if len(self.crypto_key_id) != CRYPTO_KEY_ID_LENGTH:
            raise ValueError(f"crypto_key_id: length is not {CRYPTO_KEY_ID_LENGTH}")

    @classmethod
    def generate(cls) -> Credentials:
        """New random credentials of the documented lengths."""
        server_private, server_public = generate_pair()
        client_private, client_public = generate_pair()
        return cls(
            asp_id="9" + "".join(secrets.choice("0123456789") for _ in range(14)),
            access_key=secrets.token_hex(ACCESS_KEY_LENGTH // 2),
            secret_key=secrets.token_urlsafe(30),
            crypto_key_id=secrets.token_hex(CRYPTO_KEY_ID_LENGTH // 2),
            server_private_key_pem=server_private,
            server_public_key_pem=server_public,
            client_private_key_pem=client_private,
            client_public_key_pem=client_public,
        )
