"""The GraphiQL page for browsers, with all its files. Without npm's files, it says which are missing."""

from __future__ import annotations

import html
import json
import secrets
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, Response

from graph.http.graphiql_files import DIRECTORY, FILES, MISSING_PAGE, PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graph.security.guests import Guests

_MEDIA_TYPES: Mapping[str, str] = MappingProxyType({".css": "text/css", ".js": "text/javascript"})
_NO_PAGE = b"<!doctype html><title>GraphiQL</title><p>These files of GraphiQL are missing:</p><ul>$missing</ul>"


class Explorer:
    """The page and its files, all read at construction. The page loads its files below `{endpoint}/explorer/`.

    Args:
        directory: of the files.
        endpoint: the path of GraphQL.
        default_query: what the page opens with.
        default_variables: its variables, as JSON; empty for none.
        facts: what else the page's script is told, as JSON values.
        guests: mints tokens for the page; None where callers have credentials of their own.
    """

    def __init__(
        self,
        directory: Path,
        *,
        endpoint: str,
        default_query: str,
        default_variables: str,
        facts: Mapping[str, Any] = MappingProxyType({}),
        guests: Guests | None = None,
    ) -> None:
        self._settings = {
            "endpoint": endpoint,
            "query": default_query,
            "variables": default_variables,
            **facts,
            "roles": []
            if guests is None
            else [{"name": each.name, "is": each.description} for each in guests.roles.values()],
        }
        self._endpoint = endpoint
        self.guests = guests
        self._template = _read(directory / PAGE)
        # Not of that folder, which may be the one that is missing.
        self._missing_page = (_read(DIRECTORY / MISSING_PAGE) or _NO_PAGE).decode()
        # Requests choose among these names; no path is ever built from a request.
        bodies = {name: _read(directory / path) for name, path in FILES.items()}
        self._bodies = MappingProxyType({name: body for name, body in bodies.items() if body is not None})

    @property
    def missing(self) -> tuple[str, ...]:
        """Required files that are missing, as paths below the directory."""
        missing = [path for name, path in FILES.items() if name not in self._bodies]
        return tuple(missing if self._template is not None else [PAGE, *missing])

    def page(self) -> Response:
        """The GraphiQL page, or a page that says which files are missing and how to get them.

        Both are 200: the endpoint works. A 503 would count as an outage and be retried by proxies.
        """
        nonce = secrets.token_urlsafe(18)
        names = {"assets": html.escape(f"{self._endpoint}/explorer"), "endpoint": html.escape(self._endpoint)}
        if self._template is None or self.missing:
            items = "".join(f"<li><code>{html.escape(path)}</code></li>" for path in self.missing)
            page = Template(self._missing_page).substitute(names, missing=items)
        else:
            settings = _script_data({**self._settings, "styleNonce": nonce})
            page = Template(self._template.decode()).substitute(names, settings=settings)
        return HTMLResponse(page, headers={"content-security-policy": _content_security_policy(nonce)})

    def asset(self, name: str) -> Response | None:
        """A file of the page; None if there is no such file."""
        body = self._bodies.get(name)
        return None if body is None else Response(body, media_type=_MEDIA_TYPES[Path(name).suffix])


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _script_data(value: Mapping[str, Any]) -> str:
    """JSON for a script element: no string in it can end the element or open a comment."""
    text = json.dumps(value)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _content_security_policy(nonce: str) -> str:
    """The strictest policy under which GraphiQL 3.9 works, without `unsafe-inline` and `unsafe-eval`.

    GraphiQL's dialogs add one style element, hence the nonce. Its style sheet has fonts and icons as data URLs.
    """
    directives = (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' 'nonce-{nonce}'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(directives)
