"""How fast a gateway could be if it did nothing but the RSA and AES operations of a request and its answer.

`python -m benchmarks.bare SECONDS` prints JSON.
"""

from __future__ import annotations

import sys
import time

import orjson

from benchmarks.encryption import Work


def measure(seconds: float) -> dict[str, float]:
    """Microseconds of one round, of as many as there is time for: throughput, to be compared with throughput."""
    work = Work()
    rounds = 0
    started = time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        work.bare_seal()
        work.bare_open()
        rounds += 1
    return {"bare_us": round(spent / rounds * 1e6, 2)}


if __name__ == "__main__":
    print(orjson.dumps(measure(float(sys.argv[1]))).decode())
