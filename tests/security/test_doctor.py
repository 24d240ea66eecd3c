"""`konagraph doctor` names what is bad about an installation, one thing at a time, and nothing secret."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_cli_commands import invoke
from tests.security.jwks_server import unused_port
from tests.security.jwt_maker import ec_signer, key_set
from tests.settings_cases import PLAIN, PUBLIC_PEM
from tests.telemetry.collector import collector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.security.redis_server import RedisServer

SECRET = "a-secret-that-nobody-may-see-printed"


@contextmanager
def server(body: bytes = b"{}", ahead: float = 0) -> Iterator[str]:
    """An HTTP server with a clock of its own; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return formatdate((timestamp or time.time()) + ahead, usegmt=True)

        def log_message(self, *_words: Any) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def without_redis(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An installation that lacks nothing."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    secret.chmod(0o600)
    with (
        server() as konaplate,
        server(key_set(ec_signer())) as issuer,
        collector() as spans,
    ):
        yield {
            **PLAIN,
            "KONAPLATE_BASE_URL": f"{konaplate}/open-api",
            "KONAGRAPH_AUTH": "jwt",
            "KONAGRAPH_JWT_JWKS": f"{issuer}/keys",
            "KONAGRAPH_JWT_ISSUER": "issuer",
            "KONAGRAPH_JWT_AUDIENCE": "audience",
            "KONAGRAPH_CARD_REF_KEY_FILE": str(secret),
            "KONAGRAPH_OTEL_ENDPOINT": spans.endpoint,
        }


@pytest.fixture
def good(without_redis: dict[str, str], redis_server: RedisServer) -> dict[str, str]:
    """The same with a Redis."""
    return {**without_redis, "KONAGRAPH_REDIS_URL": redis_server.url}


def diagnosed(environment: dict[str, str]) -> dict[str, tuple[str, str]]:
    result = invoke("doctor", "--format", "json", **environment)
    assert result.stderr == ""
    assert SECRET not in result.stdout
    checks = json.loads(result.stdout)
    assert result.exit_code == any(check["verdict"] == "bad" for check in checks)
    return {check["what"]: (check["verdict"], check["advice"]) for check in checks if check["seen"]}


def bad(environment: dict[str, str]) -> list[str]:
    return [what for what, (verdict, advice) in diagnosed(environment).items() if verdict == "bad" and advice]


def test_an_installation_that_lacks_nothing_is_good_in_every_line(good: dict[str, str]) -> None:
    found = diagnosed(good)
    good_ones = {what for what, (verdict, _) in found.items() if verdict == "good"}
    assert good_ones == {
        "settings",
        "KONAGRAPH_CARD_REF_KEY_FILE",
        "Konaplate's name",
        "Konaplate",
        "clock",
        "issuer's name",
        "issuer's keys",
        "Redis",
        "collector's name",
        "collector",
    }
    assert "bad" not in {verdict for verdict, _ in found.values()}
    assert invoke("doctor", **good).stdout.count("good  ") == len(good_ones)


@pytest.mark.slow
def test_each_thing_that_is_bad_is_named_alone(without_redis: dict[str, str], tmp_path: Path) -> None:
    good = without_redis
    nobody = f"http://127.0.0.1:{unused_port()}"
    broken = {
        "Konaplate": {"KONAPLATE_BASE_URL": f"{nobody}/open-api"},
        "Konaplate's name": {"KONAPLATE_BASE_URL": "https://no-such-host.invalid/open-api"},
        "issuer's name": {"KONAGRAPH_JWT_JWKS": "https://no-such-host.invalid/keys"},
        "issuer's keys": {"KONAGRAPH_JWT_JWKS": f"{nobody}/keys"},
        "Redis": {
            "KONAGRAPH_REDIS_URL": f"redis://:{SECRET}@127.0.0.1:{unused_port()}?socket_connect_timeout=0.2"
        },
        "collector": {"KONAGRAPH_OTEL_ENDPOINT": nobody},
        "settings": {"KONAGRAPH_PORT": "x"},
    }
    for what, changes in broken.items():
        assert bad({**good, **changes}) == [what]
    with server(b"not keys") as issuer:
        assert bad({**good, "KONAGRAPH_JWT_JWKS": issuer}) == ["issuer's keys"]
    for ahead in (-90, 90):
        with server(ahead=ahead) as konaplate:
            assert bad({**good, "KONAPLATE_BASE_URL": f"{konaplate}/open-api"}) == ["clock"]
    with collector(status=503) as away:
        assert bad({**good, "KONAGRAPH_OTEL_ENDPOINT": away.endpoint}) == ["collector"]
    for mode in (0o644, 0o602):
        (tmp_path / "secret").chmod(mode)
        assert bad(good) == ["KONAGRAPH_CARD_REF_KEY_FILE"]
        # Spaces around a path are no part of it for the gateway either.
        assert bad({**good, "KONAGRAPH_CARD_REF_KEY_FILE": f" {tmp_path / 'secret'} "}) == [
            "KONAGRAPH_CARD_REF_KEY_FILE"
        ]


def test_what_everybody_may_read_is_good_unless_everybody_may_write_it(
    without_redis: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text(PUBLIC_PEM)
    for mode, public, secret in ((0o644, False, True), (0o666, True, True), (0o600, False, False)):
        file.chmod(mode)
        for name, expected in (
            ("KONAPLATE_SERVER_PUBLIC_KEY", public),
            ("KONAPLATE_SERVER_PUBLIC_KEY_2_FILE", public),
            ("KONAPLATE_CLIENT_PRIVATE_KEY_FILE", secret),
            # It holds the key, too, as no other file is named for it.
            ("KONAPLATE_CLIENT_CERTIFICATE", secret),
        ):
            assert (name in bad({**without_redis, name: str(file)})) is expected, (name, mode)
        with_key = {"KONAPLATE_CLIENT_CERTIFICATE": str(file), "KONAPLATE_CLIENT_CERTIFICATE_KEY": "/nowhere"}
        assert "KONAPLATE_CLIENT_CERTIFICATE" not in bad({**without_redis, **with_key})


def test_a_bad_setting_is_explained_and_what_it_keeps_from_being_checked_is_told(
    without_redis: dict[str, str], tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.touch(0o600)
    text = invoke(
        "doctor", **{**without_redis, "KONAGRAPH_ID_KEY_FILE": str(empty), "KONAPLATE_TIMEOUT": "9"}
    ).stdout
    assert (
        "settings: KONAGRAPH_ID_KEY_FILE names an empty file\n         -> KONAGRAPH_ID_KEY: key of the ids" in text
    )
    assert "warning  settings: KONAPLATE_TIMEOUT is above KONAGRAPH_REQUEST_TIMEOUT" in text
    assert "warning  not checked: the clock, name resolution, and the connections to Konaplate" in text
    assert "not checked" not in invoke("doctor", **without_redis).stdout


def test_what_servers_do_is_told_in_words(without_redis: dict[str, str], redis_server: RedisServer) -> None:
    port = unused_port()
    wrong = redis_server.url_of("nobody", SECRET)
    for changes, told in (
        (
            {"KONAGRAPH_JWT_JWKS": f"http://127.0.0.1:{port}/k"},
            "issuer's keys: the key set's address refuses conn",
        ),
        ({"KONAGRAPH_REDIS_URL": f"redis://127.0.0.1:{port}"}, "Redis: refuses connections"),
        ({"KONAGRAPH_REDIS_URL": wrong}, "Redis: does not accept the user and password"),
    ):
        text = invoke("doctor", **{**without_redis, **changes}).stdout
        assert told in text
        assert SECRET not in text
    with server(b"not keys") as issuer:
        text = invoke("doctor", **{**without_redis, "KONAGRAPH_JWT_JWKS": issuer}).stdout
    assert "issuer's keys: the key set is not JSON" in text


def test_a_name_that_is_no_setting_is_a_warning(without_redis: dict[str, str]) -> None:
    found = invoke("doctor", **without_redis, KONAGRAPH_PROT="1")
    assert found.exit_code == 0
    assert "warning  settings: KONAGRAPH_PROT is not a setting; did you mean KONAGRAPH_PORT?" in found.stdout


def test_a_konaplate_whose_answer_never_ends_is_reached_all_the_same(good: dict[str, str]) -> None:
    ended = threading.Event()

    class Drip(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            with suppress(OSError):
                while not ended.wait(0.1):
                    self.wfile.write(b"x")

        def log_message(self, *_words: Any) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Drip) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        began = time.monotonic()
        result = invoke(
            "doctor", **{**good, "KONAPLATE_BASE_URL": f"http://127.0.0.1:{running.server_port}/open-api"}
        )
        took = time.monotonic() - began
        ended.set()
        running.shutdown()
        thread.join()
    assert "Konaplate: answers (HTTP 200)" in result.stdout
    assert took < 5


def test_a_server_that_speaks_no_tls_is_told_from_one_that_refuses(good: dict[str, str]) -> None:
    with server() as konaplate:
        result = invoke("doctor", **{**good, "KONAPLATE_BASE_URL": konaplate.replace("http:", "https:")})
    assert "Konaplate: fails in the TLS handshake" in result.stdout


def test_a_server_that_closes_the_connection_is_told_in_words(good: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def close() -> None:
            listening.accept()[0].close()

        thread = threading.Thread(target=close)
        thread.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        result = invoke("doctor", **{**good, "KONAPLATE_BASE_URL": address})
        thread.join()
    assert "Konaplate: closes the connection, or does not speak HTTP" in result.stdout
