"""The other servers that do the gateway's job, or a part of it, and how each is started.

`make bench-peers` gets the packages from npm into `benchmarks/peers`, those from PyPI into `.peers/python`.
"""

from __future__ import annotations

import copy
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from benchmarks import serving
from benchmarks.handwritten import CARD_ROUTE, PROFILE_ROUTE
from benchmarks.many import BY_VARIABLES, INLINE
from benchmarks.processes import ROOT
from benchmarks.scenarios import ONE_CALL, TWO_CALLS
from benchmarks.targets import GRAPHQL, Launch, Target, whole_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.scenarios import Question
    from benchmarks.targets import Start

NODE: Final = ROOT / "benchmarks" / "peers"
PYTHON_PACKAGES: Final = ROOT / ".peers" / "python" / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)

_SLOW: Final = 3
_CARD_ALONE: Final = {question.name: GRAPHQL for question in (ONE_CALL, BY_VARIABLES, INLINE)}


def _node_missing(name: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        if shutil.which("node") is None:
            return f"{name} is left out: there is no Node.js"
        if not (NODE / "node_modules").is_dir():
            return f"{name} is left out: its npm packages are not installed (make bench-peers)"
        return None

    return missing


def _node(name: str, script: str, path: str = GRAPHQL) -> Target:
    def launch(start: Start) -> Launch:
        return Launch(["node", str(NODE / script), start.base_url], {"NODE_ENV": "production"})

    return Target(name, launch, path, missing=_node_missing(name))


def _hive(start: Start) -> Launch:
    program = NODE / "node_modules" / ".bin" / "hive-gateway"
    command = [
        "node", str(program), "supergraph", str(NODE / "supergraph.graphql"),
        "--config-path", str(NODE / "gateway.config.mjs"),
        "--host", "127.0.0.1", "--port", str(start.port), "--fork", "1",
    ]  # fmt: skip
    return Launch(command, {"NODE_ENV": "production", "UPSTREAM": start.base_url}, announces=False)


def _python(name: str, paths: dict[str, str] | str, *, needs: str | None = None, times: int = 1) -> Target:
    def launch(start: Start) -> Launch:
        extra = {} if needs is None else {"PYTHONPATH": str(PYTHON_PACKAGES)}
        return Launch([sys.executable, "-m", "benchmarks.serving", name, start.base_url], extra)

    def missing() -> str | None:
        if needs is None or (PYTHON_PACKAGES / needs).is_dir():
            return None
        return f"{name} is left out: {needs} is not installed (make bench-peers)"

    return Target(name, launch, paths, missing=missing, times=times)


def _nginx(start: Start) -> Launch:
    text = (NODE / "nginx.conf").read_text(encoding="ascii")
    for name, value in (
        ("FOLDER", str(start.folder)),
        ("UPSTREAM_ADDRESS", urlsplit(start.base_url).netloc),
        ("PORT", str(start.port)),
    ):
        text = text.replace(name, value)
    path = start.folder / "nginx.conf"
    path.write_text(text, encoding="ascii")
    return Launch([_nginx_program() or "nginx", "-c", str(path)], announces=False)


def _nginx_program() -> str | None:
    # Debian keeps it where only root's PATH looks.
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


def _nginx_missing() -> str | None:
    return (
        None
        if _nginx_program()
        else "nginx is left out: it is not installed (on Debian: apt-get install nginx-light)"
    )


def _passed_on(question: Question, card_nos: list[str], answer: Any) -> bool:
    """The upstream's own answer."""
    del question
    return bool(answer["userId"] == int(card_nos[0]) and answer["response"]["code"] == "000_000")


def coded(question: Question, card_nos: list[str], answer: Any) -> bool:
    """The right answer but for coded values, which stay as the vendor has them, and numbers in place of digits."""
    mended = copy.deepcopy(answer)
    for card in mended["data"].values():
        card["cardNo"] = str(card["cardNo"])
        card["member"]["userId"] = str(card["member"]["userId"])
        receipt = card["cashReceiptInfo"]
        receipt["approvalDiv"] = {"0": "INCOME_DEDUCTION"}.get(receipt["approvalDiv"])
        receipt["manYn"] = {"1": "MANUAL"}.get(receipt["manYn"])
    return whole_answer(question, card_nos, mended)


NGINX: Final = Target(
    "nginx proxy_pass", _nginx, {ONE_CALL.name: GRAPHQL}, missing=_nginx_missing, is_right=_passed_on
)
MERCURIUS: Final = _node("Mercurius + JIT", "mercurius.mjs")
YOGA: Final = _node("Yoga + undici", "yoga.mjs")
APOLLO: Final = _node("Apollo Server + RESTDataSource", "apollo.mjs", "/")
HIVE: Final = Target(
    "Hive Gateway + Mesh", _hive, _CARD_ALONE, missing=_node_missing("Hive Gateway"), is_right=coded
)
RAW: Final = _python(serving.RAW, {ONE_CALL.name: GRAPHQL}, needs="aiohttp")
_ROUTES: Final = {ONE_CALL.name: CARD_ROUTE, TWO_CALLS.name: PROFILE_ROUTE}
STARLETTE_AIOHTTP: Final = _python(serving.STARLETTE_AIOHTTP, _ROUTES, needs="aiohttp")
STARLETTE_HTTPX: Final = _python(serving.STARLETTE_HTTPX, _ROUTES, times=_SLOW)
STRAWBERRY: Final = _python(serving.STRAWBERRY_HTTPX, GRAPHQL, times=_SLOW)
