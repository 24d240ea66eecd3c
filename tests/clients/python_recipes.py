"""A recipe in Python of docs/clients.md reads cards as an app would; copied beside it and run there.

python python_recipes.py RECIPE CARD MISSING_CARD RETRYABLE_CARD
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = dict(zip(("byNumber", "missing", "retried"), sys.argv[2:], strict=True))


class Requests(logging.Handler):
    """What httpx logs of each request."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Remember a request."""
        method, url, _version, status, _reason = record.args or ()
        self.seen.append({"method": method, "number": "949133" in str(url), "status": status})


def walk(ask: Callable[[str], Any], requests: Requests) -> dict[str, Any]:
    """Each step with its data, the codes, what an error report could hold, and its requests."""
    importlib.import_module("session").expire()
    found: dict[str, Any] = {}
    for name, number in STEPS.items():
        requests.seen = []
        step: dict[str, Any] = {"data": None, "codes": [], "report": ""}
        try:
            step["data"] = {"card": ask(number)}
        except Exception as error:  # noqa: BLE001 - whatever a client raises
            errors = [each if isinstance(each, dict) else vars(each) for each in vars(error)["errors"]]
            step["codes"] = [each["extensions"]["code"] for each in errors]
            step["report"] = f"{error} {error!r} {errors}"
        found[name] = {**step, "exchanges": requests.seen}
    return found


def main() -> None:
    """Let it read."""
    requests = Requests()
    logging.getLogger("httpx").setLevel(logging.INFO)
    logging.getLogger("httpx").addHandler(requests)

    card = importlib.import_module(f"card_{sys.argv[1]}").card

    def by_ariadne(number: str) -> Any:
        return asyncio.run(card(number)).card.model_dump(mode="json")

    json.dump(walk(by_ariadne if sys.argv[1] == "ariadne" else card, requests), sys.stdout)


if __name__ == "__main__":
    main()
