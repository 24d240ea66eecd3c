"""JSON Web Tokens and keys made by hand, from RFC 7515 and RFC 7517 and the primitives of `cryptography`.

The product verifies with another implementation, so that one mistake cannot hide another.
"""

from __future__ import annotations

import base64
import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.tools import large_rsa_key

ISSUER = "https://issuer.example/realm"
AUDIENCE = "cards"
EVERYTHING = (
    "cards:read:any members:read:any member:read card-number:read cash-receipt:read transactions:read "
    "virtual-account:read introspection"
)

Sign = Callable[[bytes], bytes]


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def number(value: int) -> str:
    """A number as JWKs write it: big endian, without leading zeros."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def text(value: object) -> bytes:
    """Bytes unchanged; anything else as JSON."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def compact(header: object, payload: object, sign: Sign) -> str:
    """A token of any header and any payload."""
    signed = f"{b64(text(header))}.{b64(text(payload))}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token; a claim that is None is left out."""
    now = int(time.time())
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "somebody",
        "iat": now,
        "exp": now + 600,
        "scope": EVERYTHING,
        **changes,
    }
    return {name: value for name, value in good.items() if value is not None}


@dataclass(frozen=True)
class Signer:
    """A key that signs, with its public half as a JWK."""

    kid: str
    algorithm: str
    sign: Sign
    jwk: dict[str, Any]

    def header(self, **changes: Any) -> dict[str, Any]:
        """The header of a good token; a parameter that is None is left out."""
        good = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **changes}
        return {name: value for name, value in good.items() if value is not None}

    def token(self, payload: object | None = None, **header: Any) -> str:
        """A signed token."""
        return compact(self.header(**header), claims() if payload is None else payload, self.sign)


@functools.cache
def rsa_private(bits: int = 2048, index: int = 0) -> rsa.RSAPrivateKey:  # noqa: ARG001 - tells keys apart
    """A key made once for all tests: it takes a while."""
    if bits > 2048:
        key = load_pem_private_key(large_rsa_key(bits), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def rsa_signer(kid: str = "rsa", *, bits: int = 2048, index: int = 0) -> Signer:
    """Signs with RS256."""
    private = rsa_private(bits, index)
    public = private.public_key().public_numbers()
    return Signer(
        kid,
        "RS256",
        lambda data: private.sign(data, padding.PKCS1v15(), hashes.SHA256()),
        {"kty": "RSA", "kid": kid, "use": "sig", "alg": "RS256", "n": number(public.n), "e": number(public.e)},
    )


def rsa_public_pem() -> bytes:
    """What an attacker would use as an HMAC secret."""
    return rsa_private().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


CURVES: dict[str, tuple[type[ec.EllipticCurve], str, type[hashes.HashAlgorithm]]] = {
    "P-256": (ec.SECP256R1, "ES256", hashes.SHA256),
    "P-384": (ec.SECP384R1, "ES384", hashes.SHA384),
    "secp256k1": (ec.SECP256K1, "ES256K", hashes.SHA256),
}


@functools.cache
def ec_private(crv: str, index: int) -> ec.EllipticCurvePrivateKey:  # noqa: ARG001 - tells keys apart
    """A key made once for all tests."""
    return ec.generate_private_key(CURVES[crv][0]())


def ec_signer(kid: str = "ec", crv: str = "P-256", *, index: int = 0) -> Signer:
    """Signs with ECDSA."""
    private = ec_private(crv, index)
    size = private.key_size // 8
    _, algorithm, digest = CURVES[crv]

    def sign(data: bytes) -> bytes:
        r, s = utils.decode_dss_signature(private.sign(data, ec.ECDSA(digest())))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")

    point = private.public_key().public_numbers()
    coordinates = {"x": b64(point.x.to_bytes(size, "big")), "y": b64(point.y.to_bytes(size, "big"))}
    jwk = {"kty": "EC", "crv": crv, "kid": kid, "use": "sig", "alg": algorithm, **coordinates}
    return Signer(kid, algorithm, sign, jwk)


def in_der(signature: bytes) -> bytes:
    """An ECDSA signature as X.509 writes it, which is not how JWS does."""
    half = len(signature) // 2
    r, s = int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big")
    return utils.encode_dss_signature(r, s)


def ed_signer(kid: str = "ed") -> Signer:
    """Signs with Ed25519."""
    private = ed25519.Ed25519PrivateKey.from_private_bytes(b"an Ed25519 key is any 32 bytes..")
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    jwk = {"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "alg": "EdDSA", "x": b64(public)}
    return Signer(kid, "EdDSA", private.sign, jwk)


def key_set(*entries: Signer | dict[str, Any]) -> bytes:
    """A JWK set of signers' public keys and raw entries."""
    return json.dumps({"keys": [entry.jwk if isinstance(entry, Signer) else entry for entry in entries]}).encode()


def of_length(signer: Signer, length: int) -> str:
    """A good token that has this many characters; the header's length makes up for odd remainders."""
    good = claims()
    for extra in range(4):
        header = signer.header(pad="x" * extra)
        empty = len(compact(header, good | {"pad": ""}, signer.sign))
        token = compact(header, good | {"pad": "x" * ((length - empty) * 3 // 4)}, signer.sign)
        if len(token) == length:
            return token
    raise AssertionError("no such token")
