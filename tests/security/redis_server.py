"""A real redis-server on a Unix socket, without persistence, which can be killed, frozen and restarted."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis

from tests.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

# The words before it and after it depend on the version.
_READY = b"eady to accept connections"
_PATIENCE = 20.0


class RedisServer:
    """One server; its socket is in a folder with a short name, because such paths have a bound.

    Args:
        folder: where its socket is.
        configuration: a file with its other options.
    """

    def __init__(self, folder: Path, *configuration: str) -> None:
        self._socket = folder / "redis.sock"
        self._configuration = configuration
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address, with the product's own time limits."""
        return f"unix://{self._socket}"

    def url_with_timeout(self, seconds: float) -> str:
        """The address, with time limits of a test's own."""
        return f"{self.url}?socket_timeout={seconds}&socket_connect_timeout={seconds}"

    @property
    def patient_url(self) -> str:
        """The address, with time limits that no test reaches, not even on a machine under load."""
        return self.url_with_timeout(_PATIENCE)

    def url_of(self, user: str, password: str) -> str:
        """The patient address for a user of the access control list."""
        return f"{self.patient_url}&username={user}&password={password}"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            ["redis-server", *self._configuration, *options, "--dir", str(self._socket.parent)],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        # A silent server is killed, which ends its output.
        watch = threading.Timer(_PATIENCE, self._process.kill)
        watch.start()
        try:
            assert any(_READY in line for line in self._process.stdout), "redis-server does not start"
        finally:
            watch.cancel()

    def kill(self) -> None:
        """End the server at once, as a crash does."""
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze the server: it accepts connections and stays silent."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def admin(self) -> Iterator[redis.Redis]:
        """A client that may do everything."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            yield client

    def ask(self, *command: str | int) -> Any:
        """What the server answers to one command."""
        with self.admin() as client:
            return client.execute_command(*command)  # type: ignore[no-untyped-call]  # redis-py's own gap

    def contents(self) -> str:
        """Every key with its value."""
        commands: dict[str, tuple[Any, ...]] = {
            "string": ("GET",),
            "hash": ("HGETALL",),
            "zset": ("ZRANGE", 0, -1),
        }
        found = []
        for key in self.ask("KEYS", "*"):
            name, *arguments = commands[self.ask("TYPE", key)]
            found.append(f"{key}: {self.ask(name, key, *arguments)}")
        return "\n".join(found)


@contextmanager
def redis_server_running(*configuration: str) -> Iterator[RedisServer]:
    """A new server, with a file of options if one is named."""
    require_tool(
        "redis-server",
        present=shutil.which("redis-server") is not None,
        how="install Debian's redis-server",
    )
    with tempfile.TemporaryDirectory(prefix="kg-") as folder:
        server = RedisServer(Path(folder), *configuration)
        try:
            server.start()
            yield server
        finally:
            server.kill()
