"""Settings of authentication: what each mode needs, what production forbids, and when it may be off."""

from __future__ import annotations

import pytest

from graph.config.environment import load_settings
from graph.config.rules import is_loopback
from graph.config.settings import SettingsError
from graph.config.warnings import start_warnings
from tests.settings_cases import PLAIN
from tests.tables import table

JWT = {
    "KONAGRAPH_AUTH": "jwt",
    "KONAGRAPH_JWT_JWKS": "https://issuer.example/keys",
    "KONAGRAPH_JWT_ISSUER": "https://issuer.example",
    "KONAGRAPH_JWT_AUDIENCE": "cards",
}
KEYS = {
    "KONAGRAPH_ID_KEY": "a-key-of-ids-of-32-characters-ok",
    "KONAGRAPH_CARD_REF_KEY": "a-key-of-refs-of-32-characters-ok",
    "KONAGRAPH_AUDIT_KEY": "a-key-of-audits-of-32-characters-ok",
}
MODE = {"KONAGRAPH_DOCUMENTS_MODE": "off"}
PRODUCTION = {**PLAIN, **JWT, **KEYS, **MODE, "KONAGRAPH_ENV": "production"}
OPEN = (
    "KONAGRAPH_AUTH is none, so everybody who reaches KONAGRAPH_HOST can ask for any card: set KONAGRAPH_AUTH, "
    "or listen on 127.0.0.1, or accept it with KONAGRAPH_ALLOW_ANONYMOUS=true"
)
AUTH = "KONAGRAPH_AUTH must be jwt or api-key in production"
ANONYMOUS = "KONAGRAPH_ALLOW_ANONYMOUS must not be set in production"
INTROSPECTION = (
    "KONAGRAPH_INTROSPECTION must not be on for everybody in production; grant introspection as a scope"
)
BASE_HTTPS = "KONAPLATE_BASE_URL must be https in production"
JWKS_HTTPS = "KONAGRAPH_JWT_JWKS must be https in production"
MAKES_ONE = "`konagraph init DIR` makes one"
NO_ID_KEY = (
    "KONAGRAPH_ID_KEY is missing; production needs it, so that ids stay valid after a restart and at every "
    f"gateway; {MAKES_ONE}"
)
NO_CARD_REF_KEY = (
    "KONAGRAPH_CARD_REF_KEY is missing; production needs it, so that the audit log can be searched for a card; "
    f"{MAKES_ONE}"
)
NO_AUDIT_KEY = (
    "KONAGRAPH_AUDIT_KEY is missing; production needs it, so that changes of the audit log can be detected; "
    f"{MAKES_ONE}"
)
NO_MODE = (
    "KONAGRAPH_DOCUMENTS_MODE is missing; production has no default: enforce runs only the operations of your own "
    "apps (KONAGRAPH_DOCUMENTS), log also runs others and logs them, off runs any operation within the limits"
)
SANDBOX = "KONAPLATE_BASE_URL must not be the vendor's sandbox in production"
SANDBOX_URL = "https://sandbox.konaplate.com/open-api"
WARNING = (
    "KONAGRAPH_ALLOW_ANONYMOUS is on and KONAGRAPH_AUTH is none: "
    "whoever reaches this gateway can ask for any card and any member"
)


def problems(environment: dict[str, str], **overrides: object) -> list[str]:
    try:
        load_settings(environment, **overrides)
    except SettingsError as error:
        return error.problems
    return []


def test_the_upstream_and_nine_settings_are_all_that_production_needs() -> None:
    assert problems(PRODUCTION) == []
    assert set(PRODUCTION) - set(PLAIN) == {*JWT, *KEYS, *MODE, "KONAGRAPH_ENV"}


@pytest.mark.parametrize("name", [name for name in JWT if name != "KONAGRAPH_AUTH"])
@pytest.mark.parametrize("value", [None, ""])
def test_each_of_them_is_needed(name: str, value: str | None) -> None:
    environment = {each: text for each, text in (PRODUCTION | {name: value}).items() if text is not None}

    assert problems(environment) == [f"{name} is missing; KONAGRAPH_AUTH=jwt needs it"]


def test_api_keys_need_their_file_and_nothing_of_jwt() -> None:
    environment = {**PLAIN, **KEYS, **MODE, "KONAGRAPH_ENV": "production", "KONAGRAPH_AUTH": "api-key"}

    assert problems(environment) == ["KONAGRAPH_API_KEYS is missing; KONAGRAPH_AUTH=api-key needs it"]
    assert problems({**environment, "KONAGRAPH_API_KEYS": "keys.toml"}) == []


@pytest.mark.parametrize("word", ["JWT", "None", "api_key", "both", "j wt"])
def test_another_way_to_authenticate_is_refused(word: str) -> None:
    assert problems({**PLAIN, "KONAGRAPH_AUTH": word, "KONAGRAPH_HOST": "0.0.0.0"}) == [
        "KONAGRAPH_AUTH: input should be 'none', 'jwt' or 'api-key'"
    ]


RULES: list[tuple[dict[str, str], str]] = [
    ({"KONAGRAPH_AUTH": "none"}, AUTH),
    ({"KONAGRAPH_AUTH": ""}, AUTH),
    ({"KONAGRAPH_ALLOW_ANONYMOUS": "true"}, ANONYMOUS),
    ({"KONAGRAPH_ALLOW_ANONYMOUS": " true\r\n"}, ANONYMOUS),
    ({"KONAGRAPH_INTROSPECTION": "true"}, INTROSPECTION),
    ({"KONAGRAPH_ID_KEY": ""}, NO_ID_KEY),
    ({"KONAGRAPH_CARD_REF_KEY": ""}, NO_CARD_REF_KEY),
    ({"KONAGRAPH_AUDIT_KEY": ""}, NO_AUDIT_KEY),
    ({"KONAGRAPH_DOCUMENTS_MODE": ""}, NO_MODE),
    ({"KONAPLATE_BASE_URL": "http://upstream.example/open-api"}, BASE_HTTPS),
    ({"KONAPLATE_BASE_URL": "HTTP://upstream.example/open-api"}, BASE_HTTPS),
    ({"KONAPLATE_BASE_URL": "http://127.0.0.1.example/open-api"}, BASE_HTTPS),
    ({"KONAPLATE_BASE_URL": "http://10.0.0.1/open-api"}, BASE_HTTPS),
    ({"KONAGRAPH_JWT_JWKS": "http://issuer.example/keys"}, JWKS_HTTPS),
    ({"KONAGRAPH_JWT_JWKS": "Http://issuer.example/keys"}, JWKS_HTTPS),
    ({"KONAGRAPH_JWT_JWKS": "http://localhost@issuer.example/keys"}, JWKS_HTTPS),
    ({"KONAPLATE_BASE_URL": SANDBOX_URL}, SANDBOX),
    ({"KONAPLATE_BASE_URL": "https://SANDBOX.Konaplate.com:443/open-api"}, SANDBOX),
    ({"KONAPLATE_BASE_URL": "https://sandbox.konaplate.com./open-api"}, SANDBOX),
]


@table(("changes", "problem"), RULES)
def test_each_unsafe_setting_alone_stops_production(changes: dict[str, str], problem: str) -> None:
    assert [problem] == problems(PRODUCTION | changes)


@table("changes", [changes for changes, problem in RULES if problem != AUTH])
def test_in_development_each_of_them_is_allowed(changes: dict[str, str]) -> None:
    assert problems(PRODUCTION | changes | {"KONAGRAPH_ENV": "development"}) == []


def test_every_unsafe_setting_is_named_at_once() -> None:
    environment = PRODUCTION | {
        "KONAGRAPH_AUTH": "none",
        **dict.fromkeys(KEYS | MODE, ""),
        "KONAGRAPH_ALLOW_ANONYMOUS": "true",
        "KONAGRAPH_INTROSPECTION": "true",
        "KONAPLATE_BASE_URL": "http://sandbox.konaplate.com/open-api",
        "KONAGRAPH_JWT_JWKS": "http://issuer.example/keys",
        "KONAGRAPH_PORT": "x",
    }

    found = problems(environment)
    port = found.pop(2)
    assert port.startswith("KONAGRAPH_PORT: ")
    # In the order of the page.
    assert found == [
        BASE_HTTPS,
        SANDBOX,
        NO_CARD_REF_KEY,
        NO_ID_KEY,
        NO_AUDIT_KEY,
        AUTH,
        ANONYMOUS,
        JWKS_HTTPS,
        NO_MODE,
        INTROSPECTION,
    ]


def test_a_second_key_of_ids_needs_the_first() -> None:
    second = {"KONAGRAPH_ID_KEY_2": "j" * 32}
    expected = ["KONAGRAPH_ID_KEY is missing; KONAGRAPH_ID_KEY_2 only opens ids, and makes none"]
    assert problems({**PLAIN, **second}) == expected
    assert problems(PRODUCTION | second | {"KONAGRAPH_ID_KEY": ""}) == expected
    assert problems(PRODUCTION | second) == []


@pytest.mark.parametrize("name", ["KONAGRAPH_ID_KEY", "KONAGRAPH_ID_KEY_2"])
def test_a_key_of_ids_is_long(name: str) -> None:
    assert problems(PRODUCTION | {name: "i" * 31}) == [f"{name}: must have at least 32 characters"]
    assert problems(PRODUCTION | {name: "\udcff" + "i" * 32}) == [f"{name}: must be text in UTF-8"]
    # As `openssl rand -base64 64` prints it.
    assert problems(PRODUCTION | {name: "i" * 64 + "\n" + "i" * 24}) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"KONAPLATE_BASE_URL": "http://127.0.0.1:9000/open-api"},
        {"KONAPLATE_BASE_URL": "http://[::1]/open-api"},
        {"KONAGRAPH_JWT_JWKS": "http://localhost/keys"},
        {"KONAGRAPH_JWT_JWKS": "/run/secrets/jwks.json"},
        {"KONAGRAPH_JWT_JWKS": "HTTPS://issuer.example/keys"},
        {"KONAGRAPH_HOST": "0.0.0.0"},
        {"KONAGRAPH_ALLOW_ANONYMOUS": "false"},
        {"KONAGRAPH_INTROSPECTION": "false"},
    ],
    ids=str,
)
def test_what_is_safe_is_allowed_in_production(changes: dict[str, str]) -> None:
    assert problems(PRODUCTION | changes) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"])
def test_nobody_need_say_who_calls_on_a_loopback_address(host: str) -> None:
    assert problems({**PLAIN, "KONAGRAPH_HOST": host}) == []
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "::",
        "[::]",
        "10.0.0.1",
        "128.0.0.1",
        "gateway.example",
        "localhost.example",
        "127.0.0.1.example",
    ],
)
def test_anybody_else_must_say_who_calls(host: str) -> None:
    environment = {**PLAIN, "KONAGRAPH_HOST": host}

    assert problems(environment) == [OPEN]
    assert problems({**environment, "KONAGRAPH_AUTH": "none", "KONAGRAPH_ALLOW_ANONYMOUS": "false"}) == [OPEN]
    assert problems({**environment, "KONAGRAPH_ALLOW_ANONYMOUS": "true"}) == []
    assert problems({**environment, **JWT}) == []


def test_an_address_from_the_command_line_counts_like_a_setting() -> None:
    assert problems(PLAIN, konagraph_host="0.0.0.0") == [OPEN]
    assert problems({**PLAIN, "KONAGRAPH_HOST": "0.0.0.0"}, konagraph_host="127.0.0.1") == []


def test_a_way_to_authenticate_that_cannot_be_read_is_the_only_problem() -> None:
    unreadable = {"KONAGRAPH_AUTH_FILE": "/no/such/file", "KONAGRAPH_HOST": "0.0.0.0"}
    expected = ["KONAGRAPH_AUTH_FILE names a file that cannot be read: /no/such/file: No such file or directory"]

    assert problems({**PLAIN, **unreadable}) == expected
    assert problems({**PLAIN, **KEYS, **MODE, **unreadable, "KONAGRAPH_ENV": "production"}) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"KONAGRAPH_ALLOW_ANONYMOUS": "false"}, []),
        ({"KONAGRAPH_ALLOW_ANONYMOUS": "true"}, [WARNING]),
        ({"KONAGRAPH_ALLOW_ANONYMOUS": "true", "KONAGRAPH_HOST": "0.0.0.0"}, [WARNING]),
        # Without effect, because callers authenticate.
        ({"KONAGRAPH_ALLOW_ANONYMOUS": "true", **JWT}, []),
    ],
    ids=str,
)
def test_a_gateway_that_is_open_to_all_by_request_says_so(changes: dict[str, str], expected: list[str]) -> None:
    assert start_warnings(load_settings({**PLAIN, **changes})) == expected


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({"KONAGRAPH_COST_BURST": "499", **JWT}, True),
        ({"KONAGRAPH_COST_BURST": "1000", **JWT}, False),
        ({"KONAGRAPH_MAX_COST": "1001", **JWT}, True),
        # Without effect, because nobody has a budget.
        ({"KONAGRAPH_COST_BURST": "499"}, False),
    ],
    ids=str,
)
def test_a_cost_that_is_allowed_and_can_never_be_paid_is_warned_of(
    changes: dict[str, str], *, warned: bool
) -> None:
    warnings = start_warnings(load_settings({**PLAIN, **changes}))
    assert warned == any(
        warning.startswith("KONAGRAPH_MAX_COST is above KONAGRAPH_COST_BURST") for warning in warnings
    )
