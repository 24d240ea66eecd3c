"""The command in this process: a new one takes a second to start."""

from __future__ import annotations

import os

from click.testing import CliRunner

from graph.cli import main
from graph.config.environment import PREFIXES


def invoke(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run a command without the settings of whoever runs the tests: exit status, standard output and error."""
    ours = {name: None for name in os.environ if name.startswith(PREFIXES)}
    result = CliRunner().invoke(main, arguments, env={**ours, **variables})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr
