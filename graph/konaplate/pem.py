"""Reads keys and certificates from PEM text. Errors say in one phrase what is wrong, and never quote the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

T = TypeVar("T")

_BLOCK: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_LABEL: Final = re.compile(rb"-----BEGIN [A-Z0-9 ]+-----")
_PRIVATE, _PUBLIC = "a private key", "a public key"
CERTIFICATE: Final = "a certificate"
_OPENSSH: Final = "an OpenSSH private key"
# Matched against the end of a block's label, in this order.
_KINDS: Final = {
    b"OPENSSH PRIVATE KEY": _OPENSSH,
    b"PRIVATE KEY": _PRIVATE,
    b"PUBLIC KEY": _PUBLIC,
    b"CERTIFICATE": CERTIFICATE,
    b"CERTIFICATE REQUEST": "a certificate request",
}
_ALGORITHMS: Final = {
    "an elliptic-curve key": ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey,
    "an Ed25519 key": ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey,
    "an Ed448 key": ed448.Ed448PrivateKey | ed448.Ed448PublicKey,
    "a DSA key": dsa.DSAPrivateKey | dsa.DSAPublicKey,
}


class BadPemError(ValueError):
    """PEM text that cannot be used. The message says why, and contains none of it."""


def private_key(text: bytes) -> PrivateKeyTypes:
    """The first private key of a PEM file.

    Raises:
        BadPemError: there is none, or it cannot be read.
    """
    return _load(text, _PRIVATE, lambda block: load_pem_private_key(block, None))


def public_key(text: bytes) -> PublicKeyTypes:
    """The first public key of a PEM file; raises as `private_key`."""
    return _load(text, _PUBLIC, load_pem_public_key)


def certified_key(text: bytes) -> PublicKeyTypes:
    """The key of the first certificate of a PEM file; raises as `private_key`."""
    return _load(text, CERTIFICATE, lambda block: load_pem_x509_certificate(block).public_key())


def algorithm(key: PrivateKeyTypes | PublicKeyTypes) -> str:
    """The kind of a key that is not RSA, as a phrase."""
    return next((name for name, kinds in _ALGORITHMS.items() if isinstance(key, kinds)), "a key of another type")


def blocks(text: bytes) -> list[tuple[str, bytes]]:
    """The PEM blocks of a file, each with its kind."""
    return [(_kind(match[1]), match[0]) for match in _BLOCK.finditer(text)]


def _load(text: bytes, wanted: str, load: Callable[[bytes], T]) -> T:
    found = blocks(text)
    block = next((block for kind, block in found if kind == wanted), None)
    if block is None:
        raise BadPemError(_lacking(text, [kind for kind, _ in found], wanted))
    # `from None` below: the cause may quote the text.
    try:
        return load(block)
    except TypeError:
        raise BadPemError("is protected by a passphrase; use one without") from None
    except UnsupportedAlgorithm:
        raise BadPemError("is a key of an unknown type") from None
    except ValueError:
        raise BadPemError(f"is damaged: its content is not {wanted}") from None


def _lacking(text: bytes, found: list[str], wanted: str) -> str:
    if wanted == _PRIVATE and _OPENSSH in found:
        return f"is {_OPENSSH} where PKCS #8 is needed"
    if found:
        return f"is {found[0]} where {wanted} is needed"
    return "is damaged: its last line is missing" if _LABEL.search(text) else "is not PEM text"


def _kind(label: bytes) -> str:
    return next((kind for end, kind in _KINDS.items() if label.endswith(end)), "something else")
