"""`konagraph token`."""

from __future__ import annotations

from pathlib import Path

import click

from graph.commands.options import FOLDER
from graph.greeting import exports
from graph.output.messages import fail
from graph.security.authorization import EVERY_SCOPE
from graph.security.development import DevelopmentSigner, signer_settings
from graph.security.tokens import member_id_of


def _member(_context: click.Context, _option: click.Parameter, member: str | None) -> str | None:
    if member is not None and member_id_of(member) is None:
        raise click.BadParameter("a Konaplate user id has 1 to 19 digits and no leading zero")
    return member


@click.command()
@click.option(
    "--directory",
    type=FOLDER,
    default=Path(".konagraph"),
    show_default=True,
    help="Folder of the signing key and its key set, created if missing.",
)
@click.option("--subject", default="developer", show_default=True, help="Subject of the token.")
@click.option(
    "--member",
    callback=_member,
    metavar="DIGITS",
    help="Konaplate user id of a member, who sees only their own cards.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(sorted(EVERY_SCOPE)),
    help="Scope to grant; may be repeated.",
)
@click.option("--lifetime", type=click.IntRange(1), default=3600, show_default=True, help="Lifetime in seconds.")
def token(directory: Path, subject: str, member: str | None, scopes: tuple[str, ...], lifetime: int) -> None:
    """Print a development token for KONAGRAPH_AUTH=jwt.

    The settings that accept it are printed to standard error.
    """
    claims = {} if member is None else {"konaplate_user_id": member}
    try:
        signer = DevelopmentSigner.in_directory(directory)
    except (OSError, ValueError):
        fail([f"--directory: {directory} has no usable signing key, and none can be created there"])
    for line in exports(signer_settings(directory)):
        click.echo(line, err=True)
    click.echo(signer.token(subject, scopes=scopes, lifetime=lifetime, claims=claims))
