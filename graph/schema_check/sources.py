"""Reads the schema to compare with: from a file, or as a commit of a Git repository has it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from graphql import GraphQLError, GraphQLSchema, assert_valid_schema, build_schema

from graph.config.files import UnreadableFileError, read_text
from graph.schema_check.stored import UnusableInputError

_PATH: Final = "schema/schema.graphql"
_SECONDS: Final = 30


def read_schema(against: str) -> GraphQLSchema:
    """Return the schema of an SDL file, or of a Git ref such as `v1.2.0`, or `v1.2.0:path/of/schema.graphql`.

    Raises:
        UnusableInputError: when there is neither, or it is no schema.
    """
    file = Path(against)
    try:
        sdl = read_text(file) if file.exists() else _of_git(against)
    except UnreadableFileError as error:
        raise UnusableInputError([f"--against: {against}: {error}"]) from None
    except OSError as error:
        # The name is too long, or its folder is closed.
        raise UnusableInputError([f"--against: {against}: {error.strerror}"]) from None
    return schema_of(sdl, f"--against: {against}")


def schema_of(sdl: str, shown: str) -> GraphQLSchema:
    """Return the schema that an SDL describes; `shown` names it in the error.

    Raises:
        UnusableInputError: when it is not valid.
    """
    try:
        schema = build_schema(sdl)
        assert_valid_schema(schema)
    except RecursionError:
        raise UnusableInputError([f"{shown} is nested too deeply"]) from None
    except (GraphQLError, TypeError) as error:
        text = error.message if isinstance(error, GraphQLError) else str(error)
        raise UnusableInputError([f"{shown} is not a valid schema: {text}"]) from None
    return schema


def _of_git(ref: str) -> str:
    git = shutil.which("git")
    # What begins with a dash would be an option of git's.
    if git is None or ref.startswith("-"):
        raise UnusableInputError([f"--against: {ref} is no file" + ("" if git else ", and there is no git")])
    place = ref if ":" in ref else f"{ref}:{_PATH}"
    command = [git, "show", place]
    try:
        # No shell, and a fixed command; `ref` is what the user of this command line has typed.
        shown = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise UnusableInputError([f"--against: git has not answered in {_SECONDS} seconds"]) from None
    if shown.returncode:
        raise UnusableInputError(
            [f"--against: {ref} is neither a file nor a Git ref with {place.partition(':')[2]}"]
        )
    return shown.stdout.decode("utf-8", "replace")
