"""The files of the GraphiQL page. Imports nothing, because the wheel is built by it without any dependency.

The page is made of this project's own files and of six that npm brings into ``explorer/node_modules``
(``explorer/package-lock.json`` pins them). A wheel has them all in it.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

PAGE: Final = "index.html"
FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "explorer.css": "explorer.css",
        "explorer.js": "explorer.js",
        "graphiql.css": "node_modules/graphiql/graphiql.min.css",
        "graphiql.js": "node_modules/graphiql/graphiql.min.js",
        "plugin-explorer.css": "node_modules/@graphiql/plugin-explorer/dist/style.css",
        "plugin-explorer.js": "node_modules/@graphiql/plugin-explorer/dist/index.umd.js",
        "react-dom.js": "node_modules/react-dom/umd/react-dom.production.min.js",
        "react.js": "node_modules/react/umd/react.production.min.js",
    }
)

PAGE_FILES: Final = (PAGE, *FILES.values())
"""What the page is made of, as paths below its directory; a wheel carries these and nothing else of npm's."""

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_PACKAGED: Final = _PACKAGE / "explorer"
DIRECTORY: Final = _PACKAGED if _PACKAGED.is_dir() else _PACKAGE.parent / "explorer"
"""Where the page's files are: within the package in a wheel, beside it in a checkout."""
