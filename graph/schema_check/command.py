"""`konagraph check-schema`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graph.config.files import UnreadableFileError, read_text
from graph.schema_check.changes import Level
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
    sdl: str, *, against: str, documents: Sequence[Path], usage: Path | None, form: str
) -> tuple[str, bool]:
    """Compare a schema with an older one.

    Args:
        sdl: the new schema.
        against: the file or Git ref of the old one.
        documents: manifests of clients, and folders of them.
        usage: a file that `konagraph usage --format json` wrote.
        form: one of `FORMATS`.

    Returns:
        The report, and whether no change is breaking.

    Raises:
        UnusableInputError: naming everything that cannot be read.
    """
    old, new = read_schema(against), schema_of(sdl, "the schema of this gateway")
    outcome = compare(old, new, read_stored(documents), _read_usage(usage))
    return FORMATS[form](outcome, against), outcome.count(Level.BREAKING) == 0


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
