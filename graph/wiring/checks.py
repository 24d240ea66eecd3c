"""Checks at start beyond single settings: reports the problems of all files and ports at once."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

from graph.config.files import is_plainly_a_path
from graph.config.settings import Settings, SettingsError
from graph.wiring.documents import build_documents
from graph.wiring.security import build_redis, read_key_files
from graph.wiring.tls import build_tls
from graph.wiring.upstream import configured_endpoints, key_pairs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def start_problems(settings: Settings, wrong: frozenset[str] = frozenset()) -> list[str]:
    """All problems that stop the start, except consequences of the fields that are wrong themselves."""
    problems: list[str] = []
    for check, needed in _CHECKS.items():
        if any(name.startswith(needed) for name in wrong):
            continue
        try:
            check(settings)
        except SettingsError as error:
            problems += error.problems
    return problems


def _check_audit_log(settings: Settings) -> None:
    log = settings.konagraph_audit_log
    reason = None if log is None else _why_not_written(log)
    if reason is not None:
        shown = f"{log}: " if is_plainly_a_path(str(log)) else ""
        raise SettingsError([f"KONAGRAPH_AUDIT_LOG names a file that cannot be written: {shown}{reason}"])


def _check_ports(settings: Settings) -> None:
    hosts = settings.konagraph_host, settings.konagraph_admin_host
    same_host = hosts[0] == hosts[1] or not {"0.0.0.0", "::"}.isdisjoint(hosts)
    if settings.konagraph_port == settings.konagraph_admin_port != 0 and same_host:
        raise SettingsError(["KONAGRAPH_PORT and KONAGRAPH_ADMIN_PORT are the same port"])


# Each check with the prefixes of the fields that it needs; it is skipped if one of them is wrong.
_CHECKS: Final[dict[Callable[[Settings], object], tuple[str, ...]]] = {
    key_pairs: (),
    configured_endpoints: (),
    build_tls: (),
    build_documents: ("konagraph_max_", "konagraph_documents", "konagraph_introspection"),
    read_key_files: ("konagraph_auth",),
    build_redis: (),
    _check_audit_log: (),
    _check_ports: ("konagraph_host", "konagraph_port", "konagraph_admin_"),
}


def _why_not_written(path: Path) -> str | None:
    """Why a file could not be appended to; None if it could. A check does not create it."""
    try:
        if path.is_dir():
            return os.strerror(errno.EISDIR)
        if not path.parent.is_dir():
            return "there is no such folder"
        place, needed = (path, os.W_OK) if path.exists() else (path.parent, os.W_OK | os.X_OK)
    except OSError as error:
        return os.strerror(error.errno or errno.EACCES)
    except ValueError:
        return "it is not a valid file name"
    return None if os.access(place, needed) else os.strerror(errno.EACCES)
