"""The image and the compose file with podman: hardened, sharing state, and without a lost request."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from typing import TYPE_CHECKING

import httpx
import pytest

from graph.sandbox.ledger import CARDS, FIRST_CARD
from tests.containers.engine import containers
from tests.deploy.load import steady_load
from tests.deploy.stack import QUERY

if TYPE_CHECKING:
    from tests.containers.conftest import Running

GATEWAYS = ("gateway-1", "gateway-2")
LASTING = sorted(containers().keys() - {"secrets"})
BALANCE = 50_000
DOCUMENT = "query Registered { __typename }"
BY_HASH: dict[str, object] = {
    "extensions": {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(DOCUMENT.encode()).hexdigest()}}
}


def test_a_card_is_answered_from_the_outside_to_the_sandbox_and_back(stack: Running) -> None:
    answer = stack.ask({"query": QUERY, "variables": {"cardNo": FIRST_CARD}})
    assert FIRST_CARD in CARDS
    assert answer["data"] == {"card": {"balance": BALANCE}}


def test_the_explorers_page_is_in_the_image(stack: Running) -> None:
    page = httpx.get(f"{stack.url}/graphql", headers={"Accept": "text/html"}, trust_env=False)
    assert (page.status_code, "<html" in page.text) == (200, True)
    for name in re.findall(r'(?:src|href)="(/graphql/explorer/[^"]+)"', page.text):
        assert httpx.get(f"{stack.url}{name}", trust_env=False).status_code == 200


def test_the_image_holds_no_tools_to_build_with_and_no_tests(stack: Running) -> None:
    program = "import importlib.util as u; print([n for n in {} if u.find_spec(n)])"
    wanted = ["graph", "pytest", "mypy", "hatchling", "tests"]
    assert stack.python("gateway-1", program.format(wanted)) == "['graph']"


def test_the_bill_of_materials_is_what_is_installed(stack: Running) -> None:
    listed = json.loads(stack.inside("gateway-1", "pip", "list", "--format", "json").stdout)
    bill = json.loads(stack.inside("gateway-1", "cat", "/opt/konagraph/sbom.cdx.json").stdout)
    assert sorted((one["name"], one["version"]) for one in listed) == sorted(
        (one["name"], one["version"]) for one in bill["components"]
    )


@pytest.mark.parametrize("service", LASTING)
def test_a_process_has_no_rights_and_cannot_get_any(stack: Running, service: str) -> None:
    status = dict(
        line.split(":\t", 1) for line in stack.inside(service, "cat", "/proc/1/status").stdout.splitlines()
    )
    assert (
        status["CapEff"],
        status["CapBnd"],
        status["NoNewPrivs"],
    ) == ("0000000000000000", "0000000000000000", "1")
    assert set(status["Uid"].split()) == {"10001"}


@pytest.mark.parametrize("service", LASTING)
def test_a_containers_files_cannot_be_changed(stack: Running, service: str) -> None:
    for folder in ("/", "/etc", "/usr/local", "/opt"):
        result = stack.inside(service, "touch", f"{folder}/written")
        assert "Read-only file system" in result.stderr, folder


@pytest.mark.parametrize("service", LASTING)
def test_a_container_has_the_bounds_of_the_compose_file(stack: Running, service: str) -> None:
    (inspected,) = json.loads(stack.run("podman", "inspect", stack.container(service)))
    given = inspected["HostConfig"]
    bounds = containers()[service]
    assert int(str(bounds["mem_limit"]).removesuffix("m")) * 2**20 == given["Memory"]
    assert bounds["pids_limit"] == given["PidsLimit"]
    assert float(str(bounds["cpus"])) * 1e9 == given["NanoCpus"]


@pytest.mark.parametrize("service", LASTING)
def test_a_services_own_health_check_succeeds(stack: Running, service: str) -> None:
    stack.run("podman", "healthcheck", "run", stack.container(service))


@pytest.mark.parametrize("service", [*GATEWAYS, "redis", "sandbox"])
def test_an_inner_container_has_no_way_out(stack: Running, service: str) -> None:
    routes = stack.inside(service, "cat", "/proc/net/route").stdout.splitlines()[1:]
    assert routes
    assert all(route.split()[1] != "00000000" for route in routes)


def test_no_secret_is_in_the_environment_of_a_container(stack: Running) -> None:
    secrets = [
        stack.python("gateway-1", f"print(open('{path}').read())")
        for path in ("/secrets/KONAGRAPH_REDIS_URL", "/credentials/KONAPLATE_SECRET_KEY")
    ]
    assert all(len(secret) > 20 for secret in secrets)
    inspected = stack.run("podman", "inspect", *(stack.container(service) for service in containers()))
    assert [secret for secret in secrets if secret in inspected] == []


def test_a_document_that_one_gateway_registers_is_found_at_the_other(stack: Running) -> None:
    first, second = GATEWAYS
    assert "errors" in stack.ask_gateway(second, BY_HASH)
    assert stack.ask_gateway(first, {"query": DOCUMENT, **BY_HASH}) == {"data": {"__typename": "Query"}}
    assert stack.ask_gateway(second, BY_HASH) == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize("command", [("stop", "--time", "40"), ("kill",)], ids=["stopped", "killed"])
async def test_no_request_fails_while_gateways_are_replaced(stack: Running, command: tuple[str, ...]) -> None:
    async with steady_load(stack.url, {}, FIRST_CARD, BALANCE) as load:
        for gateway in GATEWAYS:
            await asyncio.to_thread(stack.run, "podman", *command, stack.container(gateway))
            await stack.until_ready(1)
            await load.more(50)
            await asyncio.to_thread(stack.run, "podman", "start", stack.container(gateway))
            await stack.until_ready()
            await load.more(50)
    assert load.failures == {}


async def test_no_request_fails_while_redis_is_killed_and_started_again(stack: Running) -> None:
    async with steady_load(stack.url, {}, FIRST_CARD, BALANCE) as load:
        await asyncio.to_thread(stack.run, "podman", "kill", stack.container("redis"))
        await load.more(100)
        await asyncio.to_thread(stack.run, "podman", "start", stack.container("redis"))
        await load.more(100)
    assert load.failures == {}
