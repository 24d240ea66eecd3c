"""What the vendor would hand to a project, made up for the sandbox."""

from __future__ import annotations

import errno
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from joserfc.jwk import RSAKey

from schema.secrets import Credential

if TYPE_CHECKING:
    from pathlib import Path

ASP_ID: Final = "000000000000001"
_ACCESS_KEY_CHARACTERS: Final = 40
_BITS: Final = 2048
_OF_THE_GATEWAY: Final = {
    "asp_id": "KONAPLATE_ASP_ID",
    "access_key": "KONAPLATE_ACCESS_KEY",
    "secret_key": "KONAPLATE_SECRET_KEY",
    "crypto_key_id": "KONAPLATE_CRYPTO_KEY_ID",
    "server_public_key": "KONAPLATE_SERVER_PUBLIC_KEY",
    "client_private_key": "KONAPLATE_CLIENT_PRIVATE_KEY",
}
_FILES: Final = {
    **_OF_THE_GATEWAY,
    "server_private_key": "SANDBOX_SERVER_PRIVATE_KEY",
    "client_public_key": "SANDBOX_CLIENT_PUBLIC_KEY",
}
_PUBLIC: Final = frozenset({"asp_id", "crypto_key_id"})


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
        return {name: _clear(getattr(self, field)) for field, name in _OF_THE_GATEWAY.items()}

    def write(self, directory: Path) -> None:
        """Write one file for each value, named like the gateway's variable, readable by the owner alone."""
        directory.mkdir(parents=True, exist_ok=True)
        for field, name in _FILES.items():
            path = directory / name
            path.touch(mode=0o600)
            path.write_text(_clear(getattr(self, field)), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> SandboxCredentials:
        """Read what `write` wrote.

        Raises:
            OSError: when a file is missing, cannot be read or holds no text.
        """
        texts = {field: _text(directory / name) for field, name in _FILES.items()}
        values: dict[str, Any] = {
            field: text if field in _PUBLIC else Credential(text) for field, text in texts.items()
        }
        return cls(**values)


def _clear(value: str | Credential) -> str:
    return value if isinstance(value, str) else value.reveal()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        # `from None`: the cause holds the content.
        raise OSError(errno.EILSEQ, "it is not UTF-8 text", str(path)) from None


def _pem(key: RSAKey, *, private: bool) -> Credential:
    return Credential(key.as_pem(private=private).decode("ascii"))
