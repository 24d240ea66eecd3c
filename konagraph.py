"""The command `konagraph`: checks its environment and then runs `graph.cli`.

Other projects also have packages called `graph` and `schema`. In an environment of its own nothing collides;
elsewhere the message names the foreign package. Old Pythons can parse this file and get a message as well.
"""

import errno
import importlib
import os
import sys
from typing import NoReturn

_OWN_PACKAGES = ("graph", "schema")
_CONFIGURATION_FAULT = 2
_OLDEST = (3, 11)
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - must not fail


def main() -> None:
    """Run the command line, or print one line about why it cannot run here."""
    if sys.version_info < _OLDEST:
        sys.exit(f"konagraph needs Python 3.11 or newer; this is {sys.version.split()[0]} ({sys.executable}).")
    _open_missing_streams()
    for name in _OWN_PACKAGES:
        _refuse_foreign(name)
    declaration_error = importlib.import_module("graph").DeclarationError
    try:
        importlib.import_module("graph.cli").main(prog_name="konagraph")
    except ModuleNotFoundError as error:
        sys.exit(_missing(str(error.name)))
    except declaration_error as error:
        _refuse_declaration(error)
    except UnicodeEncodeError:
        sys.exit("konagraph: an argument is not text in UTF-8.")
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            raise
        sys.exit(f"konagraph: the output cannot be written: {error.strerror}")


def _open_missing_streams() -> None:
    """Read nothing and write into nothing where a standard stream is closed, before other files get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8", errors="replace"))


def _refuse_foreign(name: str) -> None:
    """Exit if `name` is a package of another project."""
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
    """Exit for an invalid declaration, as for invalid settings: without a traceback."""
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
