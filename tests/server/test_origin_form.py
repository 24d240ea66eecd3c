"""The format of an origin, so that one in the settings can match a browser's."""

from __future__ import annotations

import pytest

from graph.http.cors import is_origin
from tests.tables import table


@pytest.mark.parametrize(
    "text",
    [
        "https://app.example",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example:65535",
        "http://localhost:3000",
        "http://127.0.0.1:1",
        "https://xn--9n2bp8q.example",
        "http://[::1]:3000",
        "http://app.example:443",
        "capacitor://localhost",
        "ionic://localhost",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    ],
)
def test_an_origin_is_a_scheme_a_host_and_perhaps_a_port(text: str) -> None:
    assert is_origin(text)


@table(
    "text",
    [
        "",
        "*",
        "null",
        "app.example",
        "https://",
        "https://app.example/",
        "https://app.example/x",
        "https://app.example?x",
        "https://user@app.example",
        "https://*.example",
        "https://APP.example",
        "HTTPS://app.example",
        "https://app.example:443",
        "http://app.example:80",
        "https://app.example:",
        "https://app.example:08443",
        "https://app.example:65536",
        "https://app.example:99999",
        "https://app..example",
        "https://예시.example",
        "https://app.example\n",
        "file://",
    ],
)
def test_a_text_that_browsers_never_send_is_no_origin(text: str) -> None:
    assert not is_origin(text)
