"""The balancer alone: its errors, retries, the client's address, its log and its internal port."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import trustme

from schema.errors import ErrorCode
from tests.cli.processes import bare_environment
from tests.deploy.asking_front import assert_refusal, client
from tests.deploy.balancer import CONFIGURATION, balancer, require_haproxy
from tests.deploy.fake_gateway import FINE, balanced_fakes
from tests.deploy.known_metrics import OF_HAPROXY
from tests.independent.raw_client import CARD
from tests.konaplate.faulty_upstream import http
from tests.server.raw_http import Wire
from tests.tools import require_tool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deploy.balancer import Balancer
    from tests.server.raw_http import RawAnswer


def sent_raw(url: str, raw: bytes) -> RawAnswer:
    """The response to these bytes."""
    with Wire(urlsplit(url).port or 0) as wire:
        wire.send_until_refused(raw)
        return wire.answer()


async def curl(front: Balancer, trusted: Path, *options: str) -> tuple[int, str]:
    """Request over TLS: curl's status, and the response's head in lower case."""
    require_tool("curl", present=shutil.which("curl") is not None, how="install Debian's curl")
    port = urlsplit(front.url).port
    process = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--noproxy", "*", "--head", "--cacert", str(trusted), *options),
        *("--resolve", f"cards.test:{port}:127.0.0.1", f"https://cards.test:{port}/graphql"),
        stdout=asyncio.subprocess.PIPE,
        env=bare_environment(),
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode().lower()


def test_haproxy_accepts_the_file_as_it_is_delivered() -> None:
    require_haproxy()
    result = subprocess.run(
        ["haproxy", "-c", "-f", CONFIGURATION], capture_output=True, text=True, env=bare_environment(), check=False
    )
    warnings = [line for line in result.stderr.splitlines() if "WARNING" in line or "ALERT" in line]
    assert result.returncode == 0, result.stderr
    # No other host has this name.
    assert [line for line in warnings if "could not resolve address 'gateways'" not in line] == []


async def test_without_any_gateway_the_refusal_has_the_form_of_the_gateways_own(tmp_path: Path) -> None:
    async with balancer(tmp_path / "log") as front, client(front.url) as asking:
        await front.until_up(0)
        response = await asking.post("/graphql", json={"query": "{ __typename }"})
    assert (
        response.status_code,
        response.headers["retry-after"],
        response.headers["cache-control"],
    ) == (503, "1", "private, no-store")
    assert_refusal(ErrorCode.OVERLOADED, response.json(), retryable=True, retryAfterMs=1000)


async def test_other_methods_than_those_of_the_gateway_are_refused(tmp_path: Path) -> None:
    async with balanced_fakes(tmp_path) as (front, fakes), client(front.url) as asking:
        statuses = {
            method: (await asking.request(method, "/graphql")).status_code
            for method in ("GET", "HEAD", "POST", "QUERY", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "PURGE")
        }
        refused = await asking.request("TRACE", "/graphql")
        reached = len(fakes[0].requests) + len(fakes[1].requests)
    assert list(statuses.values()) == [200] * 5 + [405] * 5
    assert refused.headers["allow"] == "GET, HEAD, POST, QUERY, OPTIONS"
    assert_refusal(ErrorCode.BAD_REQUEST, refused.json(), retryable=False)
    assert reached == 5


@pytest.mark.parametrize(
    "field",
    [b"Bad Field: 1", b"Content-Length: 1\r\nContent-Length: 2", b"X-Long: " + b"x" * 40_000],
    ids=["no header", "two lengths", "a header of 40 kB"],
)
async def test_requests_that_are_not_well_formed_reach_no_gateway_and_are_not_repeated(
    tmp_path: Path, field: bytes
) -> None:
    async with balanced_fakes(tmp_path) as (front, fakes):
        raw = b"POST /graphql HTTP/1.1\r\nHost: gateway\r\n" + field + b"\r\n\r\n"
        answer = await asyncio.to_thread(sent_raw, front.url, raw)
        reached = fakes[0].requests + fakes[1].requests
    assert (answer.status, reached) == (400, [])
    assert field not in answer.body


async def test_names_that_a_server_may_take_for_others_are_refused(tmp_path: Path) -> None:
    claim = {"X_Forwarded_For": "203.0.113.7"}
    async with balanced_fakes(tmp_path) as (front, fakes), client(front.url, headers=claim) as asking:
        response = await asking.post("/graphql", content=b"{}")
        reached = fakes[0].requests + fakes[1].requests
    assert (response.status_code, reached) == (403, [])
    assert_refusal(ErrorCode.FORBIDDEN, response.json(), retryable=False)


async def test_a_refusal_names_its_request_in_the_header_too(tmp_path: Path) -> None:
    async with balancer(tmp_path / "log") as front, client(front.url) as asking:
        await front.until_up(0)
        answer = await asking.post("/graphql", json={}, headers={"X-Request-Id": "the-clients-own"})
    assert answer.headers["x-request-id"] == answer.json()["errors"][0]["extensions"]["requestId"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_overloaded_gateways_refusal_is_tried_twice_more_and_then_passed_on(tmp_path: Path) -> None:
    async with balanced_fakes(tmp_path) as (front, fakes), client(front.url) as asking:
        fakes[0].answer = fakes[1].answer = http(b"its own words", "503 Service Unavailable", ["Retry-After: 7"])
        responses = [await asking.request(method, "/graphql", content=b"{}") for method in ("POST", "QUERY")]
        tries = [len(fake.requests) for fake in fakes]
    for response in responses:
        assert (response.status_code, response.text, response.headers["retry-after"]) == (
            503,
            "its own words",
            "7",
        )
    assert sum(tries) == 6
    assert min(tries) >= 2


async def test_a_request_that_an_overloaded_gateway_refuses_is_answered_by_another(tmp_path: Path) -> None:
    async with balanced_fakes(tmp_path) as (front, fakes), client(front.url) as asking:
        fakes[0].answer = http(status="503 Service Unavailable")
        answers = [await asking.post("/graphql", content=b"{}") for _ in range(6)]
    assert [answer.text for answer in answers] == ["fine"] * 6


@pytest.mark.parametrize("status", ["400 Bad Request", "429 Too Many Requests", "500 Internal Server Error"])
async def test_other_refusals_are_not_tried_again(tmp_path: Path, status: str) -> None:
    async with balanced_fakes(tmp_path) as (front, fakes), client(front.url) as asking:
        fakes[0].answer = fakes[1].answer = http(b"its own words", status)
        response = await asking.post("/graphql", content=b"{}")
        tries = len(fakes[0].requests) + len(fakes[1].requests)
    assert (status[:3], "its own words", 1) == (str(response.status_code), response.text, tries)


async def test_a_gateway_that_is_not_ready_gets_no_requests_and_keeps_what_is_open(tmp_path: Path) -> None:
    async with balanced_fakes(tmp_path) as (front, fakes), client(front.url) as asking:
        await front.until_up(2)
        fakes[0].ready = False
        await front.until_up(1)
        before = len(fakes[0].requests)
        answers = [(await asking.post("/graphql", content=b"{}")).text for _ in range(4)]
        assert (["fine"] * 4, before) == (answers, len(fakes[0].requests))
        fakes[0].ready = True
        await front.until_up(2)


async def test_the_clients_word_about_its_address_is_replaced(tmp_path: Path) -> None:
    claims = {"X-Forwarded-For": "203.0.113.7, 198.51.100.9", "Forwarded": "for=203.0.113.7"}
    async with balanced_fakes(tmp_path) as (front, fakes), client(front.url, headers=claims) as asking:
        await asking.post("/graphql", content=b"{}")
        (request,) = fakes[0].requests + fakes[1].requests
    head = request.decode().lower().split("\r\n")
    assert [line for line in head if "forwarded" in line] == ["x-forwarded-for: 127.0.0.1"]


@pytest.mark.parametrize("own", [None, "an-id-of-the-client"])
async def test_a_request_has_the_id_in_the_log_unless_the_client_gave_one(tmp_path: Path, own: str | None) -> None:
    headers = {} if own is None else {"X-Request-Id": own}
    async with balanced_fakes(tmp_path) as (front, fakes), client(front.url, headers=headers) as asking:
        await asking.post("/graphql", content=b"{}")
        (request,) = fakes[0].requests + fakes[1].requests
        (line,) = await front.logged(1)
    sent = [line[14:] for line in request.decode().split("\r\n") if line.lower().startswith("x-request-id: ")]
    assert [own or line["requestId"]] == sent


async def test_the_log_holds_no_url_header_or_body(tmp_path: Path) -> None:
    secret = {"Authorization": "Bearer c4n4ry", "Cookie": "c4n4ry", "X-Api-Key": "c4n4ry"}
    async with balanced_fakes(tmp_path) as (front, _), client(front.url, headers=secret) as asking:
        await asking.post(f"/{CARD}?query={CARD}", content=CARD)
        await asking.request("TRACE", f"/{CARD}")
        raw = f"POST /{CARD} HTTP/1.1\r\nBad Field: {CARD}\r\n\r\n".encode()
        assert (await asyncio.to_thread(sent_raw, front.url, raw)).status == 400
        lines = await front.logged(3)
        log = front.log()
    assert [(line["event"], line.get("status")) for line in lines] == [
        ("proxied", 200),
        ("proxied", 405),
        ("refused", None),
    ]
    assert CARD not in log
    assert "c4n4ry" not in log


async def test_a_body_of_the_gateways_own_bound_passes(tmp_path: Path) -> None:
    async with balanced_fakes(tmp_path) as (front, fakes), client(front.url) as asking:
        response = await asking.post("/graphql", content=b"x" * 65_536)
        (request,) = fakes[0].requests + fakes[1].requests
    assert FINE.endswith(response.content)
    assert request.endswith(b"\r\n\r\n" + b"x" * 65_536)


async def test_the_inner_port_has_health_and_metrics_and_nothing_else(tmp_path: Path) -> None:
    async with balanced_fakes(tmp_path) as (front, fakes), client(front.url) as asking:
        answers = [await front.inside(path) for path in ("/livez", "/metrics", "/", "/graphql", "/stats")]
        outside = await asking.get("/metrics")
        (request,) = fakes[0].requests + fakes[1].requests
    assert [answer.status_code for answer in answers] == [200, 200, 404, 404, 404]
    assert set(re.findall(r"^haproxy_\w+", answers[1].text, re.MULTILINE)) >= OF_HAPROXY.keys()
    assert outside.text == "fine"
    assert request.startswith(b"GET /metrics ")


async def test_with_a_certificate_clients_are_answered_over_tls_and_told_to_stay_there(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = tmp_path / "certificate.pem"
    authority.issue_cert("cards.test").private_key_and_cert_chain_pem.write_to_path(certificate)
    trusted = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(trusted)
    options = f"ssl crt {certificate} alpn h2,http/1.1"
    async with balanced_fakes(tmp_path, FRONT_OPTIONS=options) as (front, fakes):
        status, head = await curl(front, trusted)
        old_status, _ = await curl(front, trusted, "--tls-max", "1.1")
        requests = len(fakes[0].requests) + len(fakes[1].requests)
    assert (status, requests) == (0, 1)
    assert head.startswith("http/2 200")
    assert "\r\nstrict-transport-security: max-age=63072000\r\n" in head
    assert old_status != 0
