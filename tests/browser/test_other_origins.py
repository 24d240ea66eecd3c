"""A page of another origin in a real browser: what it can request and read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from graph.app import create_app
from tests.browser.explorer_page import SECONDS
from tests.server.live_server import serving
from tests.support import sandbox_settings, sandbox_transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Like a page: send a request, and report what it learns from the response.
FETCH = """
const [url, options, done] = arguments;
fetch(url, options).then(
  async (answer) => done({
    type: answer.type, status: answer.status, text: await answer.text(), id: answer.headers.get('x-request-id'),
  }),
  (error) => done({ error: error.name }),
);
"""
HEADERS = {"content-type": "application/json", "authorization": "Bearer x", "x-request-id": "a-page-asks"}
ASK = {
    "method": "POST",
    "headers": HEADERS,
    "body": '{"query": "{ __typename }"}',
}


PAGE = b"<!DOCTYPE html><link rel=icon href='data:,'><title>foreign</title><a id=link>gateway</a>"


@pytest.fixture
def foreign() -> Iterator[str]:
    """The origin of an unrelated page."""

    async def page(_request: Request) -> HTMLResponse:
        return HTMLResponse(PAGE)

    with serving(Starlette(routes=[Route("/", page)])) as live:
        yield f"http://foreign.example:{live.port}"


class Watched:
    """An app, and the requests that it has answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.answers: list[tuple[str, int]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answers.append((scope["method"], message["status"]))
            await send(message)

        await self._app(scope, receive, watched)


@contextmanager
def gateway(**settings: str) -> Iterator[tuple[Watched, str]]:
    app = Watched(create_app(sandbox_settings(**settings), transport=sandbox_transport()))
    with serving(app) as live:
        yield app, f"http://127.0.0.1:{live.port}/graphql"


def fetch(driver: Chrome, url: str, **options: Any) -> Any:
    driver.set_script_timeout(SECONDS)
    return driver.execute_async_script(FETCH, url, options)


def test_a_foreign_page_can_neither_ask_nor_read(driver: Chrome, foreign: str) -> None:
    with gateway() as (app, url):
        driver.get(foreign)
        asked = fetch(driver, url, **ASK)
        read = fetch(driver, url, headers={"accept": "application/json"})
        # A browser sends this without a preflight. The gateway refuses it, and the page cannot read the refusal.
        blind = fetch(driver, url, method="POST", mode="no-cors", body=ASK["body"])

    assert asked == read == blind == {"error": "TypeError"}
    assert app.answers == [("OPTIONS", 403), ("GET", 403), ("POST", 403)]


def test_an_allowed_page_asks_and_reads_in_spite_of_the_resource_policy(driver: Chrome, foreign: str) -> None:
    with gateway(KONAGRAPH_ALLOWED_ORIGINS=foreign) as (app, url):
        driver.get(foreign)
        asked = fetch(driver, url, **ASK)
        again = fetch(driver, url, **ASK)

    expected = {"type": "cors", "status": 200, "text": '{"data":{"__typename":"Query"}}', "id": "a-page-asks"}
    assert asked == again == expected
    # One preflight, which the browser caches.
    assert app.answers == [("OPTIONS", 200), ("POST", 200), ("POST", 200)]


def test_an_allowed_page_may_send_no_other_header_and_no_other_method(driver: Chrome, foreign: str) -> None:
    with gateway(KONAGRAPH_ALLOWED_ORIGINS=foreign) as (app, url):
        driver.get(foreign)
        header = fetch(driver, url, headers={"x-evil": "1"})
        method = fetch(driver, url, method="DELETE")

    assert header == method == {"error": "TypeError"}
    assert app.answers == [("OPTIONS", 200), ("OPTIONS", 200)]


def test_a_link_on_a_foreign_page_leads_to_the_explorer(driver: Chrome, foreign: str) -> None:
    with gateway() as (app, url):
        driver.get(foreign)
        link = driver.find_element(By.ID, "link")
        driver.execute_script("arguments[0].href = arguments[1]", link, url)
        link.click()
        WebDriverWait(driver, SECONDS).until(lambda chrome: chrome.title != "foreign")
        shown = driver.current_url
        driver.get("about:blank")

    assert shown == url
    assert app.answers[0] == ("GET", 200)


def test_in_development_a_page_of_this_machine_asks_with_the_headers_of_its_tools(
    driver: Chrome, foreign: str
) -> None:
    tools = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "apollographql-client-name": "web"}
    with gateway() as (app, url):
        driver.get(foreign.replace("foreign.example", "localhost"))
        asked = fetch(driver, url, **{**ASK, "headers": tools | HEADERS})

    assert asked == {"type": "cors", "status": 200, "text": '{"data":{"__typename":"Query"}}', "id": "a-page-asks"}
    assert app.answers == [("OPTIONS", 200), ("POST", 200)]
