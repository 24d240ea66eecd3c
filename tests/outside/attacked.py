"""A gateway process under attack, and its log."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx

from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS, MEMBERS
from tests.conftest import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE: Final = 30.0
_ANSWERS_ON: Final = "konagraph answers on "
_SIXTEEN_DIGITS: Final = re.compile(r"\d{4}[ ._-]?\d{4}[ ._-]?\d{4}[ ._-]?\d{4}")
# A correlation id: twelve digits of time, a dash and seven hexadecimal digits; and the hash of a document. Both
# may look like card numbers.
_OWN: Final = re.compile(r'"correlation_id":"[0-9]{12}-[0-9a-f]{7}"|"(?:document|sha256)":"[0-9a-f]{64}"')
_PERSONAL: Final = ("ci", "userName", "mobileNumber", "email", "loginId")

SECRETS: Final = frozenset(
    {
        *CARDS,
        *FAULTS,
        *(str(member[name]) for member in MEMBERS.values() for name in _PERSONAL),
        *(card.fields["cashReceiptInfo"]["idNo"] for card in CARDS.values() if "cashReceiptInfo" in card.fields),
    }
)
"""What the sandbox holds and no log may."""


class Attacked:
    """A running gateway whose log is kept.

    Args:
        process: the gateway.
        url: its endpoint.
        log: the file of its standard error.
    """

    def __init__(self, process: subprocess.Popen[str], url: str, log: Path) -> None:
        self._process = process
        self._log = log
        self._read = 0
        self.url = url
        self.port = urlsplit(url).port or 0

    def lines(self) -> list[dict[str, Any]]:
        """The log since `forget`; each line must be JSON, which a traceback is not."""
        return [json.loads(line) for line in self._text().splitlines()]

    def forget(self) -> None:
        """Ignore the log up to now."""
        self._read = self._log.stat().st_size

    def settle(self) -> None:
        """Wait until the gateway answers and everything before is logged."""
        mark = f"settled.{uuid.uuid4().hex.translate(str.maketrans('0123456789', 'ghijklmnop'))}"
        answer = httpx.post(
            self.url, json={"query": "{__typename}"}, headers={"x-request-id": mark}, timeout=PATIENCE
        )
        assert answer.json() == {"data": {"__typename": "Query"}}
        deadline = time.monotonic() + PATIENCE
        while mark not in self._text():
            assert time.monotonic() < deadline, "a request was never logged"
            time.sleep(0.005)

    def assert_unharmed(self) -> None:
        """Assert that it still answers, without an unexpected exception and without a secret in the log."""
        self.settle()
        assert self._process.poll() is None
        text = self._text()
        assert [line for line in self.lines() if line["level"] in ("error", "critical")] == []
        assert "unexpected exception" not in text
        assert _SIXTEEN_DIGITS.findall(_OWN.sub("", text)) == []
        assert [secret for secret in SECRETS if secret in text] == []

    def memory(self) -> int:
        """Its resident memory in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0]) // 1024

    def open_files(self) -> int:
        """The number of its open file descriptors."""
        return len(list(Path(f"/proc/{self._process.pid}/fd").iterdir()))

    def _text(self) -> str:
        with self._log.open("rb") as file:
            file.seek(self._read)
            content = file.read().decode("utf-8")
        # The last line may not be complete yet.
        return content[: content.rfind("\n") + 1]


@contextmanager
def attacked(folder: Path, **settings: str) -> Iterator[Attacked]:
    """Start a gateway with its sandbox and full logging."""
    log = folder / "gateway.log"
    environment = {
        **clean_environment(),
        "KONAGRAPH_LOG_FORMAT": "json",
        "KONAGRAPH_LOG_LEVEL": "debug",
        **settings,
    }
    with (
        log.open("wb") as error_output,
        subprocess.Popen(
            [sys.executable, "-m", "graph", "dev", "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=error_output,
            text=True,
            env=environment,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            url = next(
                line.removeprefix(_ANSWERS_ON).split(" ")[0]
                for line in process.stdout
                if line.startswith(_ANSWERS_ON)
            )
            yield Attacked(process, url, log)
        finally:
            process.terminate()
            process.stdout.read()
            assert process.wait(PATIENCE) == 0
