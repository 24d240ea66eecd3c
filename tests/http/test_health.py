"""The admin port: liveness, readiness with its reasons, and metrics."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.responses import Response

from graph.app import create_app
from graph.http.front import Front
from graph.http.health import Health, admin_app
from graph.konaplate.endpoints import ENDPOINTS
from tests.support import Recorder, sandbox_settings

if TYPE_CHECKING:
    from pathlib import Path

    from graph.http.health import KeyState

NUMBERS = "text/plain; version=0.0.4; charset=utf-8"


async def ask(health: Health, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    app = Front(admin_app(health, lambda: Response("some_total 1.0\n", media_type=NUMBERS)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        return await client.request(method, f"http://admin{path}", headers=headers)


def started(keys: KeyState = "none") -> Health:
    health = Health(lambda: keys)
    health.started = True
    return health


@pytest.mark.parametrize("keys", ["none", "loaded", "stale"])
async def test_a_started_gateway_whose_keys_are_there_is_ready(keys: KeyState) -> None:
    answer = await ask(started(keys), "/readyz")

    assert (
        200,
        {"ready": True, "state": "started", "keys": keys, "breakers": {}, "budgets": "local", "audit": "written"},
    ) == (
        answer.status_code,
        answer.json(),
    )
    assert (
        answer.headers["content-type"],
        answer.headers["cache-control"],
    ) == ("application/json; charset=utf-8", "private, no-store")


async def test_a_gateway_that_has_not_started_is_not_ready() -> None:
    answer = await ask(Health(), "/readyz")

    assert (answer.status_code, answer.json()["ready"], answer.json()["state"]) == (503, False, "starting")


async def test_a_gateway_without_the_keys_of_tokens_is_not_ready() -> None:
    answer = await ask(started("missing"), "/readyz")

    assert (answer.status_code, answer.json()["ready"], answer.json()["keys"]) == (503, False, "missing")


async def test_a_gateway_that_drains_is_not_ready_but_alive() -> None:
    health = started()
    health.drain()

    answer = await ask(health, "/readyz")
    assert (answer.status_code, answer.json()["ready"], answer.json()["state"]) == (503, False, "draining")
    assert (await ask(health, "/livez")).status_code == 200


async def test_open_breakers_are_shown_and_no_reason_to_send_nobody_here() -> None:
    health = Health(breakers=lambda: {"/api/v1/user/card/info": "open"})
    health.started = True

    answer = await ask(health, "/readyz")
    assert (answer.status_code, answer.json()["breakers"]) == (200, {"/api/v1/user/card/info": "open"})


async def test_a_redis_that_does_not_answer_is_shown_and_no_reason_to_send_nobody_here() -> None:
    health = Health(budgets=lambda: "fallback")
    health.started = True

    answer = await ask(health, "/readyz")
    assert (answer.status_code, answer.json()["budgets"]) == (200, "fallback")


async def test_metrics_are_served_as_they_are() -> None:
    answer = await ask(started(), "/metrics")

    assert (
        answer.status_code,
        answer.headers["content-type"],
        answer.text,
    ) == (200, NUMBERS, "some_total 1.0\n")


@pytest.mark.parametrize("path", ["/metrics/", "/", "/graphql", "/readyz/", "/c4n4ry"])
async def test_an_unknown_path_is_404_and_not_repeated(path: str) -> None:
    answer = await ask(started(), path)

    assert (answer.status_code, answer.text) == (404, "This port answers /livez, /readyz and /metrics.\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_nothing_can_be_sent_to_it(method: str) -> None:
    answer = await ask(started(), "/readyz", method=method)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_a_page_of_another_origin_learns_nothing() -> None:
    answer = await ask(started(), "/metrics", **{"sec-fetch-site": "cross-site"})

    assert answer.status_code == 403
    assert "some_total" not in answer.text


async def test_the_app_itself_knows_its_state_from_its_start_to_its_end() -> None:
    app = create_app(sandbox_settings(), transport=Recorder())
    health: Health = app.state.health

    before = health.ready
    async with app.router.lifespan_context(app):
        within, breakers = health.ready, health.report()["breakers"]
    assert (before, within, health.ready) == (False, True, False)
    assert breakers == {endpoint.path: "closed" for endpoint in ENDPOINTS}


async def test_the_app_itself_knows_whether_its_redis_answers(tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    digest = hashlib.sha256(b"key").hexdigest()
    keys.write_text(f'[[keys]]\nname = "a"\nsha256 = "{digest}"', encoding="utf-8")
    settings = sandbox_settings(
        KONAGRAPH_AUTH="api-key",
        KONAGRAPH_API_KEYS=keys,
        KONAGRAPH_REDIS_URL="unix:///nowhere/redis.sock",
        KONAGRAPH_CARD_REF_KEY="k" * 32,
    )
    app = create_app(settings, transport=Recorder())
    health: Health = app.state.health
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client,
    ):
        before = health.report()["budgets"]
        answer = await client.post("/graphql", json={"query": "{ __typename }"}, headers={"x-api-key": "key"})
        assert answer.status_code == 200
        assert (before, health.report()["budgets"], health.ready) == ("shared", "fallback", True)
