"""Invalid settings: every problem at once, with the variable's name and never its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from graph.config.environment import load_settings
from graph.config.settings import Settings, SettingsError
from tests.settings_cases import NECESSARY, PLAIN, PRIVATE_PEM, PROTECTED, PUBLIC_PEM, SECOND_PAIR, VARIABLES
from tests.tables import table

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "c4n4ry"
MISSING = "No such file or directory"
ENCRYPTION = ["KONAPLATE_CRYPTO_KEY_ID", "KONAPLATE_SERVER_PUBLIC_KEY", "KONAPLATE_CLIENT_PRIVATE_KEY"]
HEADERS = ["KONAPLATE_ASP_ID", "KONAPLATE_ACCESS_KEY", "KONAPLATE_SECRET_KEY", "KONAPLATE_CRYPTO_KEY_ID"]
FILES = [row[0] for row in VARIABLES if not row[0].endswith("_2")]


def problems(environment: dict[str, str], **overrides: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environment, **overrides)
    assert caught.value.__cause__ is None
    assert CANARY not in str(caught.value) + repr(caught.value)
    assert str(caught.value) == "; ".join(caught.value.problems)
    return caught.value.problems


def test_every_problem_is_reported_at_once(tmp_path: Path) -> None:
    found = problems(
        {
            "KONAPLATE_BASE_URL": f"ftp://{CANARY}",
            "KONAPLATE_ACCESS_KEY": f"{CANARY} {CANARY}",
            "KONAPLATE_SECRET_KEY": CANARY,
            "KONAPLATE_SECRET_KEY_FILE": CANARY,
            "KONAPLATE_CRYPTO_KEY_ID": CANARY,
            "KONAPLATE_SERVER_PUBLIC_KEY": CANARY,
            "KONAPLATE_CRYPTO_KEY_ID_2": CANARY,
            "KONAPLATE_TIMEOUT": CANARY,
            "KONAPLATE_CORRELATION_ECHO": CANARY,
            "KONAPLATE_CA_BUNDLE_FILE": str(tmp_path / "ca"),
            "KONAGRAPH_PORT": "65536",
            "KONAGRAPH_GET": CANARY,
        }
    )

    assert sorted(found) == [
        "KONAGRAPH_GET: must be true or false",
        "KONAGRAPH_PORT: input should be less than or equal to 65535",
        "KONAPLATE_ACCESS_KEY: must be printable ASCII without spaces",
        "KONAPLATE_ASP_ID is missing",
        "KONAPLATE_BASE_URL: must be an http or https URL without credentials, query and fragment",
        f"KONAPLATE_CA_BUNDLE_FILE names a file that cannot be read: {tmp_path / 'ca'}: {MISSING}",
        "KONAPLATE_CLIENT_PRIVATE_KEY is missing (or set KONAPLATE_ENCRYPTION=off for a private line)",
        "KONAPLATE_CLIENT_PRIVATE_KEY_2 is missing; the second key pair needs all three",
        "KONAPLATE_CORRELATION_ECHO: input should be 'learn', 'require' or 'ignore'",
        "KONAPLATE_SECRET_KEY and KONAPLATE_SECRET_KEY_FILE are both set",
        f"KONAPLATE_SERVER_PUBLIC_KEY: is neither PEM text nor the path of a file that can be read ({MISSING})",
        "KONAPLATE_SERVER_PUBLIC_KEY_2 is missing; the second key pair needs all three",
        "KONAPLATE_TIMEOUT: input should be a valid number, unable to parse string as a number",
    ]


def test_nothing_at_all_names_all_that_is_missing() -> None:
    expected = [f"{name} is missing" for name in NECESSARY]
    expected += [f"{name} is missing (or set KONAPLATE_ENCRYPTION=off for a private line)" for name in ENCRYPTION]

    assert sorted(expected) == sorted(problems({}))


@pytest.mark.parametrize("variable", NECESSARY)
@pytest.mark.parametrize("empty", [True, False])
def test_a_necessary_variable_that_is_missing_is_named(variable: str, *, empty: bool) -> None:
    environment = {name: value for name, value in PLAIN.items() if name != variable}

    assert problems({**environment, variable: ""} if empty else environment) == [f"{variable} is missing"]


@pytest.mark.parametrize("missing", ENCRYPTION)
def test_encryption_needs_all_its_keys(missing: str) -> None:
    keys = dict(zip(ENCRYPTION, ["k", PUBLIC_PEM, PRIVATE_PEM], strict=True))

    (problem,) = problems({**NECESSARY, **keys, missing: ""})

    assert problem == f"{missing} is missing (or set KONAPLATE_ENCRYPTION=off for a private line)"


def test_a_key_whose_file_cannot_be_read_is_not_called_missing_as_well() -> None:
    first, second = ENCRYPTION[2], "KONAPLATE_CRYPTO_KEY_ID_2"
    keys = {"KONAPLATE_CRYPTO_KEY_ID": "k", "KONAPLATE_SERVER_PUBLIC_KEY": PUBLIC_PEM}

    assert problems({**NECESSARY, **keys, f"{first}_FILE": CANARY, f"{second}_FILE": CANARY}) == [
        f"{first}_FILE names a file that cannot be read: {MISSING}",
        f"{second}_FILE names a file that cannot be read: {MISSING}",
        "KONAPLATE_SERVER_PUBLIC_KEY_2 is missing; the second key pair needs all three",
        "KONAPLATE_CLIENT_PRIVATE_KEY_2 is missing; the second key pair needs all three",
    ]


@pytest.mark.parametrize("missing", SECOND_PAIR)
@pytest.mark.parametrize("encryption", ["on", "off"])
def test_a_second_key_pair_needs_all_its_keys(missing: str, encryption: str) -> None:
    keys = dict(zip(ENCRYPTION, ["k", PUBLIC_PEM, PRIVATE_PEM], strict=True))
    environment = {**NECESSARY, **keys, **SECOND_PAIR, "KONAPLATE_ENCRYPTION": encryption, missing: ""}

    assert problems(environment) == [f"{missing} is missing; the second key pair needs all three"]


@pytest.mark.slow
@table("variable", FILES)
@table("kind", ["missing", "a folder", "not text", "too large", "empty"])
def test_a_file_that_cannot_be_read_is_told_with_its_path_and_the_reason(
    variable: str, kind: str, tmp_path: Path
) -> None:
    file = tmp_path / kind
    content = {
        "not text": b"\xff\xfe" + CANARY.encode("utf-16-le"),
        "too large": b"x" * 2_000_000,
        "empty": b" \n",
    }
    if kind in content:
        file.write_bytes(content[kind])
    elif kind == "a folder":
        file.mkdir(exist_ok=True)
    reason = {
        "missing": f"names a file that cannot be read: {file}: {MISSING}",
        "a folder": f"names a file that cannot be read: {file}: Is a directory",
        "not text": f"names a file that cannot be read: {file}: it is not UTF-8 text",
        "too large": f"names a file that cannot be read: {file}: it is larger than 1048576 bytes",
        "empty": "names an empty file",
    }[kind]

    environment = {name: value for name, value in PROTECTED.items() if name != variable}
    environment[f"{variable}_FILE"] = str(file)

    assert problems(environment) == [f"{variable}_FILE {reason}"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (CANARY, MISSING),
        (f"/{CANARY}", MISSING),
        (f"./{CANARY}", MISSING),
        (f"/{CANARY}/x", MISSING),
        (f"{CANARY}\0", "it is not a valid file name"),
        (CANARY * 2000, "File name too long"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_secret_in_place_of_the_path_of_its_file_is_not_repeated(path: str, reason: str) -> None:
    environment = {name: value for name, value in PLAIN.items() if name != "KONAPLATE_SECRET_KEY"}

    assert problems({**environment, "KONAPLATE_SECRET_KEY_FILE": path}) == [
        f"KONAPLATE_SECRET_KEY_FILE names a file that cannot be read: {reason}"
    ]


@pytest.mark.parametrize("variable", ENCRYPTION[1:])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CANARY, MISSING),
        (f"BEGIN PUBLIC KEY-----{CANARY}", MISSING),
        (f"{CANARY}\0", "it is not a valid file name"),
        ("MII" + CANARY * 300, "File name too long"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_key_that_is_neither_pem_nor_a_path_is_not_repeated(variable: str, text: str, reason: str) -> None:
    assert problems({**PLAIN, variable: text}) == [
        f"{variable}: is neither PEM text nor the path of a file that can be read ({reason})"
    ]


@pytest.mark.parametrize(
    ("variable", "content", "problem"),
    [
        ("KONAPLATE_SERVER_PUBLIC_KEY", CANARY, "is neither PEM text nor the path of a file that can be read"),
        (
            "KONAPLATE_SERVER_PUBLIC_KEY",
            f"{CANARY}\n" * 99,
            "is neither PEM text nor the path of a file that can be read",
        ),
        ("KONAGRAPH_ID_KEY", CANARY, "must have at least 32 characters"),
        ("KONAGRAPH_AUTH", CANARY, "is wrong: input should be 'none', 'jwt' or 'api-key'"),
    ],
)
def test_wrong_content_of_a_file_is_told_by_the_variable_that_names_the_file(
    variable: str, content: str, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text(content, "utf-8")
    expected = [f"{variable}_FILE names a file whose content {problem}"]
    assert problems({**PLAIN, f"{variable}_FILE": str(file)}) == expected


@pytest.mark.parametrize("variable", ENCRYPTION[1:])
@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/run/secrets/konaplate_key", MISSING),
        ("keys/server.pem", MISSING),
        ("server.key", MISSING),
        (".", "Is a directory"),
    ],
)
def test_a_key_that_is_plainly_a_path_is_told_with_the_reason(variable: str, path: str, reason: str) -> None:
    assert problems({**PLAIN, variable: path}) == [
        f"{variable}: names a file that cannot be read: {path}: {reason}"
    ]


@table(
    ("variable", "quotes"),
    [(row[0], '""') for row in VARIABLES]
    + [("KONAPLATE_SECRET_KEY", quotes) for quotes in ("''", "``", "\u201c\u201d", "\u2018\u2019")],
)
def test_quotes_around_a_value_are_a_problem(variable: str, quotes: str, tmp_path: Path) -> None:
    file = tmp_path / "value"
    text = {row[0]: row[1] for row in VARIABLES}[variable]
    quoted = f"{quotes[0]}{text}{quotes[1]}"
    file.write_text(quoted, "utf-8")
    others = {name: value for name, value in PROTECTED.items() if name != variable} | {
        name: value for name, value in SECOND_PAIR.items() if name != variable
    }
    reason = "is in quotes, which would be part of the value"

    assert problems({**others, variable: quoted}) == [f"{variable} {reason}"]
    assert problems({**others, f"{variable}_FILE": f"{quotes[0]}{file}{quotes[1]}"}) == [
        f"{variable}_FILE {reason}"
    ]
    assert problems({**others, f"{variable}_FILE": str(file)}) == [
        f"{variable}_FILE names a file whose content {reason}"
    ]


@table("variable", HEADERS)
@table("text", [f"{CANARY} x", f"{CANARY}\r\nX-Evil: 1", f"{CANARY}\0", "카나리", "\x7f"])
def test_what_goes_into_a_header_is_printable_ascii(variable: str, text: str) -> None:
    assert problems({**PLAIN, variable: text}) == [f"{variable}: must be printable ASCII without spaces"]


def test_an_override_is_checked_too() -> None:
    assert problems(PLAIN, konagraph_port=70_000) == [
        "KONAGRAPH_PORT: input should be less than or equal to 65535"
    ]


def test_what_pydantic_itself_says_of_a_wrong_value_does_not_repeat_it() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(konaplate_base_url=CANARY, konaplate_timeout=CANARY)  # type: ignore[call-arg]

    assert "konaplate_timeout" in str(caught.value)
    assert CANARY not in str(caught.value) + repr(caught.value)


NAMES = [name for field in Settings.model_fields for name in (field.upper(), f"{field.upper()}_FILE")]
# Bytes of the environment that are not UTF-8 arrive as lone surrogates.
TEXTS = st.text() | st.text("\udc80\udcff\0\n\\ -.:/@?#[]0123456789eE+onf", max_size=12)
VALUES = st.tuples(st.sampled_from(["", "-----BEGIN ", "http://", "https://", "1", "/"]), TEXTS, TEXTS).map(
    lambda parts: f"{parts[0]}{parts[1]}{CANARY}{parts[2]}"
)


@given(changes=st.dictionaries(st.sampled_from(NAMES), VALUES), complete=st.booleans())
def test_no_text_breaks_the_settings_or_is_echoed(changes: dict[str, str], *, complete: bool) -> None:
    shown = ""
    try:
        settings = load_settings({**PLAIN, **changes} if complete else changes)
        shown = f"{settings.konaplate_access_key!r} {settings.konaplate_secret_key!r}"
    except SettingsError as error:
        shown = f"{error} {error!r} {error.problems} {error.__cause__}"

    assert shown
    assert CANARY not in shown


@given(TEXTS, TEXTS)
def test_no_unknown_name_breaks_the_settings(name: str, value: str) -> None:
    assert load_settings(PLAIN) == load_settings({**PLAIN, f"KONAGRAPH__{name}": value})
