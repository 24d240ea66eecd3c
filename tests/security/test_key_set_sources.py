"""The sources of key sets: a URL, well-behaved or not, and a file."""

from __future__ import annotations

import gzip
import socket
from typing import TYPE_CHECKING

import pytest

from graph.config.settings import SettingsError
from graph.security.jwks import MAX_BYTES, BadKeySetError
from graph.wiring.security import key_set_at, read_key_files
from tests.security.jwks_server import answer, key_server, unused_port
from tests.security.jwt_gateway import assert_accepted, assert_refused, jwt_settings
from tests.security.jwt_gateway import guarded as gateway_with
from tests.security.jwt_maker import ec_signer, key_set
from tests.support import sandbox_settings
from tests.telemetry.capture import events, logs_as

if TYPE_CHECKING:
    from pathlib import Path

    from tests.security.jwt_gateway import Guarded

SIGNER = ec_signer()
KEYS = key_set(SIGNER)
UNKNOWN = "the token's key is unknown"


async def assert_overloaded(running: Guarded) -> None:
    """The response while no keys are available: retry later, and no reason."""
    answered = await running.bearer(SIGNER.token())
    assert (answered.status_code, answered.headers.get("retry-after")) == (503, "1")
    assert "www-authenticate" not in answered.headers
    extensions = {
        "code": "OVERLOADED",
        "retryable": True,
        "requestId": answered.headers["x-request-id"],
        "retryAfterMs": 1000,
    }
    assert {
        "errors": [{"message": "The gateway cannot answer right now.", "extensions": extensions}]
    } == answered.json()
    assert running.calls == 0


async def test_the_set_is_asked_for_once_in_plain_and_before_the_first_request(tmp_path: Path) -> None:
    async with key_server(answer(KEYS)) as server, gateway_with(tmp_path, **jwt_settings(server.url)) as running:
        assert len(server.requests) == 1
        for _ in range(3):
            assert_accepted(await running.bearer(SIGNER.token()))
        (request,) = server.requests
    assert request.startswith(b"GET /keys HTTP/1.1\r\n")
    assert b"accept-encoding: identity\r\n" in request.lower()
    assert b"authorization" not in request.lower()


async def test_a_source_that_is_down_at_the_start_does_not_stop_the_gateway(tmp_path: Path) -> None:
    free_port = unused_port()
    url = f"http://127.0.0.1:{free_port}/keys"
    with logs_as() as stream:
        async with gateway_with(tmp_path, **jwt_settings(url)) as running:
            await assert_overloaded(running)
            # Without keys, no token is accepted, but a malformed one is still refused.
            assert_refused(await running.bearer("x"), running, "the token does not have three parts")
    failures = [event for event in events(stream) if event["event"] == "verification keys cannot be loaded"]
    assert [(event["level"], event["reason"]) for event in failures] == [
        ("error", "the key set's address refuses connections, or cannot be reached")
    ]
    assert f":{free_port}" not in stream.getvalue()


NOT_HTTP = "the key set's address closes the connection, or does not speak HTTP"
BAD_ANSWERS = {
    "an error": (answer(KEYS, "500 Internal Server Error"), "the key set's address does not answer 200"),
    "not found": (answer(KEYS, "404 Not Found"), "the key set's address does not answer 200"),
    "no content": (answer(b"", "204 No Content"), "the key set's address does not answer 200"),
    "partial": (answer(KEYS, "206 Partial Content"), "the key set's address does not answer 200"),
    "html": (answer(b"<html>c4n4ry</html>", "200 OK", "Content-Type: text/html"), "the key set is not JSON"),
    "gzip": (answer(gzip.compress(KEYS), "200 OK", "Content-Encoding: gzip"), "the key set is not JSON"),
    "empty": (answer(b""), "the key set is not JSON"),
    "short": (answer(KEYS)[:-20], NOT_HTTP),
    "garbage": (b"c4n4ry\r\n\r\n", NOT_HTTP),
    "nothing": (b"", NOT_HTTP),
    "no keys": (answer(key_set()), "the key set holds no usable key"),
}


@pytest.mark.parametrize(("reply", "reason"), BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_a_bad_answer_gives_no_keys_and_is_logged_in_our_own_words(
    reply: bytes, reason: str, tmp_path: Path
) -> None:
    with logs_as() as stream:
        async with (
            key_server(reply) as server,
            gateway_with(tmp_path, **jwt_settings(server.url)) as running,
        ):
            await assert_overloaded(running)
    assert [reason] == [
        event["reason"] for event in events(stream) if event["event"] == "verification keys cannot be loaded"
    ]
    assert "c4n4ry" not in stream.getvalue()


async def test_a_redirect_is_not_followed() -> None:
    async with key_server(answer(KEYS)) as other:
        moved = answer(b"", "302 Found", f"Location: {other.url}")
        async with key_server(moved) as server:
            with pytest.raises(BadKeySetError, match="does not answer 200"):
                await key_set_at(server.url)()
            assert len(server.requests) == 1
        assert other.requests == []


async def test_no_more_than_the_largest_set_is_read() -> None:
    huge = 50_000_000
    async with key_server(answer(KEYS + b" " * huge)) as server:
        content = await key_set_at(server.url)()
        # What is on its way between two sockets may be lost, but not the most of it.
        assert server.sent < huge / 2
    assert MAX_BYTES < len(content) <= 2 * MAX_BYTES


async def test_an_answer_that_drips_is_given_up_in_time() -> None:
    async with key_server(answer(KEYS + b" " * 10_000)) as server:
        server.drip = True
        with pytest.raises(BadKeySetError, match="does not answer in time"):
            await key_set_at(server.url, timeout=0.1)()


async def test_a_source_that_never_answers_is_given_up_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(BadKeySetError, match="does not answer in time"):
            await key_set_at(f"http://127.0.0.1:{silent.getsockname()[1]}/keys", timeout=0.1)()


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with key_server(answer(b"from the proxy")) as proxy, key_server(answer(KEYS)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)

        assert await key_set_at(server.url)() == KEYS
        assert proxy.requests == []


async def test_a_set_in_a_file_is_read_and_a_missing_file_is_no_reason_to_stop(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(KEYS)
    async with gateway_with(tmp_path, **jwt_settings(file)) as running:
        assert_accepted(await running.bearer(SIGNER.token()))
    file.unlink()
    async with gateway_with(tmp_path, **jwt_settings(file)) as running:
        await assert_overloaded(running)


@pytest.mark.parametrize("scheme", ["HTTP", "Http"])
async def test_the_scheme_of_an_address_may_be_written_in_any_case(scheme: str, tmp_path: Path) -> None:
    async with key_server(answer(KEYS)) as server:
        source = server.url.replace("http", scheme)
        async with gateway_with(tmp_path, **jwt_settings(source)) as running:
            assert_accepted(await running.bearer(SIGNER.token()))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "KONAGRAPH_JWT_JWKS names a file that cannot be read: {file}: No such file or directory"),
        (b"c4n4ry", "KONAGRAPH_JWT_JWKS: the key set is not JSON"),
        (b"{}", "KONAGRAPH_JWT_JWKS: the key set has no keys"),
        (key_set({"kid": "c4n4ry"}), "KONAGRAPH_JWT_JWKS: the key set holds no usable key"),
        (
            KEYS.ljust(5_000_000),
            "KONAGRAPH_JWT_JWKS names a file that cannot be read: {file}: it is larger than 262144 bytes",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_file_is_found_before_the_start(content: bytes | None, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError) as caught:
        read_key_files(sandbox_settings(**jwt_settings(file)))
    assert [problem.format(file=file)] == caught.value.problems


def test_a_good_file_passes_the_check_and_an_address_is_not_asked(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(KEYS)

    read_key_files(sandbox_settings(**jwt_settings(file)))
    read_key_files(sandbox_settings(**jwt_settings("http://127.0.0.1:1/keys")))


async def test_a_key_that_is_new_at_the_source_is_not_asked_for_within_thirty_seconds(tmp_path: Path) -> None:
    other = ec_signer("other", index=1)
    async with key_server(answer(KEYS)) as server, gateway_with(tmp_path, **jwt_settings(server.url)) as running:
        server.reply = answer(key_set(other))
        for index in range(50):
            answered = await running.bearer(ec_signer(f"invented-{index}").token())
            assert_refused(answered, running, UNKNOWN)
        assert_refused(await running.bearer(other.token()), running, UNKNOWN)
        assert len(server.requests) == 1
