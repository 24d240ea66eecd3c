"""Builds TLS to Konaplate from the settings: trusted authorities and the client certificate."""

from __future__ import annotations

import os
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from graph.config.files import UnreadableFileError, read_bytes, unreadable
from graph.config.settings import Settings, SettingsError
from graph.konaplate import pem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

_CA_BUNDLE: Final = "KONAPLATE_CA_BUNDLE"
_CERTIFICATE: Final = "KONAPLATE_CLIENT_CERTIFICATE"
_KEY: Final = "KONAPLATE_CLIENT_CERTIFICATE_KEY"
_MAX_BUNDLE_BYTES: Final = 4 * 1024 * 1024
# The capacity of a pipe on every system.
_MAX_PAIR_BYTES: Final = 16 * 1024


def build_tls(settings: Settings) -> ssl.SSLContext:
    """The TLS context: verifies Konaplate's certificate and presents ours.

    Raises:
        SettingsError: naming every file that cannot be used.
    """
    problems: list[str] = []
    context = _context(settings.konaplate_ca_bundle, problems)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    certificate, key = settings.konaplate_client_certificate, settings.konaplate_client_certificate_key
    if certificate is not None:
        _load_certificate(context, certificate, key, problems)
    if problems:
        raise SettingsError(problems)
    return context


def _context(bundle: Path | None, problems: list[str]) -> ssl.SSLContext:
    content = None if bundle is None else _read(_CA_BUNDLE, bundle, _MAX_BUNDLE_BYTES, problems)
    if content is not None:
        # Only the certificates: OpenSSL accepts ASCII only, and bundles have comments with names.
        certificates = [
            block.decode("ascii", "replace") for kind, block in pem.blocks(content) if kind == pem.CERTIFICATE
        ]
        try:
            if certificates:
                return ssl.create_default_context(cadata="\n".join(certificates))
            problems.append(f"{_CA_BUNDLE} names a file without a CA certificate in PEM form")
        except (ssl.SSLError, ValueError):
            problems.append(f"{_CA_BUNDLE} names a file with a certificate that is damaged")
    return ssl.create_default_context()


def _load_certificate(context: ssl.SSLContext, certificate: Path, key: Path | None, problems: list[str]) -> None:
    chain = _read(_CERTIFICATE, certificate, _MAX_PAIR_BYTES, problems)
    secret = chain if key is None else _read(_KEY, key, _MAX_PAIR_BYTES, problems)
    # For better messages than OpenSSL's.
    shown = _checked(_CERTIFICATE, pem.certified_key, chain, problems)
    own = _checked(_CERTIFICATE if key is None else _KEY, pem.private_key, secret, problems)
    if chain is None or secret is None or shown is None or own is None:
        return
    if shown != own.public_key():
        problems.append(f"{_CERTIFICATE} and {_KEY} do not belong together")
        return
    try:
        with _as_file(chain) as chain_file, _as_file(secret) as secret_file:
            # Without a password, OpenSSL would prompt for one on the terminal.
            context.load_cert_chain(chain_file, secret_file, password="")
    except (OSError, ValueError):
        problems.append(f"{_CERTIFICATE} and {_KEY} name no usable pair")


def _read(name: str, path: Path, most: int, problems: list[str]) -> bytes | None:
    try:
        return read_bytes(path, most)
    except UnreadableFileError as error:
        problems.append(f"{name} {unreadable(error)}")
        return None


def _checked(name: str, load: Callable[[bytes], T], content: bytes | None, problems: list[str]) -> T | None:
    try:
        return None if content is None else load(content)
    except pem.BadPemError as error:
        problems.append(f"{name} {error}")
        return None


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """A path to data in memory, as OpenSSL only reads files. No key is written to a disk."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(content)
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)
