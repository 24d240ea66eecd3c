"""Two RSA key pairs for the encrypted mode: the vendor's and the client's."""

from __future__ import annotations

import atexit
import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Keys:
    """What each side is given."""

    settings: Mapping[str, str]
    """Of the gateway."""
    client_private_key: Path
    client_public_key: Path
    """For the upstream."""


@functools.cache
def keys() -> Keys:
    """One pair of each for the whole run; they are gone when the run is."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    client, vendor = (rsa.generate_private_key(public_exponent=65_537, key_size=2048) for _ in range(2))
    private, public = Path(folder.name) / "client.pem", Path(folder.name) / "client.pub"
    private.touch(mode=0o600)
    private.write_bytes(
        client.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public.write_bytes(_pem(client))
    settings = {
        "KONAPLATE_ENCRYPTION": "on",
        "KONAPLATE_CRYPTO_KEY_ID": "benchmark",
        "KONAPLATE_SERVER_PUBLIC_KEY": _pem(vendor).decode(),
        "KONAPLATE_CLIENT_PRIVATE_KEY": str(private),
    }
    return Keys(settings, private, public)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
