"""The gateway as the benchmark starts it: with limits raised by settings, and every check on."""

from __future__ import annotations

import copy
import sys
from typing import TYPE_CHECKING, Any, Final

from benchmarks.keys import keys
from benchmarks.protected import protection
from benchmarks.targets import GATEWAY, GRAPHQL, Launch, Start, Target, gateway_settings, whole_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.scenarios import Question

# Twenty whole cards in one request, and a thousand requests at once, are more than the defaults allow.
RAISED: Final = {
    "KONAGRAPH_MAX_ROOT_FIELDS": "20",
    "KONAGRAPH_MAX_COST": "1000",
    "KONAGRAPH_MAX_REQUESTS": "2000",
    "KONAPLATE_MAX_CONNECTIONS": "256",
    "KONAPLATE_POOL_TIMEOUT": "2",
}


def _serve(start: Start, settings: Mapping[str, str]) -> Launch:
    command = [sys.executable, "-m", "graph", "serve", "--host", "127.0.0.1", "--port", "0"]
    return Launch(command, {**gateway_settings(start.base_url), **RAISED, **settings})


def _plain(start: Start) -> Launch:
    return _serve(start, {})


def _everything(start: Start) -> Launch:
    settings = {
        **protection().settings,
        "KONAGRAPH_LOG_LEVEL": "info",
        "KONAGRAPH_AUDIT_LOG": str(start.folder / "audit.log"),
    }
    return _serve(start, settings)


def _encrypted(start: Start) -> Launch:
    return _serve(start, keys().settings)


def _right_but_for_the_member(question: Question, card_nos: list[str], answer: Any) -> bool:
    # The upstream cannot open what it is asked, so the member is any.
    mended = copy.deepcopy(answer)
    mended["data"]["card"]["member"]["userId"] = card_nos[0]
    return whole_answer(question, card_nos, mended)


PLAIN: Final = Target(GATEWAY, _plain, GRAPHQL)
EVERYTHING: Final = Target(
    f"{GATEWAY}, everything on", _everything, GRAPHQL, authorization=lambda: protection().authorization
)
"""Tokens, budgets, audit to a file, and a log line for each request."""
ENCRYPTED: Final = Target(f"{GATEWAY}, encrypted", _encrypted, GRAPHQL, is_right=_right_but_for_the_member)
