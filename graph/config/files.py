"""Reads the files that settings name: up to a size, without a byte order mark, and with a reason on failure."""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path
from typing import Final

from graph.redact import holds_card_number

MAX_BYTES: Final = 1024 * 1024
# Words in one case, perhaps with a number, as in file names. No key, hash or token consists of them.
_WORD: Final = re.compile(r"(?:[a-z]+|[A-Z][a-z]*|[A-Z]+)?[0-9]{0,4}|~", re.ASCII)
_MAX_WORD: Final = 20
_EXTENSIONS: Final = frozenset(
    {"cer", "cert", "crt", "der", "json", "jwk", "jwks", "key", "p8", "pem", "pub", "toml", "txt"}
)


class UnreadableFileError(Exception):
    """A file that cannot be read. The message is the reason only."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path


def read_bytes(path: Path, most: int = MAX_BYTES) -> bytes:
    """The content of a file, without a byte order mark.

    Args:
        path: the file.
        most: its maximum size in bytes.

    Raises:
        UnreadableFileError: with the reason.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise UnreadableFileError(path, error.strerror or type(error).__name__) from None
    except ValueError:
        raise UnreadableFileError(path, "it is not a valid file name") from None
    if len(content) > most:
        raise UnreadableFileError(path, f"it is larger than {most} bytes")
    # Some editors begin UTF-8 files with this mark.
    return content.removeprefix(codecs.BOM_UTF8)


def read_text(path: Path, most: int = MAX_BYTES) -> str:
    """The text of a file, without a byte order mark; see `read_bytes`."""
    try:
        return read_bytes(path, most).decode("utf-8")
    except UnicodeDecodeError:
        # `from None`: the cause holds the content.
        raise UnreadableFileError(path, "it is not UTF-8 text") from None


def unreadable(error: UnreadableFileError) -> str:
    """The message about a file that cannot be read: the reason, and the path if it certainly is one."""
    shown = f"{error.path}: " if is_plainly_a_path(str(error.path)) else ""
    return f"names a file that cannot be read: {shown}{error}"


def is_plainly_a_path(text: str) -> bool:
    """Whether a string is certainly a path, and not a secret in the wrong place.

    It is one if it exists, if its first folder exists, or if it consists of words.
    """
    if not text.isprintable() or holds_card_number(text):
        return False
    path = Path(os.path.normpath(text))
    names = [part for part in path.parts if part not in (path.anchor, os.pardir, os.curdir)]
    try:
        if os.path.lexists(text) or (len(names) > 1 and path.parents[len(names) - 2].is_dir()):
            return True
    except (OSError, ValueError):
        return False
    looks_like_one = os.sep in text or text.rpartition(".")[2] in _EXTENSIONS
    return looks_like_one and all(_consists_of_words(name) for name in names)


def _consists_of_words(name: str) -> bool:
    return all(len(word) <= _MAX_WORD and _WORD.fullmatch(word) for word in re.split(r"[._-]+", name))
