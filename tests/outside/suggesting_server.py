"""A server with our schema that suggests names. It proves that the probes work."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from graphql import NoSchemaIntrospectionCustomRule, build_schema, parse, specified_rules, validate

from tests.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = build_schema((ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8"))
RULES = (*specified_rules, NoSchemaIntrospectionCustomRule)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Validate a document like graphql-core by default."""
        query = json.loads(self.rfile.read(int(self.headers["content-length"])))["query"]
        errors = validate(SCHEMA, parse(query), RULES)
        answer = {"errors": [error.formatted for error in errors]} if errors else {"data": {"__typename": "Query"}}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Do not log."""


@contextmanager
def suggesting_server() -> Iterator[str]:
    """Serve in a thread; the endpoint's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/graphql"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
