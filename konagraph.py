"""The command `konagraph`: makes sure of what it stands on, then hands over to `graph.cli`.

The packages `graph` and `schema` have names that others use, too. In an environment of its own nothing collides;
elsewhere a foreign package must be named, not guessed from an ImportError. An old Python can read this file, too,
so that it is told what it lacks.
"""

import importlib
import os
import sys
from typing import NoReturn

_OWN_PACKAGES = ("graph", "schema")
_CONFIGURATION_FAULT = 2
_OLDEST = (3, 11)
_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - read before anything else can fail


def main() -> None:
    """Run the command line, or say in one line why it cannot run here."""
    if sys.version_info < _OLDEST:
        sys.exit(f"konagraph needs Python 3.11 or newer; this is {sys.version.split()[0]} ({sys.executable}).")
    for name in _OWN_PACKAGES:
        _refuse_foreign(name)
    declaration_error = importlib.import_module("graph").DeclarationError
    try:
        cli = importlib.import_module("graph.cli")
    except ModuleNotFoundError as error:
        sys.exit(_missing(str(error.name)))
    except declaration_error as error:
        _refuse_declaration(error)
    try:
        cli.main(prog_name="konagraph")
    except declaration_error as error:
        _refuse_declaration(error)


def _refuse_foreign(name: str) -> None:
    """End the process if `name` is a package of somebody else's."""
    try:
        package = importlib.import_module(name)
        path, owner = package.__file__, getattr(package, "APPLICATION", None)
    except ImportError as error:
        path, owner = error.path, None
    if owner != "konagraph" or path is None or os.path.dirname(os.path.dirname(os.path.abspath(path))) != _HERE:  # noqa: PTH100, PTH120
        sys.exit(
            f"konagraph's package {name!r} is hidden by another one of that name"
            + (f" ({path})" if path else "")
            + ". Install konagraph in an environment of its own, and leave PYTHONPATH unset."
        )


def _refuse_declaration(error: Exception) -> NoReturn:
    """End the process for a declaration that cannot be used, as for settings: without a traceback."""
    sys.stderr.write(f"konagraph cannot start:\n  - {error}\n")
    sys.exit(_CONFIGURATION_FAULT)


def _missing(module: str) -> str:
    if module.partition(".")[0] in _OWN_PACKAGES:
        return f"konagraph's own {module} is missing. Install konagraph again, in an environment of its own."
    return (
        f"konagraph's dependencies are not installed for {sys.executable}: {module} is missing.\n"
        "In a checkout, `make dev` installs them and starts the gateway; after that use .venv/bin/konagraph."
    )


if __name__ == "__main__":
    main()
