"""The files of the GraphiQL page: our own and six of npm's, pinned by `explorer/package-lock.json`.

Imports no dependency, because the build of the wheel imports it.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

PAGE: Final = "index.html"
MISSING_PAGE: Final = "missing.html"
"""Shown while files of the page are missing."""
_OWN: Final = (
    "copy-as.js",
    "explorer.css",
    "explorer.js",
    "happened.js",
    "requests.js",
    "sandbox.js",
    "store.js",
)
FILES: Final[Mapping[str, str]] = MappingProxyType(
    {
        **{name: name for name in _OWN},
        "graphiql.css": "node_modules/graphiql/graphiql.min.css",
        "graphiql.js": "node_modules/graphiql/graphiql.min.js",
        "plugin-explorer.css": "node_modules/@graphiql/plugin-explorer/dist/style.css",
        "plugin-explorer.js": "node_modules/@graphiql/plugin-explorer/dist/index.umd.js",
        "react-dom.js": "node_modules/react-dom/umd/react-dom.production.min.js",
        "react.js": "node_modules/react/umd/react.production.min.js",
    }
)

PAGE_FILES: Final = (PAGE, MISSING_PAGE, *FILES.values())
"""All files of the page, as paths below its directory; a wheel contains exactly these."""

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_PACKAGED: Final = _PACKAGE / "explorer"
DIRECTORY: Final = _PACKAGED if _PACKAGED.is_dir() else _PACKAGE.parent / "explorer"
"""The directory of the files: inside the package in a wheel, beside it in a checkout."""
