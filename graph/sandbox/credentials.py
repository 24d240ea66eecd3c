"""What the vendor would hand to a project, made up for the sandbox."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from joserfc.jwk import RSAKey

from graph.files import read_text
from schema.secrets import Credential

if TYPE_CHECKING:
    from pathlib import Path

ASP_ID: Final = "000000000000001"
_ACCESS_KEY_CHARACTERS: Final = 40
_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class SandboxCredentials:
    """Both sides of a project's credentials; the gateway gets all but the server's private key."""

    asp_id: str
    access_key: Credential
    secret_key: Credential
    crypto_key_id: str
    server_public_key: Credential
    server_private_key: Credential
    client_public_key: Credential
    client_private_key: Credential

    @classmethod
    def generate(cls) -> SandboxCredentials:
        """Make new credentials: two RSA key pairs, an access key, a secret key."""
        server, client = RSAKey.generate_key(_BITS), RSAKey.generate_key(_BITS)
        return cls(
            asp_id=ASP_ID,
            access_key=Credential(secrets.token_hex(_ACCESS_KEY_CHARACTERS // 2)),
            secret_key=Credential(secrets.token_urlsafe(32)),
            crypto_key_id=secrets.token_hex(16),
            server_public_key=_pem(server, private=False),
            server_private_key=_pem(server, private=True),
            client_public_key=_pem(client, private=False),
            client_private_key=_pem(client, private=True),
        )

    def gateway_settings(self) -> dict[str, str]:
        """The gateway's variables, with their clear values."""
        return {
            "KONAPLATE_ASP_ID": self.asp_id,
            "KONAPLATE_ACCESS_KEY": self.access_key.reveal(),
            "KONAPLATE_SECRET_KEY": self.secret_key.reveal(),
            "KONAPLATE_CRYPTO_KEY_ID": self.crypto_key_id,
            "KONAPLATE_SERVER_PUBLIC_KEY": self.server_public_key.reveal(),
            "KONAPLATE_CLIENT_PRIVATE_KEY": self.client_private_key.reveal(),
        }

    def _files(self) -> dict[str, str]:
        return {
            **self.gateway_settings(),
            "SANDBOX_SERVER_PRIVATE_KEY": self.server_private_key.reveal(),
            "SANDBOX_CLIENT_PUBLIC_KEY": self.client_public_key.reveal(),
        }

    def write(self, directory: Path) -> None:
        """Write one file for each value, named like the gateway's variable, readable by the owner alone."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, value in self._files().items():
            path = directory / name
            path.touch(mode=0o600)
            path.write_text(value, encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> SandboxCredentials:
        """Read what `write` wrote.

        Raises:
            UnreadableFileError: when a file is missing or cannot be read.
        """

        def value(name: str) -> str:
            return read_text(directory / name)

        return cls(
            asp_id=value("KONAPLATE_ASP_ID"),
            access_key=Credential(value("KONAPLATE_ACCESS_KEY")),
            secret_key=Credential(value("KONAPLATE_SECRET_KEY")),
            crypto_key_id=value("KONAPLATE_CRYPTO_KEY_ID"),
            server_public_key=Credential(value("KONAPLATE_SERVER_PUBLIC_KEY")),
            server_private_key=Credential(value("SANDBOX_SERVER_PRIVATE_KEY")),
            client_public_key=Credential(value("SANDBOX_CLIENT_PUBLIC_KEY")),
            client_private_key=Credential(value("KONAPLATE_CLIENT_PRIVATE_KEY")),
        )


def _pem(key: RSAKey, *, private: bool) -> Credential:
    return Credential(key.as_pem(private=private).decode("ascii"))
