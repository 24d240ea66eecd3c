"""What encryption costs: the bare operations, the gateway's cipher, and joserfc.

`python -m benchmarks.encryption` prints microseconds of CPU as JSON. Everything is measured in one process, by
turns, and of each the best turn counts, so that the figures can be compared with each other.
"""

from __future__ import annotations

import os
import time
import warnings
from typing import TYPE_CHECKING, Final

import orjson
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe
from joserfc.jwk import RSAKey

from graph.konaplate.encryption import Cipher, KeyPair

if TYPE_CHECKING:
    from collections.abc import Callable

_TURNS: Final = 15
_TIMES: Final = 40
_REQUEST: Final = b'{"cardNo":"9491339400001234"}'
# As long as a card's record.
_ANSWER: Final = b"x" * 400
_OAEP: Final = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def operations() -> dict[str, Callable[[], object]]:
    """By name; `bare` is nothing but RSA and AES."""
    private = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    public = private.public_key()
    cipher = Cipher([KeyPair("benchmark", public, private)])
    sealed: str = orjson.loads(cipher.seal(_ANSWER))["encData"]
    key, iv = os.urandom(16), os.urandom(12)
    wrapped, content = public.encrypt(key, _OAEP), AESGCM(key).encrypt(iv, _ANSWER, b"")
    theirs, ours = RSAKey.import_key(public), RSAKey.import_key(private)
    registry = jwe.JWERegistry(algorithms=["RSA-OAEP-256", "A128GCM"])
    header = {"enc": "A128GCM", "alg": "RSA-OAEP-256"}
    return {
        "bare seal": lambda: (public.encrypt(key, _OAEP), AESGCM(key).encrypt(iv, _REQUEST, b"")),
        "our seal": lambda: cipher.seal(_REQUEST),
        "joserfc seal": lambda: jwe.encrypt_compact(header, _REQUEST, theirs, registry=registry),
        "bare open": lambda: AESGCM(private.decrypt(wrapped, _OAEP)).decrypt(iv, content, b""),
        "our open": lambda: cipher.open(sealed, "benchmark"),
        "joserfc open": lambda: jwe.decrypt_compact(sealed, ours, registry=registry),
    }


def measure() -> dict[str, float]:
    """Microseconds of every operation."""
    best: dict[str, float] = {}
    for name, operation in list(operations().items()) * _TURNS:
        started = time.process_time()
        for _ in range(_TIMES):
            operation()
        spent = (time.process_time() - started) / _TIMES * 1e6
        best[name] = round(min(best.get(name, spent), spent), 1)
    return best


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(orjson.dumps(measure(), option=orjson.OPT_INDENT_2).decode())
