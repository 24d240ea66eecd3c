"""The servers that are measured, how each is started, and how each is asked."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import credentials
from benchmarks.peers import raw
from benchmarks.processes import ROOT
from benchmarks.scenarios import ATTACKED, CARD, CARD_32, CASES, MEMBER, PLAIN_32

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.scenarios import Case, Question

    Settings = Callable[[Path], Mapping[str, str]]

GATEWAY: Final = "konagraph"
_NODE: Final = ROOT / "benchmarks" / "peers"
_PACKAGES: Final = ROOT / ".peers" / "python" / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
_GRAPHQL: Final = "/graphql"

# More than the defaults allow: twenty whole cards in a request, and 256 requests and calls at once. Some requests
# of the load before may still be under way.
_RAISED: Final = {
    "KONAGRAPH_MAX_ROOT_FIELDS": "20",
    "KONAGRAPH_MAX_COST": "1000",
    "KONAGRAPH_MAX_REQUESTS": "600",
    "KONAPLATE_MAX_CONNECTIONS": "256",
    "KONAPLATE_POOL_TIMEOUT": "2",
}


@dataclass(frozen=True, slots=True)
class Target:
    """One server."""

    name: str
    command: tuple[str, ...]
    settings: Settings
    """Beside those for calling Konaplate; the folder is for files of the run."""
    credential: Callable[[], str] = str
    """`Name: value` of a header of every request; empty for none."""
    sealed: bool = True
    """Whether calls and answers are encrypted."""
    paths: Mapping[str, str] | str = _GRAPHQL
    """Where each question, by name, is answered: one path for all, or only these questions."""
    missing: str = ""
    """Why it cannot run here."""
    times: int = 1
    """It is measured so many times longer: a slow server needs time to give answers that can be counted."""

    @property
    def ours(self) -> bool:
        """Whether it is this project's: then it must not fail."""
        return self.name.startswith(GATEWAY)

    def path(self, question: Question) -> str | None:
        """Where the question is answered; None when it is not."""
        return self.paths if isinstance(self.paths, str) else self.paths.get(question.name)

    def environment(self, base_url: str, folder: Path) -> dict[str, str]:
        """The variables that start it."""
        return {**credentials.konaplate_settings(base_url, sealed=self.sealed), **self.settings(folder)}


def _gateway(name: str, settings: Settings, credential: Callable[[], str] = credentials.bearer) -> Target:
    command = ("-m", "graph", "serve", "--host", "127.0.0.1", "--port", "0")
    return Target(name, command, lambda folder: {"KONAGRAPH_ADMIN_PORT": "0", **settings(folder)}, credential)


def _everything(folder: Path) -> Mapping[str, str]:
    return {**_RAISED, **credentials.jwt_settings(), **_sealed_audit_log(folder)}


def _by_api_keys(folder: Path) -> Mapping[str, str]:
    return {**credentials.api_key_settings(), **_sealed_audit_log(folder)}


def _sealed_audit_log(folder: Path) -> Mapping[str, str]:
    return {"KONAGRAPH_AUDIT_LOG": str(folder / "audit.log"), "KONAGRAPH_AUDIT_KEY": "k" * 32}


KONAGRAPH: Final = _gateway(GATEWAY, _everything)
"""With a token, budgets, the sealed audit log in a file, and a log line for each request."""
BY_API_KEYS: Final = _gateway(GATEWAY, _by_api_keys, lambda: "X-Api-Key: others")
"""The same with API keys, whose budgets can differ: the attacker is bounded, the others are not."""
QUIET: Final = _gateway(
    f"{GATEWAY}, quiet, no tokens", lambda _: {**_RAISED, "KONAGRAPH_LOG_LEVEL": "warning"}, str
)


def _node(name: str, script: str, path: str = _GRAPHQL, crypto: str = "jose") -> Target:
    settings = {"NODE_ENV": "production", "PEER_CRYPTO": crypto}
    installed = shutil.which("node") and (_NODE / "node_modules").is_dir()
    missing = "" if installed else "Node.js or its npm packages are missing"
    return Target(name, ("node", str(_NODE / script)), lambda _: settings, paths=path, missing=missing)


def _python(
    name: str, app: str, paths: Mapping[str, str] | str = _GRAPHQL, *, missing: str = "", times: int = 1
) -> Target:
    settings = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(_PACKAGES)])}
    command = ("-m", f"benchmarks.peers.{app}")
    return Target(name, command, lambda _: settings, paths=paths, missing=missing, times=times)


MERCURIUS_NODE: Final = _node("Mercurius + JIT, node:crypto", "mercurius.mjs", crypto="node")
MERCURIUS: Final = _node("Mercurius + JIT, jose", "mercurius.mjs")
RAW: Final = _python(
    "raw ASGI + aiohttp, joserfc",
    "raw",
    {CARD.name: raw.CARD_PATH, MEMBER.name: raw.MEMBER_PATH},
    missing="" if (_PACKAGES / "aiohttp").is_dir() else "aiohttp is missing",
)
APOLLO: Final = _node("Apollo Server, jose", "apollo.mjs", "/")
YOGA: Final = _node("Yoga + undici, jose", "yoga.mjs")
STOCK: Final = _python("Strawberry + httpx, joserfc", "stock", times=2)
PEERS: Final = (MERCURIUS_NODE, MERCURIUS, RAW, APOLLO, YOGA, STOCK)


def plain(target: Target) -> Target:
    """The same server with encryption off; then its library makes no difference."""
    return replace(target, name=target.name.split(", ")[0], sealed=False)


@dataclass(frozen=True, slots=True)
class Run:
    """One server, and what it is asked."""

    target: Target
    cases: tuple[Case, ...]


_OURS: Final = (
    Run(KONAGRAPH, CASES),
    Run(BY_API_KEYS, (ATTACKED,)),
    Run(QUIET, (CARD_32,)),
    Run(plain(KONAGRAPH), (PLAIN_32,)),
)
ALONE: Final = _OURS
"""What `make bench` measures."""
BESIDE: Final = (
    *_OURS,
    *(Run(peer, tuple(case for case in (*CASES, ATTACKED) if peer.path(case.question))) for peer in PEERS),
    *(Run(plain(peer), (PLAIN_32,)) for peer in PEERS if peer is not MERCURIUS_NODE),
)
"""What `make bench-peers` measures."""
