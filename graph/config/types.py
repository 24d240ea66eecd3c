"""The types of settings. Messages say what is expected and never repeat the value."""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import httpx
from pydantic import AfterValidator, BeforeValidator, Field

from graph.config.files import UnreadableFileError, is_plainly_a_path, read_text, unreadable
from graph.graphql.json_text import has_lone_surrogate
from graph.http.client_address import Network
from graph.http.clients import is_client
from graph.http.cors import is_header, is_origin
from graph.konaplate.errors import SUCCESS
from graph.konaplate.responses import CODE
from graph.server.request_validation import parse_authority
from schema.secrets import Credential

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PORT: Final = 65_535
_PEM: Final = "-----BEGIN"
_MIN_KEY_CHARACTERS: Final = 32
_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE
)
# The resolver refuses any other name, so every call would fail.
_LABELS: Final = re.compile(rb"(?=.{1,253}\Z)[^.]{1,63}(\.[^.]{1,63})*\.?")


def is_url(value: str) -> bool:
    """Whether a value is meant as a URL, and not as the path of a file."""
    return value.lower().startswith(("https://", "http://"))


def words(value: str) -> tuple[str, ...]:
    """The words of a list, which commas or white space separate."""
    return tuple(value.replace(",", " ").split())


def _code(value: str) -> str | None:
    return value if CODE.fullmatch(value) and value != SUCCESS else None


def _header_text(value: str) -> str:
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be printable ASCII without spaces")
    return value


def _text(value: str) -> str:
    # As bytes of the environment arrive that are not UTF-8.
    if has_lone_surrogate(value):
        raise ValueError("must be text in UTF-8")
    return value


def _line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line of text")
    return value


def _http_url(value: str) -> str:
    if not _is_http_address(value) or set(value) & set("?#@ "):
        raise ValueError("must be an http or https URL without credentials, query and fragment")
    return value


def _is_http_address(value: str) -> bool:
    # Parsed as the client parses it: what httpx rejects would fail at every call.
    try:
        url = httpx.URL(value)
    except httpx.InvalidURL:
        return False
    port = 80 if url.port is None else url.port
    has_host = _LABELS.fullmatch(url.raw_host) is not None
    return url.scheme in ("http", "https") and has_host and 0 < port <= MAX_PORT


def _url_or_path(value: str) -> str:
    if is_url(value) and (not _is_http_address(value) or " " in value):
        raise ValueError("must be an http or https URL, or the path of a file")
    return _line(value)


def _host(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value.removeprefix("[").removesuffix("]")))
    except ValueError:
        if _HOST_NAME.fullmatch(value):
            return value
    # Outside `except`, because the context of the error would repeat the text.
    raise ValueError("must be an address or the name of a host, without a port")


def _switch(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _digits(value: object) -> object:
    # Only Python reads 1_000 as a number.
    if "_" in str(value):
        raise ValueError("input should be a number in digits")
    return value


def _redis_url(value: str) -> str:
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must be a redis, rediss or unix URL")
    if set(value) & set("\t\r\n"):
        # redis-py would drop them silently.
        raise ValueError("must be one line of text")
    return _text(value)


def _long_key(value: str) -> str:
    if len(value) < _MIN_KEY_CHARACTERS:
        raise ValueError(f"must have at least {_MIN_KEY_CHARACTERS} characters")
    return _text(value)


def _pem(value: str) -> str:
    """PEM text with real line breaks; anything else is the path of a file that contains it."""
    text = value if _PEM in value else _pem_file(value)
    # Base64 has no backslash: these are line breaks that some tool has escaped.
    return text.replace("\\r", "").replace("\\n", "\n")


def _pem_file(path: str) -> str:
    try:
        return read_text(Path(path)).strip()
    except UnreadableFileError as error:
        # Neither `from error` nor always with the path: the text may be a mistyped key.
        if is_plainly_a_path(path):
            raise ValueError(unreadable(error)) from None
        raise ValueError(f"is neither PEM text nor the path of a file that can be read ({error})") from None


def _allowed_host(word: str) -> bytes | None:
    # A host is ASCII, and a question mark is not allowed in one either.
    authority = parse_authority(word.encode("ascii", errors="replace"))
    return authority.text if authority else None


def _origin(word: str) -> str | None:
    # Neither `*` nor `null`, the origin of every sandboxed frame: trust must be explicit.
    return word if is_origin(word) else None


def _header(word: str) -> str | None:
    return word.lower() if is_header(word.lower()) else None


def _client(word: str) -> str | None:
    return word if is_client(word) else None


def _network(word: str) -> Network | None:
    try:
        return ipaddress.ip_network(word)
    except ValueError:
        return None


def _list(read: Callable[[str], object], needed: str, form: Callable[[list[Any]], object]) -> BeforeValidator:
    """Parses a list of at least one word, all of which must be valid."""

    def parse(value: str) -> object:
        items = [read(word) for word in words(value)]
        if not items or None in items:
            raise ValueError(f"must be a list of {needed}")
        return form(items)

    return BeforeValidator(parse)


def _paths(value: str) -> tuple[Path, ...]:
    # The path of a single file may have spaces.
    named = [value] if os.path.lexists(value) else words(value)
    if not named or not all(map(str.isprintable, named)):
        raise ValueError("must be a list of paths")
    return tuple(map(Path, named))


def _secret(check: Callable[[str], str]) -> BeforeValidator:
    return BeforeValidator(lambda value: Credential(check(value)))


HeaderText = Annotated[str, AfterValidator(_header_text)]
OneLine = Annotated[str, AfterValidator(_line)]
Host = Annotated[str, AfterValidator(_host)]
Url = Annotated[str, AfterValidator(_http_url)]
UrlOrPath = Annotated[str, AfterValidator(_url_or_path)]
Switch = Annotated[bool, BeforeValidator(_switch)]
HeaderSecret = Annotated[Credential, _secret(_header_text)]
RedisUrl = Annotated[Credential, _secret(_redis_url)]
LongKey = Annotated[Credential, _secret(_long_key)]
Pem = Annotated[Credential, _secret(_pem)]
WordList = Annotated[tuple[str, ...], BeforeValidator(words)]
Codes = Annotated[tuple[str, ...], _list(_code, "codes of failures such as 003_001", tuple)]
Hosts = Annotated[
    frozenset[bytes], _list(_allowed_host, "names such as api.example or api.example:8443", frozenset)
]
OriginSet = Annotated[
    frozenset[str], _list(_origin, "origins as browsers write them, such as https://app.example", frozenset)
]
ClientNames = Annotated[frozenset[str], _list(_client, "clients such as web@1.4.0 or partner", frozenset)]
HeaderNames = Annotated[frozenset[str], _list(_header, "names of headers such as x-app-version", frozenset)]
Networks = Annotated[tuple[Network, ...], _list(_network, "addresses or networks such as 10.0.0.0/8", tuple)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_paths)]
Number = Annotated[float, BeforeValidator(_digits)]
WholeNumber = Annotated[int, BeforeValidator(_digits)]
FirstPage = Annotated[WholeNumber, Field(ge=0, le=1)]
Seconds = Annotated[Number, Field(gt=0, le=60)]
SecondsOrNone = Annotated[Number, Field(ge=0, le=60)]
IdleSeconds = Annotated[Number, Field(gt=0, le=3600)]
Count = Annotated[WholeNumber, Field(gt=0, le=1_000_000_000)]
Days = Annotated[WholeNumber, Field(gt=0, le=3660)]
Port = Annotated[WholeNumber, Field(ge=0, le=MAX_PORT)]
