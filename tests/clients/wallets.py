"""The wallets of examples/, and a gateway in production that accepts nothing but their documents."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from graph.app import create_app
from tests.conftest import clean_environment
from tests.security.jwt_gateway import jwt_settings
from tests.security.jwt_maker import claims, ec_signer, key_set
from tests.server.live_server import serving
from tests.support import sandbox_settings, sandbox_transport
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

WEB: Final = ROOT / "examples" / "wallet-web"
MOBILE: Final = ROOT / "examples" / "wallet-mobile"
_PATIENCE: Final = 60


def npm(wallet: Path, *arguments: str, **environment: str) -> str:
    """Run npm in a wallet's folder to completion; returns its output."""
    ran = subprocess.run(
        _npm(wallet, arguments),
        cwd=wallet, env={**clean_environment(), **environment},
        capture_output=True, text=True, timeout=_PATIENCE, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, f"{ran.stdout} {ran.stderr}"
    return ran.stdout


@contextmanager
def web(port: int, *arguments: str, gateway: str) -> Iterator[str]:
    """Serve the web wallet by npm with these arguments; its address."""
    with subprocess.Popen(
        _npm(WEB, (*arguments, "--port", str(port), "--strictPort")),
        cwd=WEB, env={**clean_environment(), "KONAGRAPH_URL": gateway, "NO_COLOR": "1"},
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        try:
            assert any("Local:" in line for line in process.stdout)
            yield f"http://127.0.0.1:{port}/"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.stdout.read()


def _npm(wallet: Path, arguments: tuple[str, ...]) -> list[str]:
    program = shutil.which("npm")
    require_tool("npm", present=program is not None, how="install Node 20 or newer")
    present = (wallet / "node_modules").is_dir()
    require_tool(f"npm packages of {wallet.name}", present=present, how="`make test` installs them")
    return [program or "npm", *arguments]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


class Asked:
    """A gateway, and the bodies of the requests that it was sent, with their times."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.url = ""
        self.bodies: list[dict[str, Any]] = []
        self.times: list[float] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""

        async def heard() -> Message:
            nonlocal body
            message = await receive()
            body += message.get("body", b"")
            if message["type"] == "http.request" and not message.get("more_body"):
                self.bodies.append(json.loads(body))
                self.times.append(time.monotonic())
            return message

        await self._app(scope, heard, send)


@contextmanager
def in_production(folder: Path, manifest: Path, client: str) -> Iterator[Asked]:
    """A gateway that demands tokens and the documents of a manifest, under the client's name."""
    documents = folder / "documents"
    documents.mkdir()
    shutil.copy(manifest, documents / f"{client}.json")
    keys = folder / "jwks.json"
    keys.write_bytes(key_set(ec_signer()))
    settings = sandbox_settings(
        KONAGRAPH_ENV="production",
        KONAPLATE_BASE_URL="https://konaplate.example/open-api",
        KONAGRAPH_ID_KEY="i" * 32,
        KONAGRAPH_CARD_REF_KEY="r" * 32,
        KONAGRAPH_AUDIT_KEY="a" * 32,
        KONAGRAPH_DOCUMENTS=documents,
        KONAGRAPH_DOCUMENTS_MODE="enforce",
        **jwt_settings(keys),
    )
    asked = Asked(create_app(settings, transport=sandbox_transport()))
    with serving(asked) as live:
        asked.url = f"http://127.0.0.1:{live.port}"
        yield asked


def token(member: int, **changes: object) -> str:
    """A token of a member without any scope."""
    return ec_signer().token(claims(konaplate_user_id=str(member), scope=None, **changes))
