"""The host of a request: one valid `Host`, and a matching target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from graph.server.limits import HttpLimits
from tests.server.raw_http import Wire, assert_is_a_refusal, exchange, head, seen

if TYPE_CHECKING:
    from tests.server.live_server import Probe, Serve

HOSTS = [
    b"a",
    b"api.example",
    b"api.example.",
    b"API.Example:8443",
    b"under_score.example",
    b"127.0.0.1",
    b"127.0.0.1:8000",
    b"[::1]",
    b"[2001:db8::1]:65535",
    b"[::ffff:10.0.0.1]",
    b"a" * 63 + b".example",
    b"127.0.0.1:",
    b"api.example:0080",
]


@pytest.mark.parametrize("host", HOSTS)
def test_a_valid_host_is_taken(port: int, host: bytes) -> None:
    assert ["host", host.decode()] in seen(port, head(b"/", b"Host: " + host))["headers"]


NO_HOSTS = {
    "empty": b"",
    "white space": b" ",
    "two words": b"a b",
    "two names": b"a, b",
    "a user": b"user@a",
    "a user and a password": b"user:pw@a",
    "a path": b"a/b",
    "a query": b"a?b",
    "a fragment": b"a#b",
    "a URL": b"http://a",
    "a backslash": b"a\\b",
    "percent": b"a%00",
    "beyond ASCII": b"caf\xe9",
    "a word for a port": b"a:http",
    "a signed port": b"a:+80",
    "a large port": b"a:65536",
    "two ports": b"a:1:2",
    "only a port": b":80",
    "a dot": b".",
    "two dots": b"a..b",
    "a bare IPv6 address": b"::1",
    "an open bracket": b"[::1",
    "letters in brackets": b"[zz::1]",
    "only colons in brackets": b"[::::]",
    "a zone": b"[fe80::1%25eth0]",
    "a quote": b'"a"',
    "markup": b"<script>",
    "very long": b"a" * 256,
}


@pytest.mark.parametrize("host", NO_HOSTS.values(), ids=NO_HOSTS)
def test_an_invalid_host_is_refused(port: int, probe: Probe, host: bytes) -> None:
    assert_is_a_refusal(exchange(port, head(b"/", b"Host: " + host)))
    assert probe.paths == []


@pytest.mark.parametrize(
    "fields",
    [(), (b"X-Host: a",), (b"Host: a", b"Host: b"), (b"Host: a", b"Host: a"), (b"Host: a", b"X: y", b"hOST: a")],
    ids=["none", "another field", "two", "two equal ones", "two in other letters"],
)
def test_a_request_has_one_host(port: int, probe: Probe, fields: tuple[bytes, ...]) -> None:
    assert_is_a_refusal(exchange(port, head(b"/", *fields)))
    assert probe.paths == []


ALLOWED = HttpLimits(
    allowed_hosts=frozenset(
        {b"api.example", b"127.0.0.1", b"other.example:8443", b"[::1]", b"plain.example:80", b"tls.example:443"}
    )
)


@pytest.mark.parametrize(
    "host",
    [
        b"api.example",
        b"API.EXAMPLE",
        b"api.example.",
        b"api.example:1",
        b"api.example.:1",
        b"127.0.0.1:8000",
        b"other.example:8443",
        b"[::1]",
        b"[::1]:8000",
        b"[0:0::0:1]",
        b"api.example:",
        b"other.example:08443",
        b"plain.example",
        b"tls.example:",
    ],
)
def test_a_host_of_the_list_is_answered(serve: Serve, host: bytes) -> None:
    _, live = serve(ALLOWED)
    assert seen(live.port, head(b"/", b"Host: " + host))["path"] == "/"


@pytest.mark.parametrize(
    "host",
    [
        b"a",
        b"example",
        b"x.api.example",
        b"api.example.x",
        b"other.example",
        b"other.example:443",
        b"plain.example:443",
        b"tls.example:80",
        b"[::2]",
        b"::1",
    ],
)
def test_a_host_that_is_not_of_the_list_is_refused(serve: Serve, host: bytes) -> None:
    probe, live = serve(ALLOWED)
    assert_is_a_refusal(exchange(live.port, head(b"/", b"Host: " + host)))
    assert probe.paths == []


def test_with_a_list_every_request_names_its_host(serve: Serve) -> None:
    probe, live = serve(ALLOWED)
    assert_is_a_refusal(exchange(live.port, head(b"/", version=b"1.0")))
    assert_is_a_refusal(exchange(live.port, head(b"http://a/", b"Host: a")))
    assert probe.paths == []
    assert seen(live.port, head(b"http://api.example/x", version=b"1.0"))["path"] == "/x"


FIXED = HttpLimits(allowed_hosts=frozenset({b"gateway", b"a:1"}), fixed_hosts=True)


@pytest.mark.parametrize(
    "host",
    [
        *(b"localhost", b"LOCALHOST:8000", b"localhost.", b"app.localhost:1", b"127.0.0.1", b"127.9.9.9:9090"),
        *(b"[::1]", b"[::1]:9090", b"10.0.0.7:9090", b"[2001:db8::7]:9090", b"gateway:9090", b"a:1"),
    ],
)
def test_addresses_and_names_of_this_machine_cannot_be_rebound(serve: Serve, host: bytes) -> None:
    _, live = serve(FIXED)
    assert seen(live.port, head(b"/", b"Host: " + host))["path"] == "/"


@pytest.mark.parametrize(("label", "shown"), [("evil", "evil.example:8000"), ("a" * 100, None)])
def test_the_log_has_the_refused_host_unless_it_is_too_long(
    serve: Serve, caplog: pytest.LogCaptureFixture, label: str, shown: str | None
) -> None:
    _, live = serve(FIXED)
    exchange(live.port, head(b"/", f"Host: {label}.example:8000".encode()))
    (record,) = caplog.records
    assert vars(record).get("host") == shown
    assert "KONAGRAPH_ALLOWED_HOSTS" in vars(record)["reason"]


@pytest.mark.parametrize(
    "host",
    [
        *(b"evil.example", b"evil.example:8000", b"localhost.evil.example", b"evillocalhost", b"127.0.0.1.nip.io"),
        *(b"127.1", b"0x7f.0.0.1", b"2130706433", b"127.0.0.256", b"a:2", b"x.gateway"),
    ],
)
def test_any_other_name_can_and_is_refused(serve: Serve, host: bytes) -> None:
    probe, live = serve(FIXED)
    assert_is_a_refusal(exchange(live.port, head(b"/", b"Host: " + host)))
    assert_is_a_refusal(exchange(live.port, head(b"http://" + host + b"/", b"Host: localhost")))
    assert probe.paths == []


def test_of_two_names_the_list_is_asked_about_the_targets(serve: Serve) -> None:
    probe, live = serve(ALLOWED)
    with Wire(live.port) as wire:
        wire.send(head(b"/w", b"Host: api.example"))
        assert wire.answer().status == 200
        wire.send(head(b"http://api.example/x", b"Host: a"))
        assert wire.answer().status == 200
        # A Host accepted with an absolute target is not accepted alone.
        wire.send(head(b"/y", b"Host: a"))
        assert wire.answer().status == 400
    assert_is_a_refusal(exchange(live.port, head(b"http://a/", b"Host: api.example")))
    assert probe.paths == ["/w", "/x"]


@pytest.mark.parametrize(
    ("target", "host"),
    [
        (b"http://example.com:80/x", b"example.com"),
        (b"http://example.com/x", b"example.com:80"),
        (b"https://EXAMPLE.com:443/x", b"example.com."),
        (b"http://b:/x", b"a"),
        (b"http://[::1]:8000/x", b"a:1"),
    ],
)
def test_a_target_that_names_a_host_wins_over_the_header(port: int, target: bytes, host: bytes) -> None:
    answer = seen(port, head(target, b"Host: " + host))
    named = target.split(b"/")[2].decode()
    assert [["host", named]] == [field for field in answer["headers"] if field[0] == "host"]


@pytest.mark.parametrize(
    "fields", [(), (b"Host: a", b"Host: a"), (b"Host: a/b",)], ids=["none", "two", "an invalid one"]
)
def test_the_header_must_be_there_and_valid_beside_such_a_target(port: int, fields: tuple[bytes, ...]) -> None:
    assert_is_a_refusal(exchange(port, head(b"http://a/", *fields)))


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", "/", ""),
        (b"/a/b?c=d&e=?/", "/a/b", "c=d&e=?/"),
        (b"//evil.example/x", "//evil.example/x", ""),
        (b"/%2e%2e/%00", "/../\0", ""),
        (b"/..//.", "/..//.", ""),
        (b"/?http://b/", "/", "http://b/"),
        (b"http://a/x?y", "/x", "y"),
        (b"HTTPS://A/x", "/x", ""),
        (b"http://a", "/", ""),
        (b"http://a?y", "/", "y"),
    ],
)
def test_a_target_is_a_path_or_a_whole_url_of_the_host(port: int, target: bytes, path: str, query: str) -> None:
    answer = seen(port, head(target, b"Host: a"))
    assert (path, query) == (answer["path"], answer["query"])


@pytest.mark.parametrize(
    "target",
    [
        b"http://a@b/x",
        b"http://user@a/x",
        b"http://:pw@a/x",
        b"http://a%40b/x",
        b"http://a:65536/x",
        b"http://:80/x",
        b"http:///x",
        b"ftp://a/x",
        b"/x#y",
        b"http://a/x#y",
        b"*",
        b"a",
        b"a:80",
        b"?x",
        b"",
    ],
)
def test_any_other_target_is_refused(port: int, probe: Probe, target: bytes) -> None:
    assert_is_a_refusal(exchange(port, head(target, b"Host: a")))
    assert probe.paths == []


def test_options_may_ask_for_the_server_as_a_whole(port: int) -> None:
    assert seen(port, head(b"*", b"Host: a", method=b"OPTIONS"))["path"] == "*"
