"""Settings: every variable, from the environment or from a file, with its default and its bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from graph.config.environment import load_settings, unknown_variables
from graph.config.settings import Settings, SettingsError
from graph.konaplate.protocol import EchoRule, Zone
from tests.settings_cases import NECESSARY, PLAIN, PRIVATE_PEM, PROTECTED, PUBLIC_PEM, SECOND_PAIR, VARIABLES
from tests.tables import table


def without(environment: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in environment.items() if key != name}


def value_of(settings: Settings, variable: str) -> Any:
    return getattr(settings, variable.lower())


def test_every_setting_is_in_the_table_of_this_test() -> None:
    assert list(Settings.model_fields) == [name.lower() for name, _, _ in VARIABLES]


@table(("variable", "text", "expected"), VARIABLES)
def test_a_variable_is_read_from_the_environment(variable: str, text: str, expected: Any) -> None:
    settings = load_settings({**PROTECTED, **SECOND_PAIR, variable: text})

    assert value_of(settings, variable) == expected
    assert type(expected) is type(value_of(settings, variable)) or isinstance(expected, Path)


@table(("variable", "text", "expected"), VARIABLES)
def test_a_variable_is_read_from_a_secret_file(variable: str, text: str, expected: Any, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{text}\n", encoding="utf-8")
    environment = {**without({**PROTECTED, **SECOND_PAIR}, variable), f"{variable}_FILE": str(file)}

    assert value_of(load_settings(environment), variable) == expected


@table("spoil", ["{}\r", " \t{}\n", "\ufeff{}", "\ufeff {}\u00a0\r\n"])
@table("form", ["text", "file variable", "path with the same around it"])
def test_white_space_and_a_byte_order_mark_around_a_value_are_no_part_of_it(
    spoil: str, form: str, tmp_path: Path
) -> None:
    file = tmp_path / "issuer"
    file.write_text(spoil.format("an issuer") if form == "file variable" else "an issuer", "utf-8")
    given = {
        "text": {"KONAGRAPH_JWT_ISSUER": spoil.format("an issuer")},
        "file variable": {"KONAGRAPH_JWT_ISSUER_FILE": str(file)},
        "path with the same around it": {"KONAGRAPH_JWT_ISSUER_FILE": spoil.format(file)},
    }[form]

    assert load_settings({**PLAIN, **given}).konagraph_jwt_issuer == "an issuer"


@table("variable", [row[0] for row in VARIABLES])
def test_a_variable_and_its_file_together_are_a_problem(variable: str, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    text = {row[0]: row[1] for row in VARIABLES}[variable]
    file.write_text(text)

    with pytest.raises(SettingsError) as caught:
        load_settings({**PROTECTED, **SECOND_PAIR, variable: text, f"{variable}_FILE": str(file)})

    assert caught.value.problems == [f"{variable} and {variable}_FILE are both set"]


def test_what_is_not_set_has_its_default() -> None:
    settings = load_settings(PLAIN)

    assert settings.model_dump(exclude={name.lower() for name in PLAIN}) == {
        "konaplate_crypto_key_id": None,
        "konaplate_server_public_key": None,
        "konaplate_client_private_key": None,
        "konaplate_crypto_key_id_2": None,
        "konaplate_server_public_key_2": None,
        "konaplate_client_private_key_2": None,
        "konaplate_jwe_algorithms": ("RSA-OAEP-256", "A128GCM", "A256GCM"),
        "konaplate_seal_requests": (),
        "konaplate_seal_answers": (),
        "konaplate_correlation_echo": EchoRule.LEARN,
        "konaplate_ca_bundle": None,
        "konaplate_client_certificate": None,
        "konaplate_client_certificate_key": None,
        "konaplate_timeout": 2.5,
        "konaplate_pool_timeout": 0.25,
        "konaplate_max_connections": 64,
        "konagraph_env": "development",
        "konagraph_host": "127.0.0.1",
        "konagraph_port": 8000,
        "konagraph_log_level": "info",
        "konagraph_log_format": "json",
        "konagraph_otel_endpoint": None,
        "konagraph_request_timeout": 5.0,
        "konagraph_max_requests": 200,
        "konagraph_max_root_fields": 10,
        "konagraph_max_cost": 1_000,
        "konagraph_max_cards": 20,
        "konagraph_documents": (),
        "konagraph_documents_mode": "off",
        "konagraph_apq": None,
        "konagraph_introspection": None,
        "konagraph_get": None,
        "konagraph_admin_host": "127.0.0.1",
        "konagraph_admin_port": 9090,
        "konagraph_drain_delay": 0.0,
        "konagraph_keepalive": 75.0,
        "konagraph_allowed_hosts": frozenset(),
        "konagraph_allowed_origins": frozenset(),
        "konagraph_allowed_headers": frozenset(),
        "konagraph_draft_status_codes": False,
        "konagraph_federation": False,
        "konagraph_trusted_proxies": (),
        "konagraph_auth": "none",
        "konagraph_allow_anonymous": False,
        "konagraph_jwt_jwks": None,
        "konagraph_jwt_issuer": None,
        "konagraph_jwt_audience": None,
        "konagraph_member_claim": "konaplate_user_id",
        "konagraph_scope_claim": "scope",
        "konagraph_api_keys": None,
        "konagraph_redis_url": None,
        "konagraph_card_ref_key": None,
        "konagraph_id_key": None,
        "konagraph_id_key_2": None,
        "konaplate_no_card_codes": (),
        "konaplate_first_page": 0,
        "konaplate_time_zone": Zone.KST,
        "konagraph_max_transaction_days": 90,
        "konagraph_audit_log": None,
        "konagraph_audit_key": None,
        "konagraph_audit_own_reads": True,
        "konagraph_clients": frozenset(),
        "konagraph_request_rate": 50,
        "konagraph_request_burst": 100,
        "konagraph_cost_burst": 1_000,
        "konagraph_cards_per_minute": 30,
    }


def test_encryption_is_on_unless_it_is_switched_off() -> None:
    keys = {
        "KONAPLATE_CRYPTO_KEY_ID": "k",
        "KONAPLATE_SERVER_PUBLIC_KEY": PUBLIC_PEM,
        "KONAPLATE_CLIENT_PRIVATE_KEY": PRIVATE_PEM,
    }

    assert load_settings({**NECESSARY, **keys}).konaplate_encryption == "on"


@table("variable", [row[0] for row in VARIABLES if row[0] not in PLAIN])
def test_an_empty_variable_is_as_good_as_none(variable: str) -> None:
    assert load_settings(PLAIN) == load_settings({**PLAIN, variable: ""})
    assert load_settings(PLAIN) == load_settings({**PLAIN, f"{variable}_FILE": ""})


def test_an_empty_variable_does_not_contradict_its_file(tmp_path: Path) -> None:
    file = tmp_path / "level"
    file.write_text("debug")

    from_file = load_settings({**PLAIN, "KONAGRAPH_LOG_LEVEL": "", "KONAGRAPH_LOG_LEVEL_FILE": str(file)})
    direct = load_settings({**PLAIN, "KONAGRAPH_LOG_LEVEL": "error", "KONAGRAPH_LOG_LEVEL_FILE": ""})

    assert from_file.konagraph_log_level == "debug"
    assert direct.konagraph_log_level == "error"


@table(
    "text",
    [
        PUBLIC_PEM,
        PUBLIC_PEM.replace("\n", "\\n"),
        PUBLIC_PEM.replace("\n", "\\r\\n"),
        PUBLIC_PEM + "\n",
        f"\n  {PUBLIC_PEM}",
        f"\ufeff{PUBLIC_PEM}",
    ],
)
@table("form", ["text", "path", "file variable", "path in a file"])
def test_a_key_is_pem_text_or_the_path_of_a_file_with_it(text: str, form: str, tmp_path: Path) -> None:
    file, pointer = tmp_path / "key.pem", tmp_path / "pointer"
    file.write_text(text)
    pointer.write_text(f"{file}\n")
    name = "KONAPLATE_SERVER_PUBLIC_KEY"
    given = {
        "text": {name: text},
        "path": {name: str(file)},
        "file variable": {f"{name}_FILE": str(file)},
        "path in a file": {f"{name}_FILE": str(pointer)},
    }[form]

    key = load_settings({**PLAIN, **given}).konaplate_server_public_key

    assert key is not None
    assert key.reveal().strip() == PUBLIC_PEM


@table("switch", ["konagraph_introspection", "konagraph_get"])
@table(
    ("environment", "text", "allowed"),
    [
        ("development", "", True),
        ("development", "true", True),
        ("development", "false", False),
        ("production", "", False),
        ("production", "true", True),
        ("production", "false", False),
        ("", "", True),
    ],
)
def test_a_switch_is_on_in_development_and_off_in_production_unless_it_is_set(
    switch: str, environment: str, text: str, *, allowed: bool
) -> None:
    variables = {**PROTECTED, "KONAGRAPH_ENV": environment, switch.upper(): text}
    if (switch, environment, text) == ("konagraph_introspection", "production", "true"):
        with pytest.raises(SettingsError):
            load_settings(variables)
        return
    settings = load_settings(variables)

    assert allowed is settings.allowed_in_development(getattr(settings, switch))


def test_an_override_wins_over_the_environment() -> None:
    settings = load_settings({**PLAIN, "KONAGRAPH_PORT": "9"}, konagraph_port=0, konagraph_host="::1")

    assert (settings.konagraph_port, settings.konagraph_host) == (0, "::1")


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(PLAIN)

    with pytest.raises(ValidationError):
        settings.konagraph_port = 1  # type: ignore[misc]


def test_settings_show_no_secret() -> None:
    settings = load_settings({**PLAIN, "KONAPLATE_CLIENT_PRIVATE_KEY": PRIVATE_PEM})

    for shown in (repr(settings), str(settings), f"{settings}"):
        assert "an-access-key" not in shown
        assert "a-secret-key" not in shown
        assert "MIIBprivate" not in shown


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("KONAPLATE_ACCES_KEY", "; did you mean KONAPLATE_ACCESS_KEY?"),
        ("KONAPLATE_SECRET_KEY_FIEL", "; did you mean KONAPLATE_SECRET_KEY_FILE?"),
        ("KONAGRAPH_PROT", "; did you mean KONAGRAPH_PORT?"),
        ("KONAGRAPH_TIMEOUT", "; did you mean KONAPLATE_TIMEOUT?"),
        ("KONAGRAPH_GRAPHIQL", ""),
        ("KONAGRAPH_COLOUR_OF_THE_SKY", ""),
    ],
)
def test_a_variable_that_nothing_reads_is_named_with_what_was_likely_meant(variable: str, hint: str) -> None:
    assert unknown_variables({**PLAIN, variable: "a-secret"}) == [f"{variable} is not a setting{hint}"]


def test_known_and_foreign_variables_are_not_named() -> None:
    known = {name: "" for row in VARIABLES for name in (row[0], f"{row[0]}_FILE")}

    assert unknown_variables({**known, "PATH": "", "KONA": "", "konagraph_prot": "", "XKONAGRAPH_PORT": ""}) == []
