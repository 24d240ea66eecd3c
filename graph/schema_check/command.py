"""`konagraph check-schema`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from graph.config.files import UnreadableFileError, read_text
from graph.schema_check.check import compare
from graph.schema_check.report import FORMATS
from graph.schema_check.sources import read_schema, schema_of
from graph.schema_check.stored import UnusableInputError, read_stored
from graph.telemetry.usage_lines import UsageFormatError, from_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from graph.telemetry.usage_lines import Used

_MAX_BYTES: Final = 256 * 1024 * 1024


def check_schema(
    sdl: str,
    *,
    against: str,
    documents: Sequence[Path],
    usage: Path | None = None,
    changelog: Path | None = None,
    form: str = "text",
) -> tuple[str, bool]:
    """Compare a schema with an older one.

    Args:
        sdl: the new schema.
        against: the file or Git ref of the old one.
        documents: manifests of clients, and folders of them.
        usage: a file that `konagraph usage --format json` wrote.
        changelog: of the schema; what its newest section names may break clients.
        form: one of `FORMATS`.

    Returns:
        The report, and whether no change is breaking, but for those that the changelog names.

    Raises:
        UnusableInputError: naming everything that cannot be read.
    """
    old, new = read_schema(against), schema_of(sdl, "the schema of this gateway")
    outcome = compare(old, new, read_stored(documents), _read_usage(usage), _announced(changelog))
    return FORMATS[form](outcome, against), not outcome.is_breaking


def _announced(file: Path | None) -> set[str]:
    """What the newest section of a changelog names in backticks."""
    if file is None:
        return set()
    try:
        sections = re.split(r"^## ", read_text(file), flags=re.MULTILINE)
    except UnreadableFileError as error:
        raise UnusableInputError([f"--changelog: {file}: {error}"]) from None
    return set(re.findall(r"`([^`\n]+)`", "".join(sections[1:2])))


def _read_usage(file: Path | None) -> list[Used]:
    if file is None:
        return []
    try:
        return from_json(read_text(file, _MAX_BYTES))
    except UnreadableFileError as error:
        raise UnusableInputError([f"--usage: {file}: {error}"]) from None
    except UsageFormatError:
        problem = f"--usage: {file} is not what konagraph usage --format json writes"
        raise UnusableInputError([problem]) from None
