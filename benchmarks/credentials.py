"""Keys and tokens of a run: made at its start, gone at its end."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import hashlib
import tempfile
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from graph.security.authorization import EVERY_SCOPE, Allowance
from graph.security.development import DevelopmentSigner, signer_settings

SECRET_KEY: Final = "benchmark-secret-key"  # noqa: S105 - of the benchmark's own upstream
VENDOR_KEY: Final = "vendor.pem"
CLIENT_KEY: Final = "client.pem"
_VENDOR_PUBLIC_KEY: Final = "vendor.pub"
_LIFETIME: Final = 7200
_BUDGETS: Final = ("REQUEST_RATE", "REQUEST_BURST", "COST_BURST", "CARDS_PER_MINUTE")
_UNBOUNDED: Final = "20000000"
"""High enough for a run; every budget is counted all the same."""


@functools.cache
def folder() -> Path:
    """The run's folder, with two RSA key pairs in it: the vendor's and the client's."""
    made = tempfile.TemporaryDirectory()
    atexit.register(made.cleanup)
    path = Path(made.name)
    for name in (VENDOR_KEY, CLIENT_KEY):
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        (path / name).touch(mode=0o600)
        (path / name).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        if name == VENDOR_KEY:
            public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            (path / _VENDOR_PUBLIC_KEY).write_bytes(public)
    return path


def konaplate_settings(base_url: str, *, sealed: bool) -> dict[str, str]:
    """What every server needs to call Konaplate, as the gateway's own variables."""
    settings = {
        "KONAPLATE_BASE_URL": base_url,
        "KONAPLATE_ASP_ID": "100000000000002",
        "KONAPLATE_ACCESS_KEY": "a" * 40,
        "KONAPLATE_SECRET_KEY": SECRET_KEY,
        "KONAPLATE_ENCRYPTION": "on" if sealed else "off",
    }
    if sealed:
        settings |= {
            "KONAPLATE_CRYPTO_KEY_ID": "b" * 32,
            "KONAPLATE_SERVER_PUBLIC_KEY": str(folder() / _VENDOR_PUBLIC_KEY),
            "KONAPLATE_CLIENT_PRIVATE_KEY": str(folder() / CLIENT_KEY),
        }
    return settings


@functools.cache
def bearer() -> str:
    """The header with a member's token."""
    signer = DevelopmentSigner.in_directory(folder())
    token = signer.token("benchmark", scopes=sorted(EVERY_SCOPE), lifetime=_LIFETIME)
    return f"Authorization: Bearer {token}"


def jwt_settings() -> dict[str, str]:
    """The gateway accepts that token, and counts budgets that are not used up."""
    bearer()
    return {**signer_settings(folder()), **{f"KONAGRAPH_{budget}": _UNBOUNDED for budget in _BUDGETS}}


def api_key_settings() -> dict[str, str]:
    """The gateway accepts the keys `others`, without bounds, and `attacker`, with the default budgets."""
    unbounded = "".join(f"{budget.name} = {_UNBOUNDED}\n" for budget in dataclasses.fields(Allowance))
    file = folder() / "keys.toml"
    file.write_text(f"{_api_key('others')}{unbounded}{_api_key('attacker')}", encoding="utf-8")
    return {"KONAGRAPH_AUTH": "api-key", "KONAGRAPH_API_KEYS": str(file)}


def _api_key(name: str) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f'[[keys]]\nname = "{name}"\nsha256 = "{digest}"\nscopes = ["cards:read:any", "cash-receipt:read"]\n'
