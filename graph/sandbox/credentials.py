"""The credentials that the vendor would issue to a project, generated for the sandbox."""

from __future__ import annotations

import errno
import secrets
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from joserfc.jwk import RSAKey

from schema.secrets import Credential

if TYPE_CHECKING:
    from pathlib import Path

ASP_ID: Final = "000000000000001"
_ACCESS_KEY_CHARACTERS: Final = 40
_BITS: Final = 2048
# The fields that the gateway does not get.
_OF_THE_SANDBOX: Final = ("server_private_key", "client_public_key")


@dataclass(frozen=True, slots=True)
class SandboxCredentials:
    """Both sides of a project's credentials."""

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
        """Generate two RSA key pairs, an access key and a secret key."""
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
        """The gateway's environment variables, in clear."""
        return {name: text for name, text in self._texts().items() if name.startswith("KONAPLATE_")}

    def write(self, directory: Path) -> None:
        """Write one file per value, named like its environment variable and readable only by the owner."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in self._texts().items():
            path = directory / name
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> SandboxCredentials:
        """Read what `write` wrote.

        Raises:
            OSError: a file is missing, unreadable or not text.
        """
        values: dict[str, Any] = {}
        for field in fields(cls):
            text = _text(directory / _variable(field.name))
            values[field.name] = Credential(text) if field.type == "Credential" else text
        return cls(**values)

    def _texts(self) -> dict[str, str]:
        values = {_variable(field.name): getattr(self, field.name) for field in fields(self)}
        return {name: value if isinstance(value, str) else value.reveal() for name, value in values.items()}


def _variable(field: str) -> str:
    return f"{'SANDBOX' if field in _OF_THE_SANDBOX else 'KONAPLATE'}_{field.upper()}"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        # `from None`: the cause contains the content.
        raise OSError(errno.EILSEQ, "it is not UTF-8 text", str(path)) from None


def _pem(key: RSAKey, *, private: bool) -> Credential:
    return Credential(key.as_pem(private=private).decode("ascii"))
