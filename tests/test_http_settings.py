"""The HTTP settings: which hosts, origins, networks and times are valid, and where they are used."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from graph.config.environment import load_settings
from graph.server.limits import HttpLimits
from graph.wiring.serving import admin_limits, http_limits
from tests.settings_cases import PLAIN
from tests.test_settings_problems import CANARY, problems


def test_the_limits_of_a_connection_come_from_the_settings() -> None:
    given = {"KONAGRAPH_KEEPALIVE": "10", "KONAGRAPH_ALLOWED_HOSTS": "API.example., a:1"}

    limits = http_limits(load_settings({**PLAIN, **given}))

    allowed = frozenset({b"api.example", b"a:1"})
    assert limits == HttpLimits(keepalive=10, allowed_hosts=allowed, fixed_hosts=True)


def test_the_limits_without_settings_are_the_defaults() -> None:
    assert HttpLimits(fixed_hosts=True) == http_limits(load_settings(PLAIN))


def test_with_credentials_any_name_is_served_but_not_on_the_admin_port() -> None:
    settings = load_settings(PLAIN).model_copy(update={"konagraph_auth": "jwt"})

    assert not http_limits(settings).fixed_hosts
    assert admin_limits(settings).fixed_hosts


@pytest.mark.parametrize("text", ["0.001", "75", "3600"])
def test_an_idle_connection_may_be_kept_up_to_an_hour(text: str) -> None:
    assert float(text) == load_settings({**PLAIN, "KONAGRAPH_KEEPALIVE": text}).konagraph_keepalive


@pytest.mark.parametrize("text", ["0", "-1", "3600.1", "inf", "nan", "1m", CANARY])
def test_another_time_for_an_idle_connection_is_refused(text: str) -> None:
    (problem,) = problems({**PLAIN, "KONAGRAPH_KEEPALIVE": text})

    assert problem.startswith("KONAGRAPH_KEEPALIVE: input should be ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("api.example", {b"api.example"}),
        ("API.Example.,\tb:8443", {b"api.example", b"b:8443"}),
        ("127.0.0.1 [0:0::1]:08000 c:", {b"127.0.0.1", b"[::1]:8000", b"c"}),
    ],
)
def test_hosts_are_a_list_in_any_letters(text: str, expected: set[bytes]) -> None:
    assert load_settings({**PLAIN, "KONAGRAPH_ALLOWED_HOSTS": text}).konagraph_allowed_hosts == expected


@pytest.mark.parametrize(
    "text",
    [
        ",",
        f"http://{CANARY}",
        f"{CANARY}/x",
        f"*.{CANARY}",
        "*",
        f"user@{CANARY}",
        f"예시.{CANARY}",
        f"{CANARY}\udc80",
    ],
)
def test_what_is_no_host_is_refused_and_not_repeated(text: str) -> None:
    expected = "KONAGRAPH_ALLOWED_HOSTS: must be a list of names such as api.example or api.example:8443"

    assert problems({**PLAIN, "KONAGRAPH_ALLOWED_HOSTS": f"a.example {text}" if text != "," else text}) == [
        expected
    ]


@pytest.mark.parametrize(
    "text", [",", "*", "null", CANARY, f"https://{CANARY}/", "https://*.example", f"https://{CANARY}:443"]
)
def test_what_is_no_origin_is_refused_and_not_repeated(text: str) -> None:
    expected = (
        "KONAGRAPH_ALLOWED_ORIGINS: must be a list of origins as browsers write them, such as https://app.example"
    )
    value = text if text == "," else f"https://a.example, {text}"

    assert problems({**PLAIN, "KONAGRAPH_ALLOWED_ORIGINS": value}) == [expected]


@pytest.mark.parametrize("text", [",", "*", "x-a *", f"{CANARY}:", f"{CANARY} \u00e9", "x-a;y"])
def test_what_is_no_header_is_refused_and_not_repeated(text: str) -> None:
    expected = "KONAGRAPH_ALLOWED_HEADERS: must be a list of names of headers such as x-app-version"

    assert problems({**PLAIN, "KONAGRAPH_ALLOWED_HEADERS": text}) == [expected]


def test_proxies_are_addresses_and_networks_of_both_kinds() -> None:
    settings = load_settings({**PLAIN, "KONAGRAPH_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1 2001:db8::/32"})

    expected = ("10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32")
    assert tuple(ip_network(network) for network in expected) == settings.konagraph_trusted_proxies


@pytest.mark.parametrize(
    "text", [",", CANARY, "*", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "10.0.0.1:80", f"fe80::1%{CANARY}/65"]
)
def test_what_is_no_network_is_refused_and_not_repeated(text: str) -> None:
    expected = "KONAGRAPH_TRUSTED_PROXIES: must be a list of addresses or networks such as 10.0.0.0/8"
    value = text if text == "," else f"192.0.2.1, {text}"

    assert problems({**PLAIN, "KONAGRAPH_TRUSTED_PROXIES": value}) == [expected]
