"""The commands `konagraph audit …`."""

from __future__ import annotations

import os
import sys
from datetime import UTC, date, datetime, timedelta
from glob import escape
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

from graph.audit_review.report import (
    EVENT,
    VIEWER,
    events_about,
    events_of,
    rows_of_events,
    rows_of_viewers,
    viewers_of,
)
from graph.audit_review.verify import verify
from graph.config.environment import load_key, load_text, read_key
from graph.config.settings import SettingsError
from graph.output.prompts import read_number
from graph.output.tables import FORMATS, print_table
from graph.security.audit_chain import ChainKey
from graph.security.card_refs import CardRefs, is_ref
from graph.security.tokens import member_id_of
from graph.texts import printable
from schema.secrets import CardNo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from schema.secrets import Credential

_FILES: Final = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_KEY_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Moment(click.ParamType[datetime]):
    """A day or a moment by ISO 8601; in UTC, unless it says otherwise."""

    name = "TIME"

    def __init__(self, *, is_end: bool) -> None:
        self._is_end = is_end

    def convert(self, value: Any, _param: click.Parameter | None, _context: click.Context | None) -> datetime:
        try:
            day = date.fromisoformat(value)
        except ValueError:
            try:
                at = datetime.fromisoformat(value)
            except ValueError:
                self.fail(f"{value!r} is neither a day, such as 2026-03-31, nor a moment by ISO 8601")
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        try:
            return at + timedelta(days=1) if self._is_end else at
        except OverflowError:
            self.fail(f"{value!r} is too late")


@click.group()
def audit() -> None:
    """Verify the audit log, and ask it who saw what.

    FILE is an audit log, rotated or compressed (.gz) ones included; - is standard input. Without any,
    KONAGRAPH_AUDIT_LOG and the files beside it whose names begin like its own.
    """


def _takes_files(command: Callable[..., None]) -> Callable[..., None]:
    return click.argument("files", nargs=-1, type=_FILES, metavar="[FILE]...")(command)


@audit.command("verify")
@_takes_files
@click.option(
    "--old-key",
    "old_key_files",
    multiple=True,
    type=_KEY_FILE,
    metavar="FILE",
    help="A file with an earlier KONAGRAPH_AUDIT_KEY; may be repeated.",
)
@click.option("--older-deleted", is_flag=True, help="Accept that older files or lines were deleted.")
@click.option("--log", "mixed", is_flag=True, help="The files are logs of gateways, with other lines in between.")
def verify_files(
    files: Sequence[Path], old_key_files: Sequence[Path], *, older_deleted: bool, mixed: bool
) -> None:
    """Find edited, missing, moved and added lines.

    Needs KONAGRAPH_AUDIT_KEY. Exits with 1 if it finds any change, and with 2 if it finds no sealed line.
    """
    key = ChainKey(_key("KONAGRAPH_AUDIT_KEY"))
    old_keys = [(file, ChainKey(_key_in(file))) for file in old_key_files]
    try:
        verdict = verify(_given(files), key, old_keys, older_deleted=older_deleted, mixed=mixed)
    except OSError as error:
        _fail(f"{error.filename}: {error.strerror}")
    if not verdict.lines and not verdict.findings:
        _fail("there is no sealed line")
    for remark in verdict.notes:
        click.echo(printable(f"note: {remark}"))
    for remark in verdict.findings:
        click.echo(printable(f"CHANGED: {remark}"))
    found = _count(len(verdict.findings), "finding", "findings") if verdict.findings else "untouched"
    lines = _count(verdict.lines, "sealed line", "sealed lines")
    click.echo(f"{lines} of {_count(verdict.chains, 'process', 'processes')}: {found}")
    if verdict.findings:
        sys.exit(1)


@audit.command()
@_takes_files
@click.option("--from", "since", type=_Moment(is_end=False), help="First day or moment; in UTC without an offset.")
@click.option("--to", "until", type=_Moment(is_end=True), help="Last day, or the moment before which it ends.")
@click.option("--card-ref", help="Only events about this card or member; see `konagraph audit card-ref`.")
@click.option("--viewer", help="Only events about this viewer, by id or reference.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
def report(
    *,
    files: Sequence[Path],
    since: datetime | None,
    until: datetime | None,
    card_ref: str | None,
    viewer: str | None,
    form: str,
) -> None:
    """List viewers, or with --card-ref or --viewer every event.

    Of each viewer: reads, cards of others, reads of their own, and refusals. A bulk reader is a viewer who saw far
    more cards than the others.
    """
    if since is not None and until is not None and since >= until:
        _fail("--to is not after --from")
    if card_ref is not None and not is_ref(card_ref):
        # It may be a card number, and is not repeated.
        _fail("--card-ref: a reference has 30 letters from a to p; konagraph audit card-ref prints one")
    unreadable: list[int] = []
    try:
        logs = [
            events_of(file, since, until, lambda line: unreadable.append(line.number)) for file in _given(files)
        ]
        if card_ref is None and viewer is None:
            columns = VIEWER
            rows: Iterable[Mapping[str, Any]] = rows_of_viewers(viewers_of(chain.from_iterable(logs)))
        else:
            columns, rows = EVENT, rows_of_events(events_about(log, card_ref, viewer) for log in logs)
        shown = print_table(columns, rows, form)
    except OSError as error:
        if error.filename is None:
            # It is that of the output.
            raise
        _fail(f"{error.filename}: {error.strerror}")
    if not shown and form == "table":
        click.echo("no such event", err=True)
    if unreadable:
        left_out = _count(len(unreadable), "line cannot be read, and is", "lines cannot be read, and are")
        click.echo(f"{left_out} left out: see konagraph audit verify", err=True)


@audit.command("card-ref")
@click.option("--member", is_flag=True, help="The number is a member's id.")
def card_ref(*, member: bool) -> None:
    """Print the reference of a card number from standard input.

    Needs KONAGRAPH_CARD_REF_KEY. The number is no argument, because other users of the machine would see it, and
    the shell would keep it.
    """
    refs = CardRefs(_key("KONAGRAPH_CARD_REF_KEY"))
    text = read_number("Number")
    if member:
        if (member_id := member_id_of(text.lstrip("0"))) is None:
            _fail("standard input has no member id: it has 1 to 19 digits")
        click.echo(refs.of(member_id))
        return
    try:
        card_no = CardNo(text)
    except ValueError:
        _fail("standard input has no card number: it has 16 digits")
    click.echo(refs.of(card_no))


def _count(number: int, one: str, several: str) -> str:
    return f"{number:,} {one if number == 1 else several}"


def _given(files: Sequence[Path]) -> list[Path]:
    if files:
        return list(dict.fromkeys(files))
    try:
        named = load_text(os.environ, "KONAGRAPH_AUDIT_LOG")
    except SettingsError as error:
        _fail(*error.problems)
    if not named:
        _fail("name a FILE, or set KONAGRAPH_AUDIT_LOG")
    path = Path(named)
    found = sorted(file for file in path.parent.glob(f"{escape(path.name)}*") if file.is_file())
    if not found:
        _fail(f"there is no file {path}")
    return found


def _key(name: str) -> Credential:
    try:
        return load_key(os.environ, name)
    except SettingsError as error:
        _fail(*error.problems)


def _key_in(file: Path) -> Credential:
    try:
        return read_key(file)
    except SettingsError as error:
        _fail(*error.problems)


def _fail(*problems: str) -> NoReturn:
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(2)
