"""One viewer who sends the worst documents that the gateway's default limits allow."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAUSE: Final = 0.015
"""Seconds; more than fifty requests a second, so that the budgets are what bounds them."""
_CHAIN: Final = " ".join(f"fragment F{index} on Query {{ ...F{index + 1} }}" for index in range(58))
WORST: Final = (
    f"{{ __schema {{ types {{ {'name ' * 560} }} }} }}",
    f'{{ __type(name: "1234567890123456") {{ {"name " * 560} }} }}',
    f"{{ ...F0 }} {_CHAIN} fragment F58 on Query {{ __typename }}",
    f'{{ card(cardNo: "1234567890123456") {{ {"balance " * 190} }} }}',
    f"{{ __typename }} {' '.join(f'fragment F{index} on Query {{ __typename }}' for index in range(70))}",
    f"{{ {'... on Query { ' * 110} x {'}' * 110} }}",
)


@contextlib.contextmanager
def attack(url: str, core: int) -> Iterator[None]:
    """Send one document after the other, each with a new text, from that core while the block runs."""
    over = threading.Event()

    def send() -> None:
        # This thread alone.
        os.sched_setaffinity(0, {core})
        with httpx.Client(trust_env=False, headers={"X-Api-Key": "attacker"}) as client:
            for number, document in enumerate(itertools.cycle(WORST)):
                # A server that is busy with the last one may take longer than the client waits.
                with contextlib.suppress(httpx.HTTPError):
                    # Commas are ignored, and make it another document.
                    client.post(url, json={"query": document + "," * (number % 500)})
                if over.wait(_PAUSE):
                    return

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
