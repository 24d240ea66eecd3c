"""Pages of other origins are refused unless allowed, and links still work."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from graph.app import create_app
from graph.http.cors import OriginRules
from graph.http.exchange import Exchange
from tests.support import sandbox_settings, sandbox_transport
from tests.tables import table

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import Message, Send

APP = "https://app.example"
QUERY = b'{"query": "{ __typename }"}'
CORS_HEADERS = (
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-allow-methods",
    "access-control-allow-headers",
    "access-control-max-age",
    "access-control-allow-credentials",
)
Fields = dict[str, str] | list[tuple[str, str]]


@functools.cache
def app_for(allowed: str) -> Starlette:
    """One app for many tests, because it is slow to create and they cause no upstream calls."""
    return create_app(sandbox_settings(KONAGRAPH_ALLOWED_ORIGINS=allowed), transport=sandbox_transport())


async def ask(
    method: str, path: str, headers: Fields, *, content: bytes | None = None, allowed: str = ""
) -> httpx.Response:
    transport = httpx.ASGITransport(app_for(allowed))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.request(method, path, content=content, headers=headers)


async def post(headers: Fields, *, allowed: str = "") -> httpx.Response:
    fields = [("content-type", "application/json"), *(headers.items() if isinstance(headers, dict) else headers)]
    return await ask("POST", "/graphql", fields, content=QUERY, allowed=allowed)


async def get(headers: Fields, path: str = "/graphql") -> httpx.Response:
    return await ask("GET", path, headers)


def cors_of(response: httpx.Response) -> dict[str, str]:
    return {name: response.headers[name] for name in CORS_HEADERS if name in response.headers}


def assert_is_forbidden(response: httpx.Response) -> None:
    assert response.status_code == 403
    (error,) = response.json()["errors"]
    assert error["message"] == "A page of another site may call only if KONAGRAPH_ALLOWED_ORIGINS has its origin."
    assert error["extensions"] == {
        "code": "FORBIDDEN",
        "retryable": False,
        "requestId": response.headers["x-request-id"],
    }
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "http://gateway"},
        {"origin": "http://gateway"},
        # An old browser or a program. A page is still kept out, because JSON needs a preflight.
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
async def test_a_request_of_its_own_pages_or_of_a_program_is_answered(headers: dict[str, str]) -> None:
    response = await post(headers)
    assert response.json() == {"data": {"__typename": "Query"}}
    assert cors_of(response) == {}


@table("site", ["cross-site", "same-site", "Same-Origin", "", "same-origin, none"])
@table("origin", [None, "https://evil.example", "null", "", f"{APP}.evil.example", f"{APP}:444"])
@table("allowed", ["", APP])
async def test_a_foreign_page_is_refused(site: str, origin: str | None, allowed: str) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": "cors"}
    assert_is_forbidden(await post(headers if origin is None else {**headers, "origin": origin}, allowed=allowed))


async def test_a_foreign_page_that_also_claims_to_be_our_own_is_refused() -> None:
    assert_is_forbidden(await post([("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]))


@pytest.mark.parametrize("second", ["https://evil.example", APP])
async def test_two_origins_are_none(second: str) -> None:
    fields = [("sec-fetch-site", "cross-site"), ("origin", APP), ("origin", second)]
    assert_is_forbidden(await post(fields, allowed=APP))


@pytest.mark.parametrize("site", ["cross-site", "same-site", None])
async def test_an_allowed_page_is_answered_and_may_read_the_answer(site: str | None) -> None:
    headers = {"origin": APP} if site is None else {"origin": APP, "sec-fetch-site": site}
    response = await post(headers, allowed=f"https://other.example, {APP}")
    assert response.json() == {"data": {"__typename": "Query"}}
    assert cors_of(response) == {
        "access-control-allow-origin": APP,
        "access-control-expose-headers": "x-request-id, retry-after, server-timing, etag",
    }
    assert response.headers["vary"] == "Origin"


async def test_an_allowed_page_may_read_why_it_was_refused() -> None:
    response = await ask("POST", "/graphql", {"origin": APP}, content=b"x", allowed=APP)
    assert response.status_code == 415
    assert response.headers["access-control-allow-origin"] == APP


@pytest.mark.parametrize("headers", [{}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
async def test_with_a_list_every_answer_says_that_it_depends_on_the_origin(headers: dict[str, str]) -> None:
    response = await post(headers, allowed=APP)
    assert response.headers["vary"] == "Origin"
    assert cors_of(response) == {}


async def preflight(origin: str, *, allowed: str = APP, **headers: str) -> httpx.Response:
    fields = {"origin": origin, "access-control-request-method": "POST", **headers}
    return await ask("OPTIONS", "/graphql", fields, allowed=allowed)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
        {"access-control-request-headers": "authorization,content-type"},
        # The response is always the same; the browser compares.
        {"access-control-request-method": "DELETE", "access-control-request-headers": "x-evil"},
        {"access-control-request-private-network": "true"},
    ],
)
async def test_a_preflight_of_an_allowed_page_says_what_it_may_send(headers: dict[str, str]) -> None:
    response = await preflight(APP, **headers)
    assert response.status_code == 200
    assert cors_of(response) == {
        "access-control-allow-origin": APP,
        "access-control-expose-headers": "x-request-id, retry-after, server-timing, etag",
        "access-control-allow-methods": "GET, POST, QUERY",
        "access-control-allow-headers": response.headers["access-control-allow-headers"],
        "access-control-max-age": "600",
    }
    assert response.headers["vary"] == "Origin"
    assert response.headers["cache-control"] == "private, no-store"
    assert response.content == b""


@table(
    "header",
    [
        *("accept", "authorization", "content-type", "if-none-match", "x-api-key", "x-request-id"),
        "x-request-timeout-ms",
        *("traceparent", "tracestate", "baggage", "sentry-trace", "b3", "x-b3-traceid", "x-datadog-trace-id"),
        *("request-id", "request-context", "x-instana-t", "x-instana-s", "x-instana-l"),
        *("apollographql-client-name", "apollographql-client-version", "graphql-client-name"),
        *("graphql-client-version", "apollo-require-preflight", "x-apollo-operation-name", "x-requested-with"),
    ],
)
async def test_a_page_may_send_what_is_read_and_what_clients_add(header: str) -> None:
    response = await preflight(APP)
    assert header in response.headers["access-control-allow-headers"].split(", ")


async def test_a_setting_allows_further_headers_and_nothing_allows_all() -> None:
    settings = sandbox_settings(KONAGRAPH_ALLOWED_ORIGINS=APP, KONAGRAPH_ALLOWED_HEADERS="X-App-Version")
    app = create_app(settings, transport=sandbox_transport())
    fields = {"origin": APP, "access-control-request-method": "POST"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        response = await client.options("/graphql", headers=fields)
    allowed = response.headers["access-control-allow-headers"].split(", ")
    assert "x-app-version" in allowed
    assert {"*", "x-evil"}.isdisjoint(allowed)


async def test_a_page_of_the_internet_is_let_into_a_private_network_when_it_asks() -> None:
    name = "access-control-allow-private-network"
    asked = await preflight(APP, **{"access-control-request-private-network": "true"})
    assert asked.headers[name] == "true"
    assert name not in (await preflight(APP)).headers


async def never(*_message: Message) -> Message:
    raise AssertionError("nothing is received or sent")


OF_THIS_MACHINE = [
    "http://localhost:5173",
    "https://localhost",
    "http://app.localhost:3000",
    "http://127.0.0.1:8080",
    "http://127.255.0.9",
    "http://[::1]:4200",
]


@table("allowed", ["", APP])
@table("site", [{}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}])
@table("origin", OF_THIS_MACHINE)
async def test_in_development_pages_of_this_machine_are_allowed(
    origin: str, site: dict[str, str], allowed: str
) -> None:
    asked = await preflight(origin, allowed=allowed, **site)
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, origin)
    answered = await post({"origin": origin, **site}, allowed=allowed)
    assert answered.json() == {"data": {"__typename": "Query"}}
    assert (answered.headers["access-control-allow-origin"], answered.headers["vary"]) == (origin, "Origin")


@pytest.mark.parametrize(
    "origin",
    [
        *("http://localhost.evil.example", "http://evil-localhost", "http://localhost:5173.evil.example"),
        *("http://127.0.0.1.evil.example", "http://127.0.0.256", "http://128.0.0.1", "http://[::2]"),
        *("http://localhost@evil.example", "ftp://localhost", "http://localhost/", "null"),
    ],
)
async def test_other_pages_are_not_of_this_machine(origin: str) -> None:
    assert_is_forbidden(await post({"origin": origin, "sec-fetch-site": "cross-site"}))


@pytest.mark.parametrize("origin", OF_THIS_MACHINE)
def test_in_production_no_page_is_allowed_unlisted(origin: str) -> None:
    headers = [(b"origin", origin.encode()), (b"sec-fetch-site", b"cross-site")]
    exchange = Exchange({"method": "POST", "headers": headers}, never, cast("Send", never))
    refusal = OriginRules().check(exchange)
    assert refusal is not None
    assert (refusal.status_code, exchange.cors) == (403, [])


@pytest.mark.parametrize(
    "origin",
    [
        *("capacitor://localhost", "ionic://localhost", "app://bundle", "tauri://localhost"),
        *("chrome-extension://abcdefghijklmnopabcdefghijklmnop", "https://tauri.localhost", "http://a:8080"),
        "moz-extension://01234567-89ab-cdef-0123-456789abcdef",
    ],
)
async def test_origins_of_any_scheme_can_be_listed(origin: str) -> None:
    response = await preflight(origin, allowed=origin, **{"sec-fetch-site": "cross-site"})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (200, origin)


@pytest.mark.parametrize("allowed", ["", APP])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", APP.upper(), f"{APP}/", "http://app.example"])
async def test_a_preflight_of_any_other_page_is_refused(origin: str, allowed: str) -> None:
    from_a_browser = await preflight(origin, allowed=allowed, **{"sec-fetch-site": "cross-site"})
    from_an_old_browser = await preflight(origin, allowed=allowed)
    for refused in (from_a_browser, from_an_old_browser):
        assert_is_forbidden(refused)
        assert cors_of(refused) == {}


async def test_options_of_an_allowed_page_without_a_question_is_no_preflight() -> None:
    response = await ask("OPTIONS", "/graphql", {"origin": APP}, allowed=APP)
    assert response.status_code == 405
    assert "access-control-allow-methods" not in response.headers


LINK = {
    "sec-fetch-site": "cross-site",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "accept": "text/html,application/xhtml+xml,*/*;q=0.8",
}


async def test_a_link_from_another_site_leads_to_the_page() -> None:
    response = await get(LINK)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    # It cannot be framed by that site (clickjacking).
    assert response.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


async def test_a_link_to_the_root_leads_on() -> None:
    assert (await get(LINK, "/")).status_code == 307


@pytest.mark.parametrize(
    "changed",
    [
        {"sec-fetch-mode": "no-cors"},
        {"sec-fetch-mode": "cors"},
        {"sec-fetch-mode": ""},
        {"accept": "application/json"},
        {"accept": "*/*"},
        {"accept": "application/graphql-response+json, text/html;q=0.5"},
    ],
)
async def test_a_cross_site_request_that_follows_no_link_is_refused(changed: dict[str, str]) -> None:
    assert_is_forbidden(await get({**LINK, **changed}))


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_only_get_is_a_link(method: str) -> None:
    assert (await ask(method, "/graphql", LINK)).status_code == 403


@pytest.mark.parametrize(
    "path", ["/graphql/explorer/explorer.js", "/livez", "/nowhere", "/graphql?query={__typename}"]
)
async def test_a_foreign_page_can_load_nothing(path: str) -> None:
    assert_is_forbidden(await get({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, path))
