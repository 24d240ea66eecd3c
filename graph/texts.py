"""Makes strings that others chose, such as names in logs, fit for a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Escape control characters, line breaks, and characters that hide or reorder others."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
