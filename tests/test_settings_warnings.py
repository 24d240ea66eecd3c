"""Settings that are probably mistakes cause warnings in both modes, and stop nothing."""

from __future__ import annotations

import pytest

from graph.config.environment import load_settings
from graph.config.warnings import start_warnings
from tests.settings_cases import PLAIN, PRIVATE_PEM, PUBLIC_PEM

JWT = {
    "KONAGRAPH_AUTH": "jwt",
    "KONAGRAPH_JWT_JWKS": "https://issuer.example/keys",
    "KONAGRAPH_JWT_ISSUER": "https://issuer.example",
    "KONAGRAPH_JWT_AUDIENCE": "cards",
}
KEYS = dict.fromkeys(("KONAGRAPH_ID_KEY", "KONAGRAPH_CARD_REF_KEY", "KONAGRAPH_AUDIT_KEY"), "i" * 32)
MODE = {"KONAGRAPH_DOCUMENTS_MODE": "off", "KONAGRAPH_ALLOWED_HOSTS": "cards.example"}
PAIR = {
    "KONAPLATE_CRYPTO_KEY_ID": "j" * 32,
    "KONAPLATE_SERVER_PUBLIC_KEY": PUBLIC_PEM,
    "KONAPLATE_CLIENT_PRIVATE_KEY": PRIVATE_PEM,
}
MODES = {"development": {}, "production": {**JWT, **KEYS, **MODE, "KONAGRAPH_ENV": "production"}}
NO_EFFECT = "has no effect with the other settings as they are"


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> dict[str, str]:
    """The settings of a mode."""
    return MODES[request.param]


def warnings(mode: dict[str, str], **changes: str) -> list[str]:
    return start_warnings(load_settings({**PLAIN, **mode, **changes}))


def test_settings_as_the_documentation_has_them_are_no_cause_for_a_warning(mode: dict[str, str]) -> None:
    assert warnings(mode) == []


@pytest.mark.parametrize(
    ("path", "warned"),
    [
        *(("/open-api", False), ("/open-api/", False), ("/behind/open-api", False)),
        *(("", True), ("/", True), ("/api", True), ("/open-api/api/v1/user/card/info", True), ("/openapi", True)),
    ],
)
def test_an_address_that_is_not_the_vendors_kind_is_told(path: str, mode: dict[str, str], *, warned: bool) -> None:
    found = warnings(mode, KONAPLATE_BASE_URL=f"https://upstream.example{path}")

    expected = ["KONAPLATE_BASE_URL does not end in /open-api, as the vendor's addresses do"]
    assert found == (expected if warned else [])


@pytest.mark.parametrize(
    ("variable", "documented"),
    [
        ("KONAPLATE_ASP_ID", 15),
        ("KONAPLATE_ACCESS_KEY", 40),
        ("KONAPLATE_CRYPTO_KEY_ID", 32),
        ("KONAPLATE_CRYPTO_KEY_ID_2", 32),
    ],
)
def test_another_length_than_the_documented_one_is_told(
    variable: str, documented: int, mode: dict[str, str]
) -> None:
    pair = {
        "KONAPLATE_ENCRYPTION": "on",
        **PAIR,
        "KONAPLATE_CRYPTO_KEY_ID_2": "k" * 32,
        "KONAPLATE_SERVER_PUBLIC_KEY_2": PUBLIC_PEM,
        "KONAPLATE_CLIENT_PRIVATE_KEY_2": PRIVATE_PEM,
    }

    assert warnings(mode, **{**pair, variable: "0" * documented}) == []
    for length in (1, 5, documented - 1, documented + 1):
        assert warnings(mode, **{**pair, variable: "0" * length}) == [
            f"{variable} has {length} characters; the vendor's pages say {documented}"
        ]


ORDER = [
    ("KONAPLATE_TIMEOUT", "6", "KONAGRAPH_REQUEST_TIMEOUT", "a request ends before its call does"),
    ("KONAPLATE_POOL_TIMEOUT", "3", "KONAPLATE_TIMEOUT", "a look-up ends before that wait does"),
]
BUDGETS = [
    ("KONAGRAPH_MAX_COST", "1001", "KONAGRAPH_COST_BURST", "the most expensive requests can never be paid for"),
    ("KONAGRAPH_MAX_CARDS", "31", "KONAGRAPH_CARDS_PER_MINUTE", "the longest lists are never answered in full"),
]


@pytest.mark.parametrize(("lower", "value", "upper", "consequence"), ORDER, ids=[row[0] for row in ORDER])
def test_a_setting_above_its_bound_is_told(
    lower: str, value: str, upper: str, consequence: str, mode: dict[str, str]
) -> None:
    assert warnings(mode, **{lower: value}) == [f"{lower} is above {upper}: {consequence}"]


@pytest.mark.parametrize(("lower", "value", "upper", "consequence"), BUDGETS, ids=[row[0] for row in BUDGETS])
def test_a_budget_below_what_it_has_to_pay_is_told_where_there_are_budgets(
    lower: str, value: str, upper: str, consequence: str
) -> None:
    assert warnings(MODES["production"], **{lower: value}) == [f"{lower} is above {upper}: {consequence}"]
    assert warnings(MODES["development"], **{lower: value}) == []


def test_a_bound_below_a_default_is_told_as_well() -> None:
    assert warnings({}, KONAGRAPH_REQUEST_TIMEOUT="2") == [
        "KONAPLATE_TIMEOUT is above KONAGRAPH_REQUEST_TIMEOUT: a request ends before its call does"
    ]


@pytest.mark.parametrize(
    ("variable", "changes"),
    [
        ("KONAGRAPH_API_KEYS", {"KONAGRAPH_API_KEYS": "keys.toml"}),
        (
            "KONAPLATE_JWE_ALGORITHMS",
            {"KONAPLATE_ENCRYPTION": "off", "KONAPLATE_JWE_ALGORITHMS": "RSA-OAEP-256"},
        ),
        ("KONAPLATE_SEAL_REQUESTS", {"KONAPLATE_ENCRYPTION": "off", "KONAPLATE_SEAL_REQUESTS": "card_info"}),
        ("KONAPLATE_SEAL_ANSWERS", {"KONAPLATE_ENCRYPTION": "off", "KONAPLATE_SEAL_ANSWERS": "-card_info"}),
        (
            "KONAGRAPH_APQ",
            {"KONAGRAPH_APQ": "true", "KONAGRAPH_DOCUMENTS_MODE": "enforce", "KONAGRAPH_DOCUMENTS": "m.json"},
        ),
    ],
    ids=str,
)
def test_a_setting_without_effect_is_told(variable: str, changes: dict[str, str], mode: dict[str, str]) -> None:
    assert warnings(mode, **changes) == [f"{variable} {NO_EFFECT}"]


@pytest.mark.parametrize("auth", [{}, {"KONAGRAPH_AUTH": "api-key", "KONAGRAPH_API_KEYS": "keys.toml"}], ids=str)
@pytest.mark.parametrize(
    "variable",
    [
        *("KONAGRAPH_JWT_JWKS", "KONAGRAPH_JWT_ISSUER", "KONAGRAPH_JWT_AUDIENCE", "KONAGRAPH_MEMBER_CLAIM"),
        "KONAGRAPH_SCOPE_CLAIM",
    ],
)
def test_a_setting_of_tokens_is_told_where_callers_have_none(variable: str, auth: dict[str, str]) -> None:
    assert warnings(auth, **{variable: "some-text"}) == [f"{variable} {NO_EFFECT}"]
    assert warnings({**auth, **JWT, variable: "some-text"}, KONAGRAPH_API_KEYS="") == []


@pytest.mark.parametrize(
    ("networks", "told"),
    [
        *(("0.0.0.0/0", True), ("::/0", True), ("10.0.0.0/8 ::/0", True)),
        *(("10.0.0.0/8", False), ("0.0.0.0", False), ("::", False), ("fe80::/10 127.0.0.1", False)),
    ],
)
def test_proxies_with_every_address_are_told(networks: str, mode: dict[str, str], *, told: bool) -> None:
    expected = ["KONAGRAPH_TRUSTED_PROXIES trusts every address: any X-Forwarded-For is believed"]
    assert warnings(mode, KONAGRAPH_TRUSTED_PROXIES=networks) == (expected if told else [])


def test_keys_without_encryption_are_told() -> None:
    assert warnings({}, **PAIR) == [f"{name} {NO_EFFECT}" for name in PAIR]


def test_headers_of_pages_are_told_where_no_page_may_call() -> None:
    headers = {"KONAGRAPH_ALLOWED_HEADERS": "x-app-version"}
    assert warnings(MODES["production"], **headers) == [f"KONAGRAPH_ALLOWED_HEADERS {NO_EFFECT}"]
    assert warnings(MODES["production"], **headers, KONAGRAPH_ALLOWED_ORIGINS="https://app.example") == []
    assert warnings(MODES["development"], **headers) == []


def test_production_without_the_names_of_its_hosts_is_told() -> None:
    told = "KONAGRAPH_ALLOWED_HOSTS is not set: requests for any host are answered"
    assert warnings({**MODES["production"], "KONAGRAPH_ALLOWED_HOSTS": ""}) == [told]


def test_certificates_without_tls_are_told() -> None:
    files = {"KONAPLATE_CA_BUNDLE": "ca.pem", "KONAPLATE_CLIENT_CERTIFICATE": "own.pem"}

    assert warnings({}, **files) == []
    assert warnings({}, **files, KONAPLATE_BASE_URL="http://upstream.example/open-api") == [
        f"{name} {NO_EFFECT}" for name in files
    ]


def test_two_key_pairs_of_one_id_are_told() -> None:
    ids = {"KONAPLATE_CRYPTO_KEY_ID": "k" * 32, "KONAPLATE_CRYPTO_KEY_ID_2": "k" * 32}
    keys = {
        **PAIR,
        "KONAPLATE_ENCRYPTION": "on",
        "KONAPLATE_SERVER_PUBLIC_KEY_2": PUBLIC_PEM,
        "KONAPLATE_CLIENT_PRIVATE_KEY_2": PRIVATE_PEM,
    }

    assert warnings({}, **{**keys, **ids}) == [
        "KONAPLATE_CRYPTO_KEY_ID and KONAPLATE_CRYPTO_KEY_ID_2 are the same"
    ]


@pytest.mark.parametrize(("second", "told"), [("i" * 32, True), ("j" * 32, False)])
def test_two_keys_of_ids_that_are_the_same_are_told(mode: dict[str, str], second: str, *, told: bool) -> None:
    found = warnings(mode, KONAGRAPH_ID_KEY="i" * 32, KONAGRAPH_ID_KEY_2=second)
    assert found == (["KONAGRAPH_ID_KEY and KONAGRAPH_ID_KEY_2 are the same"] if told else [])
