"""Prints a line for each alert that Alertmanager sends, and notifies nobody: `alert_log.py PORT`.

Needs only Python. The compose file uses it until another receiver is configured.
"""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MOST = 1024 * 1024
"""Maximum bytes of a message. Alertmanager's are a few thousand bytes."""


class Handler(BaseHTTPRequestHandler):
    """Receives Alertmanager's webhook messages (version 4)."""

    timeout = 10

    def do_POST(self) -> None:
        """Print the alerts of a message."""
        try:
            for text in lines(self.rfile.read(self._length()), self.path):
                print(text, flush=True)  # noqa: T201 - its purpose
        except (ValueError, KeyError, TypeError, AttributeError):
            self._answer(HTTPStatus.BAD_REQUEST)
        else:
            self._answer(HTTPStatus.OK)

    def do_GET(self) -> None:
        """Answer health checks."""
        self._answer(HTTPStatus.OK)

    def log_message(self, *_: object) -> None:
        """Do not log requests: only alerts are printed."""

    def _length(self) -> int:
        length = int(self.headers.get("Content-Length", ""))
        if not 0 <= length <= MOST:
            raise ValueError
        return length

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def lines(message: bytes, path: str) -> list[str]:
    """A line of JSON for each alert of a message."""
    return [
        json.dumps(
            {
                "event": "alert",
                "receiver": path.strip("/"),
                "status": alert["status"],
                "severity": alert["labels"].get("severity"),
                "alert": alert["labels"]["alertname"],
                "summary": alert["annotations"].get("summary"),
                "runbook": alert["annotations"].get("runbook"),
                "since": alert["startsAt"],
            }
        )
        for alert in json.loads(message)["alerts"]
    ]


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler).serve_forever()
