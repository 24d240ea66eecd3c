"""What encryption costs: the bare operations, our cipher, joserfc; and whether threads help.

`python -m benchmarks.encryption` prints JSON. Everything is measured in one process, by turns, and of each the
best turn counts, so the figures can be compared with each other.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
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

TURNS: Final = 15
_SEALS: Final = 200
_OPENS: Final = 40
_REQUEST: Final = b'{"cardNo":"9491339400001234"}'
# As long as a card's record.
_ANSWER: Final = b"x" * 400
_OAEP: Final = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


class Work:
    """One key pair, and one answer that is sealed for it."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        self.public = self.private.public_key()
        self._keys = RSAKey.import_key(self.public), RSAKey.import_key(self.private)
        self.cipher = Cipher([KeyPair("benchmark", self.public, self.private)])
        self.sealed: str = orjson.loads(self.cipher.seal(_ANSWER))["encData"]
        self._content_key, self._iv = os.urandom(16), os.urandom(12)
        self._wrapped = self.public.encrypt(self._content_key, _OAEP)
        self._content = AESGCM(self._content_key).encrypt(self._iv, _ANSWER, b"")
        self._registry = jwe.JWERegistry(algorithms=["RSA-OAEP-256", "A128GCM"])

    def bare_seal(self) -> None:
        """An RSA public and an AES operation."""
        self.public.encrypt(self._content_key, _OAEP)
        AESGCM(self._content_key).encrypt(self._iv, _REQUEST, b"")

    def bare_open(self) -> None:
        """An RSA private and an AES operation."""
        AESGCM(self.private.decrypt(self._wrapped, _OAEP)).decrypt(self._iv, self._content, b"")

    def our_seal(self) -> None:
        """As the gateway seals a request."""
        self.cipher.seal(_REQUEST)

    def our_open(self) -> None:
        """As the gateway opens an answer."""
        self.cipher.open(self.sealed, "benchmark")

    def joserfc_seal(self) -> None:
        """The same by a general library."""
        header = {"enc": "A128GCM", "alg": "RSA-OAEP-256"}
        jwe.encrypt_compact(header, _REQUEST, self._keys[0], registry=self._registry)

    def joserfc_open(self) -> None:
        """The same by a general library, without the gateway's own checks."""
        jwe.decrypt_compact(self.sealed, self._keys[1], registry=self._registry)


def microseconds(work: Work) -> dict[str, float]:
    """Of every operation: the best of many turns."""
    operations: dict[str, tuple[Callable[[], None], int]] = {
        "bare seal": (work.bare_seal, _SEALS),
        "our seal": (work.our_seal, _SEALS),
        "joserfc seal": (work.joserfc_seal, _SEALS),
        "bare open": (work.bare_open, _OPENS),
        "our open": (work.our_open, _OPENS),
        "joserfc open": (work.joserfc_open, _OPENS),
    }
    best = dict.fromkeys(operations, float("inf"))
    for _ in range(TURNS):
        for name, (operation, times) in operations.items():
            started = time.perf_counter()
            for _ in range(times):
                operation()
            best[name] = min(best[name], (time.perf_counter() - started) / times * 1e6)
    return {name: round(value, 1) for name, value in best.items()}


def opened_per_second(work: Work, threads: int) -> float:
    """Answers opened in a second by so many threads."""

    def many() -> None:
        for _ in range(_OPENS):
            work.our_open()

    best = 0.0
    for _ in range(TURNS):
        running = [threading.Thread(target=many) for _ in range(threads)]
        started = time.perf_counter()
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        best = max(best, threads * _OPENS / (time.perf_counter() - started))
    return round(best)


async def _lateness(work: Work, pool: ThreadPoolExecutor | None) -> dict[str, float]:
    """Openings as fast as they go, and how late the event loop calls who wants to be called every millisecond."""
    loop = asyncio.get_running_loop()
    late: list[float] = []
    spent: list[float] = []

    async def every_millisecond() -> None:
        while True:
            wanted = loop.time() + 0.001
            await asyncio.sleep(0.001)
            late.append(loop.time() - wanted)

    watching = asyncio.create_task(every_millisecond())
    for _ in range(_OPENS * TURNS):
        started = time.perf_counter()
        if pool is None:
            work.our_open()
            spent.append(time.perf_counter() - started)
            await asyncio.sleep(0)
        else:
            await loop.run_in_executor(pool, work.our_open)
            spent.append(time.perf_counter() - started)
    watching.cancel()
    await asyncio.wait([watching])
    return {
        "one opening, median": round(sorted(spent)[len(spent) // 2] * 1e6, 1),
        "event loop late, median": round(sorted(late)[len(late) // 2] * 1e6, 1),
        "event loop late, 99 of 100": round(sorted(late)[len(late) * 99 // 100] * 1e6, 1),
    }


def measure() -> dict[str, object]:
    """Everything."""
    work = Work()
    costs = microseconds(work)
    pairs = [(name, costs[f"{name} seal"] + costs[f"{name} open"]) for name in ("bare", "our", "joserfc")]
    with ThreadPoolExecutor(1) as pool:
        lateness = {
            "in the event loop": asyncio.run(_lateness(work, None)),
            "in a thread": asyncio.run(_lateness(work, pool)),
        }
    return {
        "microseconds": costs,
        "seal and open, by the bare operations": {name: round(sum_ / pairs[0][1], 3) for name, sum_ in pairs},
        "opened per second, by threads": {threads: opened_per_second(work, threads) for threads in (1, 2)},
        "microseconds, one opening after the other": lateness,
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(orjson.dumps(measure(), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode())
