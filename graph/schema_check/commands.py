"""The command `konagraph check-schema`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from graph.config.files import UnreadableFileError, read_text
from graph.output.messages import fail
from graph.schema_check.check import compare
from graph.schema_check.report import FORMATS
from graph.schema_check.sources import read_schema, schema_of
from graph.schema_check.stored import UnusableInputError, read_stored
from graph.telemetry.usage_lines import UsageFormatError, from_json
from schema.query import print_schema

if TYPE_CHECKING:
    from graph.telemetry.usage_lines import Used

_MAX_BYTES: Final = 256 * 1024 * 1024


@click.command("check-schema")
@click.option(
    "--against",
    required=True,
    metavar="SDL|REF",
    help="The older schema: a file, or a Git ref such as v1.2.0, whose schema/schema.graphql is read.",
)
@click.option(
    "--documents",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A client's manifest, or a folder of them; may be repeated.",
)
@click.option(
    "--usage",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The output of konagraph usage --format json.",
)
@click.option(
    "--changelog",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The schema's changelog. Breaking changes that its newest section names in backticks are allowed.",
)
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="What to print."
)
def check_schema(
    against: str, documents: tuple[Path, ...], usage: Path | None, changelog: Path | None, form: str
) -> None:
    """Compare the schema with an older one.

    Names the stored documents and clients that each change affects. Fails if a change is breaking.
    """
    try:
        old, new = read_schema(against), schema_of(print_schema(), "the schema of this gateway")
        outcome = compare(old, new, read_stored(documents), _read_usage(usage), _announced(changelog))
    except UnusableInputError as error:
        fail(error.problems, "The schemas cannot be compared:")
    click.echo(FORMATS[form](outcome, against), nl=False)
    if outcome.is_breaking:
        sys.exit(1)


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
