"""The GraphiQL page for browsers, served without any other host.

The page is made of this project's own files and of six files that npm brings into ``explorer/node_modules``
(``explorer/package-lock.json`` pins them). A wheel has them all in it. Where those of npm are absent the page says
so and everything else works.
"""

import html
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from string import Template
from types import MappingProxyType
from typing import Final, NamedTuple

Response = tuple[int, list[tuple[bytes, bytes]], bytes]


class _Source(NamedTuple):
    path: str
    content_type: bytes
    from_npm: bool


_CSS = b"text/css; charset=utf-8"
_JAVASCRIPT = b"text/javascript; charset=utf-8"

_PAGE = "index.html"
_SOURCES: Mapping[str, _Source] = MappingProxyType(
    {
        "explorer.css": _Source("explorer.css", _CSS, from_npm=False),
        "explorer.js": _Source("explorer.js", _JAVASCRIPT, from_npm=False),
        "graphiql.css": _Source("node_modules/graphiql/graphiql.min.css", _CSS, from_npm=True),
        "graphiql.js": _Source("node_modules/graphiql/graphiql.min.js", _JAVASCRIPT, from_npm=True),
        "plugin-explorer.css": _Source(
            "node_modules/@graphiql/plugin-explorer/dist/style.css", _CSS, from_npm=True
        ),
        "plugin-explorer.js": _Source(
            "node_modules/@graphiql/plugin-explorer/dist/index.umd.js", _JAVASCRIPT, from_npm=True
        ),
        "react-dom.js": _Source(
            "node_modules/react-dom/umd/react-dom.production.min.js", _JAVASCRIPT, from_npm=True
        ),
        "react.js": _Source("node_modules/react/umd/react.production.min.js", _JAVASCRIPT, from_npm=True),
    }
)

PAGE_FILES: Final = (_PAGE, *(source.path for source in _SOURCES.values()))
"""What the page is made of, as paths below its directory; a wheel carries these and nothing else of npm's."""

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_PACKAGED: Final = _PACKAGE / "explorer"
DIRECTORY: Final = _PACKAGED if _PACKAGED.is_dir() else _PACKAGE.parent / "explorer"
"""Where the page's files are: within the package in a wheel, beside it in a checkout."""

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
        self._template = _read(directory / _PAGE)
        # Requests choose among these names. No path is ever built from what a request says.
        bodies = {name: _read(directory / source.path) for name, source in _SOURCES.items()}
        self._bodies = MappingProxyType({name: body for name, body in bodies.items() if body is not None})

    @property
    def missing(self) -> tuple[str, ...]:
        """The files the page cannot do without and does not have, as paths below the directory."""
        absent = [source.path for name, source in _SOURCES.items() if name not in self._bodies]
        return tuple(absent if self._template is not None else [_PAGE, *absent])

    def page(self) -> Response:
        """The GraphiQL page, or a page that says which files are missing and how to get them.

        Both are 200: the endpoint works and only a developer's convenience is absent. A 503 would be counted
        as an outage, and a proxy that retries a 503 would ask the other gateways for the same page.
        """
        nonce = secrets.token_urlsafe(18)
        if self._template is None or self.missing:
            body = self._missing_page()
        else:
            body = Template(self._template.decode()).substitute(
                assets=self._assets_attribute,
                endpoint=html.escape(self._endpoint),
                settings=_script_data(self._settings(nonce)),
            )
        return 200, _page_headers(nonce), body.encode()

    def asset(self, name: str) -> Response | None:
        """The file that the page calls ``name``; None if there is no such file."""
        body = self._bodies.get(name)
        if body is None:
            return None
        headers = [
            (b"content-type", _SOURCES[name].content_type),
            # The names stay when the versions change, so no copy may outlive the gateway that served it.
            (b"cache-control", b"no-cache"),
            (b"x-content-type-options", b"nosniff"),
        ]
        return 200, headers, body

    @property
    def _assets_attribute(self) -> str:
        return html.escape(f"{self._endpoint}/explorer")

    def _settings(self, nonce: str) -> dict[str, str]:
        return {
            "endpoint": self._endpoint,
            "query": self._default_query,
            "variables": self._default_variables,
            "styleNonce": nonce,
        }

    def _missing_page(self) -> str:
        return _MISSING_PAGE.substitute(
            assets=self._assets_attribute,
            endpoint=html.escape(self._endpoint),
            missing="".join(f"<li><code>{html.escape(path)}</code></li>" for path in self.missing),
        )


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _script_data(value: Mapping[str, str]) -> str:
    """JSON that may stand inside a script element: no text in it can end the element or open a comment."""
    text = json.dumps(value)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _page_headers(nonce: str) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", _content_security_policy(nonce)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]


def _content_security_policy(nonce: str) -> bytes:
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
    return "; ".join(directives).encode()
