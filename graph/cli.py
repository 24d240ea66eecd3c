"""The command line: gathers the commands, each of which declares its own options."""

from __future__ import annotations

from typing import Final

import click

from graph import APPLICATION, __version__
from graph.audit_review.commands import audit
from graph.commands.completion import completion
from graph.commands.exports import export_errors, export_schema
from graph.commands.gateway import dev, serve
from graph.commands.sandbox import sandbox
from graph.commands.settings import check_config, init, version
from graph.commands.tokens import token
from graph.commands.usage import usage
from graph.doctor.commands import doctor
from graph.leak_audit.commands import leak_audit
from graph.probe.commands import probe
from graph.schema_check.commands import check_schema

COMMANDS: Final[tuple[click.Command, ...]] = (
    dev,
    serve,
    init,
    check_config,
    sandbox,
    token,
    export_schema,
    check_schema,
    usage,
    export_errors,
    version,
    audit,
    probe,
    doctor,
    completion,
    leak_audit,
)
"""In the order of use, in which `--help` lists them."""


class _InOrderOfUse(click.Group):
    """Lists its commands in the order in which they were added."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrderOfUse,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(__version__, prog_name=APPLICATION)
def main() -> None:
    """GraphQL aggregation layer over the Konaplate Open API."""
