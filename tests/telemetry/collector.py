"""An OpenTelemetry collector: a local HTTP server that accepts OTLP, or does not."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """What has arrived."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.endpoint = ""
        self.requests: list[tuple[str, dict[str, str], ExportTraceServiceRequest]] = []
        self.arrived = threading.Event()

    @property
    def spans(self) -> list[Span]:
        """Every span."""
        return [
            span
            for _, _, request in self.requests
            for of_resource in request.resource_spans
            for of_scope in of_resource.scope_spans
            for span in of_scope.spans
        ]


@contextmanager
def collector(status: int = 200) -> Iterator[Collector]:
    """A collector that answers with this status."""
    found = Collector(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.requests.append((self.path, dict(self.headers), ExportTraceServiceRequest.FromString(body)))
            self.send_response(found.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            found.arrived.set()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent_collector() -> Iterator[tuple[str, threading.Event]]:
    """The address of a collector that accepts connections and never answers, and an event for the first."""
    came, ended = threading.Event(), threading.Event()
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.02)

        def accept() -> None:
            while not ended.is_set():
                try:
                    kept.append(listener.accept()[0])
                except TimeoutError:
                    continue
                came.set()

        thread = threading.Thread(target=accept, name="accept")
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", came
        finally:
            ended.set()
            thread.join()
            for connection in kept:
                connection.close()


def dead_endpoint() -> str:
    """An address without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"
