"""The client's address behind proxies, and when clients forge it."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.header_values import by_name
from graph.http.client_address import ClientAddresses
from tests.security.jwt_gateway import jwt_settings
from tests.security.jwt_maker import ec_signer, key_set
from tests.support import gateway
from tests.tables import table
from tests.telemetry.capture import events

if TYPE_CHECKING:
    from pathlib import Path

    from tests.telemetry.capture import Unredacted

PROXIES = ("10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "127.0.0.1")


def found(peer: str | None, *forwarded: str, trusted: tuple[str, ...] = PROXIES) -> str:
    scope: dict[str, Any] = {
        "type": "http",
        "client": None if peer is None else (peer, 1234),
    }
    headers = by_name([(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded])
    return ClientAddresses([ip_network(network) for network in trusted]).of(scope, headers)


@pytest.mark.parametrize("forwarded", [(), ("203.0.113.9",), ("10.0.0.1, 203.0.113.9",)])
def test_without_trusted_proxies_the_peer_is_the_client(forwarded: tuple[str, ...]) -> None:
    assert found("10.0.0.1", *forwarded, trusted=()) == "10.0.0.1"


@pytest.mark.parametrize("forwarded", [(), ("203.0.113.9",), ("10.0.0.1",), ("", "x")])
def test_a_peer_that_is_not_trusted_is_the_client_whatever_it_says(forwarded: tuple[str, ...]) -> None:
    assert found("198.51.100.7", *forwarded) == "198.51.100.7"


@table(
    ("forwarded", "client"),
    [
        (("203.0.113.9",), "203.0.113.9"),
        # Everything left of an untrusted address is its own claim.
        (("1.1.1.1, 203.0.113.9",), "203.0.113.9"),
        (("10.0.0.9, 203.0.113.9",), "203.0.113.9"),
        (("203.0.113.9, 10.0.0.2",), "203.0.113.9"),
        (("1.1.1.1, 203.0.113.9, 10.0.0.2, 192.0.2.1",), "203.0.113.9"),
        (("1.1.1.1", "203.0.113.9", "10.0.0.2"), "203.0.113.9"),
        (("1.1.1.1, 203.0.113.9", "10.0.0.2"), "203.0.113.9"),
        ((" \t203.0.113.9\t , 10.0.0.2 ",), "203.0.113.9"),
        (("not an address, 203.0.113.9",), "203.0.113.9"),
        (("203.0.113.9:4711",), "203.0.113.9"),
        (("2001:DB9:0::9",), "2001:db9::9"),
        (("[2001:db9::9]",), "2001:db9::9"),
        (("[2001:db9::9]:4711",), "2001:db9::9"),
        (("::ffff:203.0.113.9",), "203.0.113.9"),
        (("203.0.113.9, ::ffff:10.0.0.2",), "203.0.113.9"),
        (("203.0.113.9, 2001:db8::1",), "203.0.113.9"),
        # All hops are trusted, so the first is the client.
        (("10.0.0.3, 10.0.0.2",), "10.0.0.3"),
    ],
)
@table("peer", ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::2"])
def test_the_last_address_that_a_trusted_proxy_vouches_for_is_the_client(
    peer: str, forwarded: tuple[str, ...], client: str
) -> None:
    assert client == found(peer, *forwarded)


@table(
    "forwarded",
    [
        "",
        ",",
        "203.0.113.9,",
        "203.0.113.9, unknown",
        "203.0.113.9, _hidden, 10.0.0.2",
        "203.0.113.999",
        "203.0.113",
        "0xCB.0.113.9",
        "203.0.113.09",
        "203.0.113.9:http",
        "203.0.113.9:4711:4711",
        "203.0.113.9/8",
        "[203.0.113.9",
        "2001:db9::9]",
        "fe80::1%<script>",
        "203.0.113.9 10.0.0.2",
        "203.0.113.9;10.0.0.2",
        'for="203.0.113.9"',
        "\xb2.0.113.9",
        "1" * 5_000,
    ],
)
def test_an_invalid_forwarded_address_makes_the_peer_the_client(forwarded: str) -> None:
    assert found("10.0.0.1", forwarded) == "10.0.0.1"


def test_without_the_header_a_trusted_peer_is_the_client() -> None:
    assert found("10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize("trusted", [(), PROXIES])
@pytest.mark.parametrize("forwarded", [(), ("203.0.113.9",)])
def test_a_peer_without_an_address_is_unknown(trusted: tuple[str, ...], forwarded: tuple[str, ...]) -> None:
    assert found(None, *forwarded, trusted=trusted) == "unknown"


def test_a_peer_whose_name_is_no_address_is_taken_as_it_is() -> None:
    assert found("testclient", "203.0.113.9") == "testclient"


@given(st.lists(st.text(st.characters(max_codepoint=255)), max_size=3))
def test_nothing_but_an_address_ever_comes_out(forwarded: list[str]) -> None:
    assert set(found("10.0.0.1", *forwarded)) <= set("0123456789abcdef.:")


async def test_the_gateway_knows_the_address_by_its_settings(tmp_path: Path, logged: Unredacted) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_bytes(key_set(ec_signer()))
    settings = {**jwt_settings(keys), "KONAGRAPH_TRUSTED_PROXIES": "10.0.0.0/8, 127.0.0.1"}
    async with gateway(None, **settings) as running:
        forwarded = {"x-forwarded-for": "1.1.1.1, 203.0.113.9, 10.0.0.2"}
        await running.client.post("/graphql", json={"query": "{ __typename }"}, headers=forwarded)

    # A refusal is audited with its address.
    assert [event["address"] for event in events(logged.lines) if "address" in event] == ["203.0.113.9"]
