"""The GraphiQL page for browsers, served without any other host.

Where the files that npm brings are absent, the page says so and everything else works.
"""

import html
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from string import Template
from types import MappingProxyType

from starlette.responses import HTMLResponse, Response

from graph.http.graphiql_files import FILES, PAGE

_MEDIA_TYPES: Mapping[str, str] = MappingProxyType({".css": "text/css", ".js": "text/javascript"})

_MISSING_PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>konagraph explorer: not installed</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="$assets/explorer.css">
  </head>
  <body>
    <main class="missing">
      <h1>The explorer is not installed</h1>
      <p>The GraphQL endpoint <code>$endpoint</code> works; only this page lacks files:</p>
      <ul>$missing</ul>
      <p>They come from npm and need Node 18 or newer. In the project's folder run</p>
      <pre>make explorer</pre>
      <p>and start the gateway again.</p>
    </main>
  </body>
</html>
"""
)


class Explorer:
    """The page and the files it loads. Everything is read when it is constructed and never again.

    ``endpoint`` is the path that answers GraphQL by POST; the page asks for its files below
    ``{endpoint}/explorer/``.
    """

    def __init__(self, directory: Path, *, endpoint: str, default_query: str, default_variables: str) -> None:
        self._endpoint = endpoint
        self._default_query = default_query
        self._default_variables = default_variables
        self._template = _read(directory / PAGE)
        # Requests choose among these names. No path is ever built from what a request says.
        bodies = {name: _read(directory / path) for name, path in FILES.items()}
        self._bodies = MappingProxyType({name: body for name, body in bodies.items() if body is not None})

    @property
    def missing(self) -> tuple[str, ...]:
        """The files the page cannot do without and does not have, as paths below the directory."""
        absent = [path for name, path in FILES.items() if name not in self._bodies]
        return tuple(absent if self._template is not None else [PAGE, *absent])

    def page(self) -> Response:
        """The GraphiQL page, or a page that says which files are missing and how to get them.

        Both are 200: the endpoint works and only a developer's convenience is absent. A 503 would be counted
        as an outage, and a proxy that retries a 503 would ask the other gateways for the same page.
        """
        nonce = secrets.token_urlsafe(18)
        names = {"assets": html.escape(f"{self._endpoint}/explorer"), "endpoint": html.escape(self._endpoint)}
        if self._template is None or self.missing:
            items = "".join(f"<li><code>{html.escape(path)}</code></li>" for path in self.missing)
            page = _MISSING_PAGE.substitute(names, missing=items)
        else:
            settings = {
                "endpoint": self._endpoint,
                "query": self._default_query,
                "variables": self._default_variables,
                "styleNonce": nonce,
            }
            page = Template(self._template.decode()).substitute(names, settings=_script_data(settings))
        return HTMLResponse(page, headers={"content-security-policy": _content_security_policy(nonce)})

    def asset(self, name: str) -> Response | None:
        """The file that the page calls ``name``; None if there is no such file."""
        body = self._bodies.get(name)
        return None if body is None else Response(body, media_type=_MEDIA_TYPES[Path(name).suffix])


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _script_data(value: Mapping[str, str]) -> str:
    """JSON that may stand inside a script element: no text in it can end the element or open a comment."""
    text = json.dumps(value)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _content_security_policy(nonce: str) -> str:
    """The strictest policy under which GraphiQL 3.9 works; no ``unsafe-inline`` and no ``unsafe-eval``.

    GraphiQL sets styles through the CSSOM, which a policy permits; its dialogs add one style element, hence
    the nonce. Its fonts and a few of its icons are data URLs in its style sheet.
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
