"""Reads the settings from environment variables and the files that they name. Nothing else reads the environment.

All problems are reported at once, by the variable's name and never with its value.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

from graph.config.files import UnreadableFileError, read_text, unreadable
from graph.config.removed import REMOVED, asks_for_more, what_holds
from graph.config.rules import broken_rules
from graph.config.settings import Settings, SettingsError
from graph.config.types import LongKey
from graph.config.warnings import names_in, naming_none_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic_core import ErrorDetails

    from schema.secrets import Credential

_KEY: Final[TypeAdapter[Any]] = TypeAdapter(LongKey, config=ConfigDict(arbitrary_types_allowed=True))
_PLACES: Final = {field.upper(): place for place, field in enumerate(Settings.model_fields)}
PREFIXES: Final = ("KONAGRAPH_", "KONAPLATE_")
_QUOTES: Final = frozenset({'""', "''", "``", "\u201c\u201d", "\u2018\u2019"})
_BYTE_ORDER_MARK: Final = "\ufeff"
# Placeholders for required settings that are missing or wrong, so that the others can be checked. They break no
# rule, and no call is ever made with them.
_PLACEHOLDERS: Final = {
    "konaplate_base_url": "https://konaplate.invalid/open-api",
    "konaplate_asp_id": "0" * 15,
    "konaplate_access_key": "0" * 40,
    "konaplate_secret_key": "none",
}


def load_settings(environment: Mapping[str, str], **overrides: Any) -> Settings:
    """Read the settings.

    Args:
        environment: usually `os.environ`.
        overrides: values by field name that take precedence unless they are None, such as a port from the command
            line.

    Raises:
        SettingsError: with all problems at once.
    """
    values: dict[str, Any] = {}
    unread: dict[str, str] = {}
    for field in Settings.model_fields:
        try:
            value = _value(environment, field.upper())
        except ValueError as error:
            unread[field] = str(error)
        else:
            # Compose files set a variable to the empty string where none is given.
            values |= {field: value} if value else {}
    values |= {field: value for field, value in overrides.items() if value is not None}
    invalid: dict[str, str] = {}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        entries = error.errors(include_input=False, include_url=False)
        found = {str(entry["loc"][0]): _problem(entry, environment) for entry in entries}
        invalid = {field: problem for field, problem in found.items() if field not in unread}
        good = {field: value for field, value in values.items() if field not in found}
        settings = Settings(**{**_PLACEHOLDERS, **good})
    wrong = frozenset(unread.keys() | invalid.keys())
    lost = (
        f"{name} is no longer a setting, and asks for more protection than there is "
        f"(now: {what_holds(name, settings)}); unset it to accept that"
        for name, value in _removed(environment).items()
        if asks_for_more(name, value, settings)
    )
    problems = [
        *unread.values(),
        *broken_rules(settings, wrong),
        *invalid.values(),
        *naming_none_of(wrong, lost),
    ]
    if problems:
        # As on the page about the settings: what everybody needs comes first.
        problems.sort(key=_place)
        raise SettingsError(problems, settings, wrong)
    return settings


def load_key(environment: Mapping[str, str], name: str) -> Credential:
    """Read one setting that is a key, for a command that needs no other.

    Raises:
        SettingsError: it is missing or wrong.
    """
    text = load_text(environment, name)
    if not text:
        raise SettingsError([f"{name} is missing"])
    return _key_of(name, text)


def read_key(file: Path) -> Credential:
    """Read a key that no setting names.

    Raises:
        SettingsError: the file cannot be read, or has no key.
    """
    try:
        return _key_of(str(file), read_text(file).strip())
    except UnreadableFileError as error:
        raise SettingsError([f"{file} {unreadable(error)}"]) from None


def load_text(environment: Mapping[str, str], name: str) -> str:
    """Read one setting as it is written; empty if it is not set.

    Raises:
        SettingsError: its file cannot be read.
    """
    try:
        return _value(environment, name)
    except ValueError as error:
        raise SettingsError([str(error)]) from None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables with our prefixes that no setting reads, usually typing errors, each with the likely name."""
    known = _with_files(field.upper() for field in Settings.model_fields)
    removed = _with_files(REMOVED)
    # Without the prefix, which would make any two names alike.
    bare = {_bare(name): name for name in known}
    hints = []
    for name in sorted(environment):
        if name.startswith(PREFIXES) and name not in known and name not in removed:
            close = difflib.get_close_matches(_bare(name), bare, 1, 0.7)
            hints.append(f"{name} is not a setting" + (f"; did you mean {bare[close[0]]}?" if close else ""))
    return hints


def removed_variables(environment: Mapping[str, str], settings: Settings) -> list[str]:
    """Variables of removed settings that can be ignored, each with what holds now."""
    return [
        f"{name} is no longer a setting, and has no effect (now: {what_holds(name, settings)})"
        for name, value in _removed(environment).items()
        if not asks_for_more(name, value, settings)
    ]


def _key_of(name: str, text: str) -> Credential:
    try:
        key: Credential = _KEY.validate_python(text)
    except ValidationError as error:
        raise SettingsError([f"{name}: {error.errors()[0]['msg'].removeprefix('Value error, ')}"]) from None
    return key


def _place(problem: str) -> int:
    """The place of the first setting that a problem names."""
    return next((_PLACES[name] for name in names_in(problem) if name in _PLACES), len(_PLACES))


def _removed(environment: Mapping[str, str]) -> dict[str, str]:
    """The removed settings that still have a value."""
    values = {}
    for name in REMOVED:
        try:
            values[name] = _value(environment, name)
        except ValueError:
            values[name] = "unreadable"
    return {name: value for name, value in values.items() if value}


def _bare(name: str) -> str:
    return name.partition("_")[2]


def _with_files(names: Iterable[str]) -> set[str]:
    return {f"{name}{suffix}" for name in names for suffix in ("", "_FILE")}


def _value(environment: Mapping[str, str], name: str) -> str:
    """The text of a variable or of its file; empty if neither is set."""
    direct, path = _text(environment, name), _text(environment, f"{name}_FILE")
    if not path:
        return direct
    if direct:
        raise ValueError(f"{name} and {name}_FILE are both set")
    try:
        content = read_text(Path(path)).strip()
    except UnreadableFileError as error:
        raise ValueError(f"{name}_FILE {unreadable(error)}") from None
    if not content:
        raise ValueError(f"{name}_FILE names an empty file")
    return _without_quotes(f"{name}_FILE names a file whose content", content)


def _text(environment: Mapping[str, str], name: str) -> str:
    # Environment files written on another system may begin with a byte order mark.
    text = environment.get(name, "").strip().removeprefix(_BYTE_ORDER_MARK).strip()
    return _without_quotes(name, text)


def _without_quotes(what: str, text: str) -> str:
    if len(text) > 1 and text[0] + text[-1] in _QUOTES:
        # Not stripped: they could belong to the value.
        raise ValueError(f"{what} is in quotes, which would be part of the value")
    return text


def _problem(entry: ErrorDetails, environment: Mapping[str, str]) -> str:
    name = str(entry["loc"][0]).upper()
    if entry["type"] == "missing":
        return f"{name} is missing"
    message = entry["msg"].removeprefix("Value error, ")
    message = f"{message[:1].lower()}{message[1:]}"
    if _text(environment, f"{name}_FILE"):
        # A reason in brackets is about the content as a path, and not about the file that is named here.
        words = message.partition(" (")[0] if entry["type"] == "value_error" else f"is wrong: {message}"
        return f"{name}_FILE names a file whose content {words}"
    return f"{name}: {message}"
