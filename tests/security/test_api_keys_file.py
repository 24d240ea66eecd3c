"""The file of API keys: every problem is named, and nothing of a key is repeated."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

import pytest

from graph.app import create_app
from graph.config.settings import SettingsError
from graph.security.api_keys import BadKeyFileError, read_api_keys
from graph.security.authorization import EVERY_SCOPE, Allowance
from graph.wiring.security import read_key_files
from tests.support import sandbox_settings
from tests.tables import table

if TYPE_CHECKING:
    from pathlib import Path

DIGEST = hashlib.sha256(b"a key").hexdigest()
OTHER = hashlib.sha256(b"another key").hexdigest()
DEFAULTS = Allowance(cards_per_minute=7, cards_per_hour=70)
SCOPES = f"scopes must be of {', '.join(sorted(EVERY_SCOPE))}"
HEXADECIMAL = "sha256 must be 64 hexadecimal digits"
NAME = "name must be a non-empty string"


def entry(text: str) -> str:
    return f"[[keys]]\n{text}\n"


def good(name: str = "reporting", digest: str = DIGEST) -> str:
    return entry(f'name = "{name}"\nsha256 = "{digest}"')


def problems(text: str) -> list[str]:
    with pytest.raises(BadKeyFileError) as caught:
        read_api_keys(text, DEFAULTS)
    assert caught.value.__cause__ is None
    assert "; ".join(caught.value.problems) == str(caught.value)
    for part in (DIGEST[:8], DIGEST[-8:], OTHER[:8], "c4n4ry"):
        assert part not in str(caught.value).lower()
    return caught.value.problems


def test_a_digest_may_be_in_capitals() -> None:
    assert read_api_keys(good(digest=DIGEST.upper()), DEFAULTS) == read_api_keys(good(), DEFAULTS)


def test_an_entry_becomes_a_viewer_with_its_scopes_and_budgets() -> None:
    scopes = sorted(EVERY_SCOPE)
    (key,) = read_api_keys(
        good() + f"scopes = {scopes}\ncards_per_minute = 600\nrequest_burst = 1_000\ncost_burst = 1", DEFAULTS
    )

    viewer = key.viewer
    assert bytes.fromhex(DIGEST) == key.digest
    assert (viewer.kind, viewer.id, viewer.scopes, viewer.member_id) == ("service", "reporting", EVERY_SCOPE, None)
    assert viewer.allowance == dataclasses.replace(
        DEFAULTS, cards_per_minute=600, request_burst=1_000, cost_burst=1
    )


def test_an_entry_without_scopes_and_budgets_has_none_and_the_defaults() -> None:
    (key,) = read_api_keys(good(), DEFAULTS)

    assert (frozenset(), DEFAULTS) == (key.viewer.scopes, key.viewer.allowance)


def test_every_budget_can_be_given() -> None:
    names = [field.name for field in dataclasses.fields(Allowance)]
    text = "\n".join(f"{name} = {number}" for number, name in enumerate(names, start=1))

    (key,) = read_api_keys(good() + text, DEFAULTS)
    assert Allowance(*range(1, len(names) + 1)) == key.viewer.allowance


def test_a_key_does_not_show_its_digest() -> None:
    (key,) = read_api_keys(good(), DEFAULTS)

    assert "reporting" in repr(key)
    assert DIGEST not in repr(key)
    assert repr(bytes.fromhex(DIGEST)) not in repr(key)


@table(
    ("text", "expected"),
    [
        ("", ["it has no [[keys]]"]),
        ("keys = []", ["it has no [[keys]]"]),
        ("keys = 5", ["it has no [[keys]]"]),
        ('keys = "c4n4ry"', ["it has no [[keys]]"]),
        ("[[key]]\nname = 'c4n4ry'", ["it has no [[keys]]"]),
        ("c4n4ry", ["it is not TOML"]),
        (good() + DIGEST, ["it is not TOML"]),
        (good() + good().replace("name", "\x00"), ["it is not TOML"]),
        (f"keys = {'[' * 10_000}{']' * 10_000}", ["it is not TOML"]),
        (f"keys = {'9' * 5_000}", ["it is not TOML"]),
        (f'keys = ["c4n4ry", 5, "{DIGEST}"]', [f"key {number} is not a table" for number in (1, 2, 3)]),
        (entry(""), [f"key 1: {NAME}", f"key 1: {HEXADECIMAL}"]),
    ],
)
def test_what_is_no_key_file_is_refused(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


@pytest.mark.parametrize("name", ['""', "5", "true", '["c4n4ry"]', "{}", "2020-01-01"])
def test_a_name_that_is_no_text_is_refused(name: str) -> None:
    assert problems(entry(f'name = {name}\nsha256 = "{DIGEST}"')) == [f"key 1: {NAME}"]


@table(
    "digest",
    [
        *('""', "5", "true", "[]", f'"{DIGEST[:-1]}"', f'"{DIGEST}0"', f'"{DIGEST}\\n"'),
        *(
            f'" {DIGEST}"',
            f'"sha256:{DIGEST}"',
            f'["{DIGEST}"]',
            f'"{"０" * 64}"',
            f'"{"g" * 64}"',
            '"a key c4n4ry"',
        ),
    ],
)
def test_a_digest_of_another_form_is_refused(digest: str) -> None:
    assert problems(entry(f'name = "reporting"\nsha256 = {digest}')) == [f"key 1: {HEXADECIMAL}"]


def test_the_digest_of_an_empty_text_is_refused() -> None:
    empty = hashlib.sha256(b"").hexdigest()
    expected = "key 2: sha256 is the digest of the empty string: the key was probably unset"
    assert problems(good() + good("second", empty)) == [expected]


@pytest.mark.parametrize(
    "scopes",
    [
        '"cards:read:any"',
        "5",
        "true",
        '["cards:read"]',
        '["member:read", "*"]',
        "[5]",
        "[true]",
        '[["member:read"]]',
        "{}",
    ],
)
def test_a_scope_that_is_not_known_is_refused(scopes: str) -> None:
    assert problems(good() + f"scopes = {scopes}") == [f"key 1: {SCOPES}"]


@table("budget", sorted(field.name for field in dataclasses.fields(Allowance)))
@table("value", ["0", "-1", "1.5", "1e3", "inf", "nan", "true", '"5"', "[5]", "1000000001", "9" * 400])
def test_a_budget_that_is_no_count_is_refused(budget: str, value: str) -> None:
    expected = [f"key 1: {budget} must be a whole number from 1 to 1000000000"]

    assert problems(good() + f"{budget} = {value}") == expected


def test_an_entry_that_nothing_reads_is_named_unless_it_could_be_a_key() -> None:
    assert problems(good() + "scope = []\ncard_per_minute = 5") == [
        "key 1: unknown entry card_per_minute",
        "key 1: unknown entry scope",
    ]
    for secret in (DIGEST, '"K c4n4ry"', f'"{"c4n4ry" * 20}"', "9491339400000013"):
        assert problems(good() + f"{secret} = 1") == ["key 1: unknown entry"]


def test_two_keys_that_share_a_name_or_a_digest_are_refused() -> None:
    assert problems(good() + good(digest=OTHER)) == ["two keys have the same name"]
    assert problems(good() + good("second")) == ["two keys have the same sha256"]
    assert problems(good() + good()) == ["two keys have the same name", "two keys have the same sha256"]


def test_every_problem_is_named_at_once() -> None:
    text = (
        good()
        + entry('name = ""\nsha256 = "c4n4ry"\nscopes = ["all"]\ncost_burst = 0\ncards_per_hour = -1\nmore = 1')
        + good("third", DIGEST)
        + entry(f'sha256 = "{OTHER}"')
    )

    budgets = "must be a whole number from 1 to 1000000000"
    assert problems(text) == [
        "key 2: unknown entry more",
        f"key 2: {NAME}",
        f"key 2: {HEXADECIMAL}",
        f"key 2: {SCOPES}",
        f"key 2: cards_per_hour {budgets}",
        f"key 2: cost_burst {budgets}",
        f"key 4: {NAME}",
        "two keys have the same sha256",
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, ["KONAGRAPH_API_KEYS names a file that cannot be read: {file}: No such file or directory"]),
        (
            b"\xff\xfe c4n4ry",
            ["KONAGRAPH_API_KEYS names a file that cannot be read: {file}: it is not UTF-8 text"],
        ),
        (b"c4n4ry", ["KONAGRAPH_API_KEYS: it is not TOML"]),
        (b"[[keys]]", [f"KONAGRAPH_API_KEYS: key 1: {NAME}", f"KONAGRAPH_API_KEYS: key 1: {HEXADECIMAL}"]),
    ],
)
def test_a_bad_file_stops_the_start_and_the_check(
    content: bytes | None, expected: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "c4n4ry.toml"
    if content is not None:
        file.write_bytes(content)
    settings = sandbox_settings(KONAGRAPH_AUTH="api-key", KONAGRAPH_API_KEYS=file)

    for start in (read_key_files, create_app):
        with pytest.raises(SettingsError) as caught:
            start(settings)
        assert [problem.format(file=file) for problem in expected] == caught.value.problems


def test_a_good_file_passes_the_check(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(good())

    read_key_files(sandbox_settings(KONAGRAPH_AUTH="api-key", KONAGRAPH_API_KEYS=file))
