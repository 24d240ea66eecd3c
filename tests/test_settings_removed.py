"""What was a setting once is named with what holds now, and stops a start where a protection would be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from graph.config.environment import load_settings, removed_variables, unknown_variables
from graph.config.removed import REMOVED
from graph.config.settings import Settings, SettingsError
from tests.settings_cases import PLAIN

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = {name for name, now in REMOVED.items() if "{" in now}
STRICTER = dict.fromkeys(LIMITS, "0.5") | {
    "KONAGRAPH_EXPLORER": "false",
    "KONAPLATE_JWE_CONTENT_ENCRYPTIONS": "A256GCM",
}


def refusal(**variables: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings({**PLAIN, **variables})
    return caught.value.problems


def warnings(**variables: str) -> list[str]:
    environment = {**PLAIN, **variables}
    assert unknown_variables(environment) == []
    return removed_variables(environment, load_settings(environment))


def test_no_setting_is_called_removed() -> None:
    assert REMOVED.keys().isdisjoint(name.upper() for name in Settings.model_fields)


def test_each_is_named_with_what_holds_now(tmp_path: Path) -> None:
    words = {"KONAGRAPH_EXPLORER": "true", "KONAPLATE_JWE_CONTENT_ENCRYPTIONS": "A128GCM A256GCM"}
    for name in REMOVED:
        generous = words.get(name, "1000000")
        (warning,) = warnings(**{name: generous})
        assert warning.startswith(f"{name} is no longer a setting, and has no effect (now: ")
        file = tmp_path / name
        file.write_text(generous)
        assert [warning] == warnings(**{f"{name}_FILE": str(file)})
        assert warnings(**{name: ""}) == []


def test_one_that_asks_for_more_protection_stops_the_start(tmp_path: Path) -> None:
    for name, value in STRICTER.items():
        (problem,) = refusal(**{name: value})
        assert problem.startswith(
            f"{name} is no longer a setting, and asks for more protection than there is (now: "
        )
        assert problem.endswith("); unset it to accept that")
        file = tmp_path / name
        file.write_text(value)
        assert [problem] == refusal(**{f"{name}_FILE": str(file)})


@pytest.mark.parametrize(
    ("variables", "now"),
    [
        ({"KONAGRAPH_MAX_FIELDS": "200"}, "200 fields; more with KONAGRAPH_MAX_ROOT_FIELDS"),
        (
            {"KONAGRAPH_MAX_FIELDS": "400", "KONAGRAPH_MAX_ROOT_FIELDS": "20"},
            "400 fields; more with KONAGRAPH_MAX_ROOT_FIELDS",
        ),
        (
            # Raised, and never meant as a protection.
            {"KONAGRAPH_MAX_ALIASES": "20", "KONAGRAPH_MAX_ROOT_FIELDS": "20"},
            "30 aliases; more with KONAGRAPH_MAX_ROOT_FIELDS",
        ),
        (
            {"KONAGRAPH_CARDS_PER_HOUR": "1000000", "KONAGRAPH_CARDS_PER_MINUTE": "1000000"},
            "10,000,000 cards an hour, ten times KONAGRAPH_CARDS_PER_MINUTE; set that",
        ),
        (
            {"KONAGRAPH_CARDS_PER_HOUR": "50", "KONAGRAPH_CARDS_PER_MINUTE": "5"},
            "50 cards an hour, ten times KONAGRAPH_CARDS_PER_MINUTE; set that",
        ),
        ({"KONAGRAPH_HEADER_TIMEOUT": "5"}, "5 seconds for a request's headers"),
        (
            {"KONAPLATE_JWE_CONTENT_ENCRYPTIONS": "A256GCM", "KONAPLATE_JWE_ALGORITHMS": "RSA-OAEP A256GCM"},
            "name them in KONAPLATE_JWE_ALGORITHMS",
        ),
        (
            {"KONAGRAPH_EXPLORER": "false", "KONAGRAPH_INTROSPECTION": "false"},
            "GraphiQL is served if KONAGRAPH_INTROSPECTION lets everybody query the schema",
        ),
    ],
)
def test_what_the_other_settings_make_of_it_is_what_holds(variables: dict[str, str], now: str) -> None:
    (name, *_) = variables
    assert warnings(**variables) == [f"{name} is no longer a setting, and has no effect (now: {now})"]


@pytest.mark.parametrize(
    "variables",
    [
        {"KONAGRAPH_MAX_FIELDS": "199", "KONAGRAPH_MAX_ROOT_FIELDS": "20"},
        {"KONAGRAPH_MAX_ALIASES": "15", "KONAGRAPH_MAX_ROOT_FIELDS": "100"},
        {"KONAGRAPH_CARDS_PER_HOUR": "49", "KONAGRAPH_CARDS_PER_MINUTE": "5"},
        {"KONAGRAPH_MAX_DEPTH": "c4n4ry"},
        {"KONAGRAPH_MAX_DEPTH": "nan"},
        {"KONAGRAPH_MAX_DEPTH_FILE": "/nowhere/c4n4ry"},
        {"KONAPLATE_JWE_CONTENT_ENCRYPTIONS": "A128GCM", "KONAPLATE_JWE_ALGORITHMS": "RSA-OAEP A256GCM"},
        {"KONAPLATE_JWE_CONTENT_ENCRYPTIONS": "A256GCM A128GCM"},
        {"KONAGRAPH_EXPLORER": '"false"'},
    ],
    ids=str,
)
def test_what_may_have_been_stricter_is_not_lost_unnoticed(variables: dict[str, str]) -> None:
    (problem,) = refusal(**variables)
    assert problem.startswith(
        f"{next(iter(variables)).removesuffix('_FILE')} is no longer a setting, and asks for"
    )
    assert "c4n4ry" not in problem


def test_a_limit_is_not_compared_with_a_setting_that_is_wrong_itself() -> None:
    (problem,) = refusal(KONAGRAPH_MAX_FIELDS="100", KONAGRAPH_MAX_ROOT_FIELDS="many")
    assert problem.startswith("KONAGRAPH_MAX_ROOT_FIELDS: input should be")
