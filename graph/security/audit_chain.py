"""The chain that makes a changed audit log show: how its lines are sealed, and how they are read again.

Each line ends in the chain's name, its sequence number and a MAC: half of an HMAC-SHA256 of the line and of the
MAC before it. A chain belongs to one process. Its first line in a file, `opened`, has room for the chain's
head: the last sequence number, where its line ends, and the other half of its HMAC, which nothing else shows.
The head is written there after each write, so that a tail that was cut off is missed even if the process was
killed.
"""

from __future__ import annotations

import re
import secrets
import string
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from graph.redact import letters

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schema.secrets import Credential

_MAC_LETTERS: Final = 32
_NAME_LETTERS: Final = 12
_LINE: Final = re.compile(
    rb'(?P<body>\{.*,"chain":"(?P<chain>[a-z]{12})","seq":(?P<seq>[1-9][0-9]{0,11})'
    rb'(?:,"after":(?P<after>[0-9]{1,14}))?),"mac":"(?P<mac>[a-p]{32})"\}',
    re.ASCII,
)
_HEAD: Final = re.compile(rb'"head":"(?P<head>[ a-z0-9]{66})"', re.ASCII)
_SEALED: Final = re.compile(
    rb"(?P<seq>[0-9]+) (?P<end>[0-9]+) (?P<state>open|ended) (?P<mac>[a-p]{32}) *", re.ASCII
)
_HEAD_SIZE: Final = 66
BLANK_HEAD: Final = " " * _HEAD_SIZE


class Link(NamedTuple):
    """A line of a chain, as it was read."""

    chain: str
    seq: int
    after: int | None
    """Where the write before it ended in the file; None if it followed the line before it in the same write."""
    body: bytes
    """The line without its MAC; an opened line has a blank head."""
    mac: bytes
    head: bytes | None
    """The head of an opened line."""


class Head(NamedTuple):
    """How far a chain has come in a file."""

    seq: int
    end: int
    """Where its last line ends, in bytes from the file's beginning; 0 in the first head, written with its line."""
    is_ended: bool
    """Whether its last line is the last one that it will have there."""
    proof: bytes
    """See `Seal`, and `ChainKey.ended`."""


class Seal(NamedTuple):
    """The two halves of a line's HMAC."""

    mac: bytes
    """Which the line has."""
    proof: bytes
    """Which only a head has, and only until the next line: so nobody can make the head of an earlier line."""


class ChainKey:
    """Makes and checks the MACs of chains.

    Args:
        key: `KONAGRAPH_AUDIT_KEY`.
    """

    def __init__(self, key: Credential) -> None:
        # Copied for each line. The standard library's takes twice as long.
        self._keyed = HMAC(key.reveal().encode(), SHA256())

    def seal(self, before: bytes, body: bytes) -> Seal:
        """Return the seal of a line, given the MAC of the line before it."""
        keyed = self._keyed.copy()
        keyed.update(before)
        keyed.update(body)
        mac = letters(keyed.finalize())
        return Seal(mac[:_MAC_LETTERS], mac[_MAC_LETTERS:])

    def ended(self, proof: bytes, end: int) -> bytes:
        """Return the proof of a head that says that a chain has ended in a file.

        It does not tell the line's own, so that nobody can make it say that the chain goes on.
        """
        keyed = self._keyed.copy()
        keyed.update(b"ended %d %b" % (end, proof))
        return letters(keyed.finalize())[:_MAC_LETTERS]


class Chain:
    """The chain of one process; it goes on from file to file.

    Args:
        key: of the MACs.
    """

    def __init__(self, key: ChainKey) -> None:
        self._key = key
        self.name: Final = "".join(secrets.choice(string.ascii_lowercase) for _ in range(_NAME_LETTERS))
        self.seq = 0
        """The number of the last line."""
        self.last = Seal(b"", b"")
        """The seal of the last line."""
        self._suffix = f',"chain":"{self.name}","seq":'.encode()

    def seal(self, lines: Sequence[bytes], after: int | None = None) -> list[tuple[bytes, Seal]]:
        """Seal the lines of one write, JSON objects without line breaks, as the next ones of the chain.

        Args:
            lines: to seal.
            after: where the write before ended in the file; None for what is no file.

        Returns:
            Each sealed line, ending in a line break, and its seal. The chain itself goes on only by `advance`.
        """
        sealed, seq, mac = [], self.seq, self.last.mac
        place = b"" if after is None else b',"after":%d' % after
        for line in lines:
            seq += 1
            body = b"%s%s%d%s" % (line[:-1], self._suffix, seq, place)
            seal = self._key.seal(mac, body)
            mac = seal.mac
            sealed.append((b'%s,"mac":"%s"}\n' % (body, mac), seal))
            place = b""
        return sealed

    def advance(self, sealed: Sequence[tuple[bytes, Seal]]) -> None:
        """Go on after lines that were written."""
        if sealed:
            self.seq += len(sealed)
            self.last = sealed[-1][1]

    def head(self, end: int, *, is_ended: bool) -> bytes:
        """Make the head, for the first line of a file."""
        proof = self._key.ended(self.last.proof, end) if is_ended else self.last.proof
        return _head(self.seq, end, proof, is_ended=is_ended)


def with_head(line: bytes, seq: int, seal: Seal) -> bytes:
    """Put the first head into a sealed opened line: that of the line itself, whose end is not known yet."""
    return line.replace(BLANK_HEAD.encode(), _head(seq, 0, seal.proof, is_ended=False), 1)


def _head(seq: int, end: int, proof: bytes, *, is_ended: bool) -> bytes:
    state = b"ended" if is_ended else b"open"
    return (b"%d %d %s %s" % (seq, end, state, proof)).ljust(_HEAD_SIZE)


def head_offset(line: bytes) -> int | None:
    """Return where the head begins in an opened line."""
    found = _HEAD.search(line)
    return None if found is None else found.start("head")


def link_of(line: bytes) -> Link | None:
    """Read a line without its line break; None if it belongs to no chain."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    body, place = found["body"], _HEAD.search(found["body"])
    if place is not None:
        body = body[: place.start("head")] + BLANK_HEAD.encode() + body[place.end("head") :]
    after = found["after"]
    return Link(
        found["chain"].decode(),
        int(found["seq"]),
        None if after is None else int(after),
        body,
        found["mac"],
        None if place is None else place["head"],
    )


def head_of(link: Link) -> Head | None:
    """Read the head of an opened line; None if it has none yet, or one that no gateway made."""
    found = _SEALED.fullmatch(link.head or b"")
    if found is None:
        return None
    return Head(int(found["seq"]), int(found["end"]), found["state"] == b"ended", found["mac"])
