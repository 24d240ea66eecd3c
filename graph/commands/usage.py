"""`konagraph usage`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from graph.audit_review.files import open_log
from graph.output.messages import warn
from graph.output.tables import FORMATS, print_table
from graph.schema_check.usage import unused_of
from graph.telemetry.usage_lines import Used, read_lines, to_json
from graph.texts import printable
from schema.query import print_schema

if TYPE_CHECKING:
    from collections.abc import Iterator


_FILES: Final = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.command()
@click.argument("files", nargs=-1, required=True, type=_FILES)
@click.option("--client", "clients", multiple=True, help="Only this client; may be repeated.")
@click.option("--unused", is_flag=True, help="List instead what no client has used.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="What to print; json is for check-schema --usage.",
)
def usage(files: tuple[Path, ...], clients: tuple[str, ...], *, unused: bool, form: str) -> None:
    """Show which client used which field.

    FILES are the logs of any number of gateways, plain or compressed (.gz); - is standard input.
    """
    used, unreadable = read_lines(line for file in files for line in _lines(file))
    if unreadable:
        warn([f"{unreadable} lines of usage cannot be read"])
    if not used:
        warn(["no line of usage: a gateway logs one every five minutes, at the level info"])
    known = {one.client for one in used}
    if used and (missing := [name for name in clients if name not in known]):
        warn([printable(f"no usage by {', '.join(missing)}; there is some by {', '.join(sorted(known))}")])
    chosen = [one for one in used if not clients or one.client in clients]
    if unused:
        click.echo("".join(f"{name}\n" for name in unused_of(print_schema(), chosen)), nl=False)
    elif form == "json":
        click.echo(to_json(chosen), nl=False)
    else:
        print_table(Used._fields, (one._asdict() for one in chosen), form)


def _lines(file: Path) -> Iterator[str]:
    try:
        with open_log(file) as opened:
            yield from (line.decode("utf-8", "replace") for line in opened)
    except OSError as error:
        raise click.FileError(str(file), error.strerror) from None
