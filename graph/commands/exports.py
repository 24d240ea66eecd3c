"""`konagraph export-schema` and `konagraph export-errors`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from graph.error_export import FORMATS, export
from graph.graphql.bindings import executable_schema
from schema.directives import for_apollo_kotlin
from schema.federation import subgraph_sdl
from schema.query import print_schema

if TYPE_CHECKING:
    from collections.abc import Callable

_DIALECTS: Final[dict[str, Callable[[], str]]] = {
    "apollo-kotlin": lambda: for_apollo_kotlin(print_schema()),
    "federation": subgraph_sdl,
}


@click.command("export-schema")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write instead of standard output."
)
@click.option(
    "--for",
    "dialect",
    type=click.Choice(list(_DIALECTS)),
    help="The tool that reads it: Apollo Kotlin's compiler, or the composition of Apollo Federation.",
)
def export_schema(output: Path | None, dialect: str | None) -> None:
    """Print the GraphQL schema.

    Fails if the schema does not fit the endpoints and their records.
    """
    # Checks every field; raises what `konagraph.main` prints as one line.
    executable_schema()
    sdl = print_schema() if dialect is None else _DIALECTS[dialect]()
    if output is None:
        click.echo(sdl, nl=False)
        return
    if not output.parent.is_dir():
        raise click.FileError(str(output), "there is no such folder")
    try:
        output.write_text(sdl, encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(output), error.strerror) from None


@click.command("export-errors")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="json", show_default=True, help="What to print."
)
def export_errors(form: str) -> None:
    """Print the catalogue of error codes for apps."""
    click.echo(export(form), nl=False)
