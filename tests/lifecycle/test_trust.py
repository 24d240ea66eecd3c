"""The certificates that a real process trusts, and what it tells of its connections."""

from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.cli.processes import command
from tests.lifecycle.clients import client, until
from tests.lifecycle.upstreams import held_upstream, settings
from tests.security.jwt_gateway import jwt_settings
from tests.security.jwt_maker import ec_signer, key_set

if TYPE_CHECKING:
    from pathlib import Path

    import trustme


async def test_a_key_set_by_tls_needs_a_certificate_of_the_systems_and_no_session_key_is_written(
    authority: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    class KeySet(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(key_set(ec_signer()))

        def log_message(self, *_words: Any) -> None:
            """Stay silent."""

    session_keys = tmp_path / "keys"
    trusted = {"SSL_CERT_FILE": str(bundle), "SSLKEYLOGFILE": str(session_keys)}
    with ThreadingHTTPServer(("127.0.0.1", 0), KeySet) as server:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(tls)
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        keys = {
            name: str(value) for name, value in jwt_settings(f"https://127.0.0.1:{server.server_port}").items()
        }
        async with (
            held_upstream() as upstream,
            command("serve", "--port", "0", **settings(upstream, **keys), **trusted) as gateway,
            client() as probe,
        ):
            admin = await gateway.line("admin port: ")
            ready = await until(probe, f"{admin}/readyz", lambda said: said.json()["keys"] == "loaded")
        server.shutdown()
        thread.join()

    assert ready.status_code == 200
    assert not session_keys.exists()
