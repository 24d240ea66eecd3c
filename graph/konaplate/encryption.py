"""Konaplate's message encryption: compact JWE, RSA-OAEP-256 and AES-GCM. No I/O.

A request is sealed with the server's public key, an answer is opened with the client's private key; both travel as
`{"encData": "<JWE>"}`. Source: the vendor's page "Message encryption" (…/guidelines/msgencryption).
"""

from __future__ import annotations

import base64
import binascii
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from joserfc import jwe
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import RSAKey

if TYPE_CHECKING:
    from collections.abc import Sequence

MINIMUM_RSA_BITS: Final = 2048
DEFAULT_ALGORITHMS: Final = ("RSA-OAEP-256",)
DEFAULT_CONTENT_ENCRYPTIONS: Final = ("A128GCM", "A256GCM")
KNOWN_ALGORITHMS: Final = {"alg": ("RSA-OAEP-256", "RSA-OAEP"), "enc": ("A128GCM", "A256GCM")}
"""What can be allowed at all. Whether the vendor ever uses plain RSA-OAEP is not known."""

# A card or member record is a few hundred bytes; what is larger is not one.
_MAX_SEALED_CHARACTERS: Final = 256 * 1024
_PARTS: Final = 5


class CannotOpenError(Exception):
    """A sealed answer that cannot be opened. The message names the rule, never the content."""


class BadKeyError(ValueError):
    """A key that cannot be used. The message names the reason, never the key."""


class _Envelope(msgspec.Struct):
    encData: str  # noqa: N815 - the vendor's name


def import_key(pem: str, *, private: bool) -> RSAKey:
    """Read an RSA key from PEM text.

    Raises:
        BadKeyError: when it does not parse, is not RSA, is of the wrong kind, or has fewer than 2048 bits.
    """
    try:
        with warnings.catch_warnings():
            # About a short key, which is refused below.
            warnings.simplefilter("ignore", SecurityWarning)
            key = RSAKey.import_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm, JoseError) as error:
        # The cause may quote the text, and with it the key.
        raise BadKeyError(f"is not an RSA key in PEM form ({type(error).__name__})") from None
    raw = key.raw_value
    if private and not isinstance(raw, RSAPrivateKey):
        raise BadKeyError("is a public key where a private key is needed")
    if not private and not isinstance(raw, RSAPublicKey):
        raise BadKeyError("is a private key where a public key is needed")
    if raw.key_size < MINIMUM_RSA_BITS:
        raise BadKeyError(f"has {raw.key_size} bits; at least {MINIMUM_RSA_BITS} are needed")
    return key


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The two keys under one crypto key id: the other side's public key and our private key."""

    key_id: str
    seal_with: RSAKey
    open_with: RSAKey


class Cipher:
    """Seals and opens messages with one key pair, or with two while keys are being rotated.

    Args:
        pairs: the first seals; all of them open.
        algorithms: the `alg` values that are accepted; the first is the one that is sent.
        content_encryptions: the `enc` values that are accepted; the first is the one that is sent.
    """

    def __init__(
        self,
        pairs: Sequence[KeyPair],
        *,
        algorithms: Sequence[str] = DEFAULT_ALGORITHMS,
        content_encryptions: Sequence[str] = DEFAULT_CONTENT_ENCRYPTIONS,
    ) -> None:
        self._pairs = tuple(pairs)
        # Tuples, not sets: what an answer's header holds need not be hashable.
        self._algorithms = tuple(algorithms)
        self._content_encryptions = tuple(content_encryptions)
        self._registry = jwe.JWERegistry(algorithms=[*algorithms, *content_encryptions])
        self._registry.max_ciphertext_length = _MAX_SEALED_CHARACTERS
        # The protected header as working clients of the vendor send it: these members, in this order.
        self._header = {"enc": content_encryptions[0], "alg": algorithms[0]}

    @property
    def key_id(self) -> str:
        """The crypto key id that belongs to a sealed message."""
        return self._pairs[0].key_id

    def seal(self, clear: bytes) -> bytes:
        """Encrypt a message for the other side; the result is the envelope, ready to send."""
        # The header is copied because joserfc keeps the dictionary that it is given.
        sealed = jwe.encrypt_compact(dict(self._header), clear, self._pairs[0].seal_with, registry=self._registry)
        return msgspec.json.encode(_Envelope(sealed))

    def open(self, sealed: str, key_id: str | None) -> bytes:
        """Decrypt the `encData` of an answer.

        Args:
            sealed: a compact JWE.
            key_id: the answer's crypto key id. The pair of that id is tried first, then the other one: an
                answer that was made before a rotation may name no id, or an old one.

        Raises:
            CannotOpenError: when it is too large, malformed, of a profile that is not accepted, or not for us.
        """
        self._check_profile(sealed)
        for pair in sorted(self._pairs, key=lambda pair: pair.key_id != key_id):
            try:
                plaintext = jwe.decrypt_compact(sealed, pair.open_with, registry=self._registry).plaintext
            except (JoseError, ValueError):
                continue
            if plaintext is not None:
                return plaintext
        raise CannotOpenError("no key opens the message")

    def _check_profile(self, sealed: str) -> None:
        """Refuse everything but the one documented profile before any private-key operation is spent on it."""
        if len(sealed) > _MAX_SEALED_CHARACTERS:
            raise CannotOpenError("the message is too large")
        parts = sealed.split(".")
        if len(parts) != _PARTS or not sealed.isascii():
            raise CannotOpenError("the message is not a compact JWE")
        header = _protected_header(parts[0])
        # Nothing else may be in it: `zip` would inflate, `crit`, `jwk`, `jku` and their like would steer us.
        if header.keys() - {"alg", "enc", "kid", "typ", "cty"}:
            raise CannotOpenError("the header has a parameter that is not accepted")
        if header.get("alg") not in self._algorithms:
            raise CannotOpenError("the key algorithm is not accepted")
        if header.get("enc") not in self._content_encryptions:
            raise CannotOpenError("the content encryption is not accepted")


def _protected_header(segment: str) -> dict[str, object]:
    try:
        decoded = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(decoded, type=dict[str, object])
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CannotOpenError("the header cannot be read") from error
