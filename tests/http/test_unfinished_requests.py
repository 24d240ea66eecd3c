"""Requests that end before they are complete, or with an unexpected error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from graph.app import create_app
from tests.support import Recorder, sandbox_settings

if TYPE_CHECKING:
    from starlette.types import Message, Receive

    from tests.telemetry.capture import Unredacted

SCOPE: dict[str, Any] = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/graphql",
    "raw_path": b"/graphql",
    "root_path": "",
    "query_string": b"",
    "headers": [(b"host", b"gateway"), (b"content-type", b"application/json")],
    "client": ("127.0.0.1", 50_000),
    "server": ("127.0.0.1", 80),
}


async def send(receive: Receive) -> list[Message]:
    """What the gateway sends in response to a request whose body comes from `receive`."""
    sent: list[Message] = []

    async def collect(message: Message) -> None:
        sent.append(message)

    await create_app(sandbox_settings(), transport=Recorder())(dict(SCOPE), receive, collect)
    return sent


async def test_a_client_that_leaves_within_its_body_gets_no_answer_and_is_noted(
    logged: Unredacted,
) -> None:
    parts: list[Message] = [
        {"type": "http.request", "body": b'{"query": "{ __ty', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return parts.pop(0)

    assert await send(receive) == []
    (event,) = logged.events
    assert (event["event"], event["status"], event["log_level"]) == ("request", 499, "info")


async def test_an_unexpected_error_is_answered_without_internals(logged: Unredacted) -> None:
    async def receive() -> Message:
        raise RuntimeError("canary 9491339400000013")

    start, body = await send(receive)
    assert start["status"] == 500
    (error,) = json.loads(body["body"])["errors"]
    assert (error["extensions"]["code"], error["extensions"]["retryable"]) == ("INTERNAL_SERVER_ERROR", False)
    assert dict(start["headers"])[b"cache-control"] == b"private, no-store"
    assert "canary" not in str(body) + logged.text
    assert "9491339400000013" not in str(body) + logged.text
    assert "RuntimeError" in logged.text
