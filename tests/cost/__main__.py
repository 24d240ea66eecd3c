"""Prints what each kind of request costs: `python -m tests.cost`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.cost.counting import cost_of
from tests.cost.operations import OPERATIONS, settings_in


def main() -> None:
    """Count and print."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_in(Path(folder))
        for name, operation in OPERATIONS.items():
            cost = cost_of(operation, settings[name])
            sys.stdout.write(
                f"{name}: {cost.python:g} calls of Python, {cost.c:g} of C, {cost.scheduled:g} scheduled; "
                f"{cost.own:g} in {cost.files} files of this project\n"
            )


main()
