"""Konaplate's message encryption: compact JWE, RSA-OAEP-256 and AES-GCM. No I/O.

A request is sealed with the server's public key, an answer is opened with the client's private key; both travel as
`{"encData": "<JWE>"}`. Source: the vendor's page "Message encryption" (…/guidelines/msgencryption).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from joserfc.jwk import RSAKey

from graph.konaplate.jwe import JweError, Profile, Sealer
from graph.konaplate.pem import BadPemError, algorithm, private_key, public_key

if TYPE_CHECKING:
    from collections.abc import Sequence

MINIMUM_RSA_BITS: Final = 2048
DEFAULT_ALGORITHMS: Final = ("RSA-OAEP-256",)
DEFAULT_CONTENT_ENCRYPTIONS: Final = ("A128GCM", "A256GCM")
KNOWN_ALGORITHMS: Final = {"alg": ("RSA-OAEP-256", "RSA-OAEP"), "enc": ("A128GCM", "A256GCM")}
"""What can be allowed at all. Whether the vendor ever uses plain RSA-OAEP is not known."""


class CannotOpenError(Exception):
    """A sealed answer that cannot be opened. The message names the rule, never the content."""


def import_key(pem: str, *, private: bool) -> RSAKey:
    """Read an RSA key from PEM text.

    Raises:
        BadPemError: when it cannot be read, is not RSA, is of the wrong kind, or has fewer than 2048 bits.
    """
    text = pem.encode("utf-8", "replace")
    key = private_key(text) if private else public_key(text)
    if not isinstance(key, RSAPrivateKey | RSAPublicKey):
        raise BadPemError(f"is {algorithm(key)} where an RSA key is needed")
    if key.key_size < MINIMUM_RSA_BITS:
        raise BadPemError(f"has {key.key_size} bits; at least {MINIMUM_RSA_BITS} are needed")
    return RSAKey.import_key(key)


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
        self._profile = Profile(frozenset(algorithms), frozenset(content_encryptions))
        # The protected header as working clients of the vendor send it: these members, in this order.
        header = {"enc": content_encryptions[0], "alg": algorithms[0]}
        self._sealer = Sealer(header, self._pairs[0].seal_with.get_op_key("encrypt"))

    @property
    def key_id(self) -> str:
        """The crypto key id that belongs to a sealed message."""
        return self._pairs[0].key_id

    def seal(self, clear: bytes) -> bytes:
        """Encrypt a message for the other side; the result is the envelope, ready to send."""
        # No character of a compact JWE needs an escape.
        return b'{"encData":"%b"}' % self._sealer.seal(clear)

    def open(self, sealed: str, key_id: str | None) -> bytes:
        """Decrypt the `encData` of an answer.

        Args:
            sealed: a compact JWE.
            key_id: the answer's crypto key id. The pair of that id is tried first, then the other one: an
                answer that was made before a rotation may name no id, or an old one.

        Raises:
            CannotOpenError: when it is too large, malformed, of a profile that is not accepted, or not for us.
        """
        try:
            # Everything that needs no key is checked before any private-key operation is spent on it.
            message = self._profile.read(sealed)
        except JweError as error:
            raise CannotOpenError(str(error)) from error
        for pair in sorted(self._pairs, key=lambda pair: pair.key_id != key_id):
            plaintext = message.open(pair.open_with.get_op_key("decrypt"))
            if plaintext is not None:
                return plaintext
        raise CannotOpenError("no key opens the message")
