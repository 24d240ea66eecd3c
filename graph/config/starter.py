"""The files that an installation begins with: settings with their explanations, and fresh keys."""

from __future__ import annotations

import errno
import os
import re
import secrets
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_PACKAGED: Final = _PACKAGE / "configuration.md"
PAGE: Final = _PACKAGED if _PACKAGED.exists() else _PACKAGE.parent / "docs" / "configuration.md"
"""The page about the settings: inside the package in a wheel, beside it in a checkout."""

FRESH_KEYS: Final = ("KONAGRAPH_CARD_REF_KEY", "KONAGRAPH_ID_KEY", "KONAGRAPH_AUDIT_KEY")
KONAPLATE_FILES: Final = (
    "KONAPLATE_ASP_ID",
    "KONAPLATE_ACCESS_KEY",
    "KONAPLATE_SECRET_KEY",
    "KONAPLATE_CRYPTO_KEY_ID",
    "KONAPLATE_SERVER_PUBLIC_KEY",
    "KONAPLATE_CLIENT_PRIVATE_KEY",
)
"""What Konaplate issues, or the operator makes for it: empty files."""
# What only the operator can know, or has to choose.
_TO_FILL_IN: Final = (
    "KONAPLATE_BASE_URL",
    "KONAGRAPH_JWT_JWKS",
    "KONAGRAPH_JWT_ISSUER",
    "KONAGRAPH_JWT_AUDIENCE",
    "KONAGRAPH_ALLOWED_HOSTS",
    "KONAGRAPH_DOCUMENTS_MODE",
)
_CHOSEN: Final = {"KONAGRAPH_ENV": "production", "KONAGRAPH_AUTH": "jwt"}
_ROW: Final = re.compile(r"^\| `(?P<name>KONA[A-Z0-9_]+)` \|(?P<meaning>[^|]+)\|(?P<default>[^|]+)\|[^|]+\|$")
_VALUE: Final = re.compile(r"`([^`]+)`")
_GROUP: Final = re.compile(r"^## (?P<title>.+)$")
_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_WIDTH: Final = 98
# Others mean something to the shell, to compose or in YAML, which all read the path in these files.
_PLAIN_PATH: Final = re.compile(r"[\w./@+-]+")

_COMPOSE: Final = """\
# What the compose files need to use this folder:
#
#   docker compose --env-file {folder}/compose.env --env-file {folder}/konagraph.env \\
#     -f docker-compose.yml -f deploy/compose/production.yml -f {folder}/compose.yml up -d
#
# The container's user must be able to read the secrets: chown -R 10001:10001 {folder}/gateway {folder}/balancer
services:
  gateway:
    env_file: [{folder}/konagraph.env]
    environment:
{keys}
"""
_COMPOSE_ENV: Final = """\
# For `docker compose --env-file`, see compose.yml. The gateway's own settings are in konagraph.env. The folder
# balancer needs certificate.pem: the certificate chain and its key.
KONAGRAPH_SECRETS={folder}
"""
_HEAD: Final = """\
# The settings of the gateway, one NAME=value per line, for compose (see compose.yml), systemd
# (EnvironmentFile) and shells: separate the items of a list by commas, without spaces. Fill in what is
# marked with "fill in". A setting after # has its default.
#
# Secrets are files in {folder}/gateway, one for each, named like the setting. The keys of
# this gateway are new; those of Konaplate are empty, and must be filled in.
"""


class Setting(NamedTuple):
    """A setting, as the page explains it."""

    group: str
    name: str
    meaning: str
    default: str
    value: str
    """The default, if it is a value."""


def documented() -> Iterator[Setting]:
    """Read the page about the settings."""
    group = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if title := _GROUP.match(line):
            group = title["title"]
        elif row := _ROW.match(line):
            value = _VALUE.fullmatch(row["default"].strip())
            meaning, default = _plain(row["meaning"]), _plain(row["default"])
            yield Setting(group, row["name"], meaning, default, "" if value is None else value[1])


def write_starter(folder: Path) -> tuple[list[Path], list[Path]]:
    """Write the files that are missing.

    Args:
        folder: created if missing, for its owner only.

    Returns:
        Those that were written, and those that were there already and stay as they are.

    Raises:
        OSError: a file or folder cannot be created.
    """
    folder = folder.absolute()
    if _PLAIN_PATH.fullmatch(str(folder)) is None:
        raise OSError(errno.EINVAL, "a path with other characters than letters, digits and ._-/@+", str(folder))
    for each in (folder, folder / "gateway", folder / "balancer"):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = "\n".join(f"      {name}_FILE: /run/secrets/{name}" for name in FRESH_KEYS)
    files = {
        folder / "konagraph.env": _settings(folder),
        folder / "compose.env": _COMPOSE_ENV.format(folder=folder),
        folder / "compose.yml": _COMPOSE.format(folder=folder, keys=keys),
        **{folder / "gateway" / name: secrets.token_urlsafe(48) for name in FRESH_KEYS},
        **{folder / "gateway" / name: "" for name in KONAPLATE_FILES},
    }
    written: list[Path] = []
    kept: list[Path] = []
    for file, text in files.items():
        try:
            _write(file, text)
        except FileExistsError:
            kept.append(file)
        else:
            written.append(file)
    return written, kept


def _write(file: Path, text: str) -> None:
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(opened, "w", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        # The next run would keep an incomplete file or key.
        file.unlink()
        raise OSError(error.errno, error.strerror, str(file)) from None


def _settings(folder: Path) -> str:
    """Return every setting, commented and grouped like the page."""
    parts, group = [_HEAD.format(folder=folder)], ""
    for setting in documented():
        if setting.group != group:
            group = setting.group
            parts.append(f"\n# ---- {group} ".ljust(_WIDTH, "-") + "\n")
        parts.append("\n" + "\n".join(f"# {line}" for line in textwrap.wrap(_sentence(setting), _WIDTH)) + "\n")
        parts.append(_line(setting, folder) + "\n")
    return "".join(parts)


def _sentence(setting: Setting) -> str:
    return f"{setting.name}: {setting.meaning}. Default: {setting.default or 'none'}."


def _line(setting: Setting, folder: Path) -> str:
    name = setting.name
    if name in (*FRESH_KEYS, *KONAPLATE_FILES):
        return f"{name}_FILE={folder / 'gateway' / name}"
    if name in _CHOSEN:
        return f"{name}={_CHOSEN[name]}"
    if name in _TO_FILL_IN:
        return f"# fill in:\n{name}="
    return f"#{name}={setting.value}"


def _plain(text: str) -> str:
    """Return a cell of a table without its marks."""
    return _LINK.sub(r"\1", text).replace("`", "").strip()
