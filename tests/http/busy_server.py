"""A server that refuses operations, and a request to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.http.overload import Overload, OverloadHooks
from graph.resilience.admission import Admission
from tests.http.live_server import Live, Probe

if TYPE_CHECKING:
    from graph.http.report import RequestReport

BODY = b'{"query": "{ __typename }"}'


class Busy:
    """A server whose operations may be refused."""

    def __init__(self) -> None:
        self.reports: list[RequestReport] = []
        self.admission = Admission(1)
        hooks = OverloadHooks(self.reports.append)
        overload = Overload(self.admission, path="/graphql", hooks=hooks, clock=lambda: 0.0)
        self.probe = Probe()
        self.live = Live(self.probe, overload=overload)

    def fill(self) -> None:
        """Take the only place."""
        self.admission.running = 1


def post(*fields: bytes, body: bytes = BODY, target: bytes = b"/graphql", method: bytes = b"POST") -> bytes:
    """A whole request."""
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([method + b" " + target + b" HTTP/1.1", b"Host: gateway", length, *fields, b"", body])
