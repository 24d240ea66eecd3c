"""What keeps every response private."""

from __future__ import annotations

from graph.http.responses import private_headers

JSON = (b"content-type", b"application/json")
POLICY = (b"content-security-policy", b"default-src 'self'")


def test_a_response_cannot_switch_off_what_keeps_it_private() -> None:
    headers = private_headers([(b"cache-control", b"public"), (b"x-frame-options", b"ALLOW"), JSON], "an-id")
    assert [value for name, value in headers if name == b"cache-control"] == [b"private, no-store"]
    assert [value for name, value in headers if name == b"x-frame-options"] == [b"DENY"]
    assert JSON in headers
    assert (b"x-request-id", b"an-id") in headers


def test_a_page_keeps_its_own_policy_and_what_has_none_may_load_nothing() -> None:
    policies = [
        [value for name, value in private_headers(given, "an-id") if name == b"content-security-policy"]
        for given in ([POLICY], [JSON])
    ]
    assert policies == [[b"default-src 'self'"], [b"default-src 'none'; frame-ancestors 'none'"]]
