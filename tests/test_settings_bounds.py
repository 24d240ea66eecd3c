"""Which addresses, times, numbers and words the settings take, and which they refuse."""

from __future__ import annotations

import pytest

from graph.config.environment import load_settings
from tests.settings_cases import PLAIN, VARIABLES
from tests.tables import table
from tests.test_settings_problems import CANARY, problems

OTHER_BOUNDS = ("KONAGRAPH_KEEPALIVE", "KONAGRAPH_DRAIN_DELAY")
SECONDS = [row[0] for row in VARIABLES if isinstance(row[2], float) and row[0] not in OTHER_BOUNDS]
NO_COUNTS = ("KONAGRAPH_PORT", "KONAGRAPH_ADMIN_PORT")
COUNTS = [row[0] for row in VARIABLES if type(row[2]) is int and row[0] not in NO_COUNTS]


@pytest.mark.parametrize(
    "url", ["http://h", "https://h/", "https://h:443/a/b", "http://[::1]:1/x", "https://예시.kr"]
)
def test_an_address_may_have_a_port_and_a_path(url: str) -> None:
    assert url == load_settings({**PLAIN, "KONAPLATE_BASE_URL": url}).konaplate_base_url


@table(
    "url",
    [
        CANARY,
        f"//{CANARY}/x",
        f"ftp://{CANARY}",
        f"file:///{CANARY}",
        "https://",
        "https:///path",
        f"https:{CANARY}",
        f"https://user:{CANARY}@h/x",
        f"https://h/?key={CANARY}",
        f"https://h/#{CANARY}",
        f"https://h:{CANARY}",
        "https://h:65536",
        "https://h:0",
        f"https://h {CANARY}",
        f"https://h/\n{CANARY}",
        f"https://h/{CANARY * 20_000}",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    expected = "KONAPLATE_BASE_URL: must be an http or https URL without credentials, query and fragment"

    assert problems({**PLAIN, "KONAPLATE_BASE_URL": url}) == [expected]


@table("variable", SECONDS)
@table("text", ["0.001", "60", "1e1"])
def test_a_time_is_at_most_a_minute(variable: str, text: str) -> None:
    assert float(text) == getattr(load_settings({**PLAIN, variable: text}), variable.lower())


@table("variable", SECONDS)
@table("text", ["0", "-1", "60.1", "inf", "-inf", "nan", "1s", CANARY])
def test_a_time_out_of_bounds_is_refused(variable: str, text: str) -> None:
    (problem,) = problems({**PLAIN, variable: text})

    assert problem.startswith(f"{variable}: input should be ")


@table("variable", COUNTS)
@table("text", ["1", "1000000000"])
def test_a_number_has_wide_bounds(variable: str, text: str) -> None:
    assert int(text) == getattr(load_settings({**PLAIN, variable: text}), variable.lower())


@table("variable", COUNTS)
@table("text", ["0", "-1", "1000000001", "1.5", "9" * 5000, CANARY])
def test_a_number_out_of_bounds_is_refused(variable: str, text: str) -> None:
    (problem,) = problems({**PLAIN, variable: text})

    assert problem.startswith((f"{variable}: input should be ", f"{variable}: unable to parse input string"))


@pytest.mark.parametrize(
    ("text", "fits"), [("0", True), ("65535", True), ("-1", False), ("65536", False), ("http", False)]
)
def test_a_port_is_a_port(text: str, *, fits: bool) -> None:
    if fits:
        assert int(text) == load_settings({**PLAIN, "KONAGRAPH_PORT": text}).konagraph_port
    else:
        assert problems({**PLAIN, "KONAGRAPH_PORT": text})[0].startswith("KONAGRAPH_PORT: input should be ")


@pytest.mark.parametrize(
    ("variable", "text", "fits"),
    [
        ("KONAGRAPH_ADMIN_PORT", "0", True),
        ("KONAGRAPH_ADMIN_PORT", "65535", True),
        ("KONAGRAPH_ADMIN_PORT", "65536", False),
        ("KONAGRAPH_ADMIN_PORT", "-1", False),
        ("KONAGRAPH_DRAIN_DELAY", "0", True),
        ("KONAGRAPH_DRAIN_DELAY", "60", True),
        ("KONAGRAPH_DRAIN_DELAY", "60.1", False),
        ("KONAGRAPH_DRAIN_DELAY", "-0.1", False),
        ("KONAGRAPH_DRAIN_DELAY", "nan", False),
    ],
)
def test_what_has_bounds_of_its_own_keeps_them(variable: str, text: str, *, fits: bool) -> None:
    if fits:
        assert float(text) == getattr(load_settings({**PLAIN, variable: text}), variable.lower())
    else:
        assert problems({**PLAIN, variable: text})[0].startswith(f"{variable}: input should be ")


@table(
    ("variable", "choices"),
    [
        ("KONAPLATE_ENCRYPTION", "'on' or 'off'"),
        ("KONAPLATE_CORRELATION_ECHO", "'learn', 'require' or 'ignore'"),
        ("KONAGRAPH_ENV", "'development' or 'production'"),
        ("KONAGRAPH_LOG_LEVEL", "'debug', 'info', 'warning' or 'error'"),
        ("KONAGRAPH_LOG_FORMAT", "'json' or 'console'"),
    ],
)
@table("text", [CANARY, "ON", "o n"])
def test_a_word_that_is_no_choice_is_answered_with_the_choices(variable: str, choices: str, text: str) -> None:
    assert problems({**PLAIN, variable: text}) == [f"{variable}: input should be {choices}"]


SWITCHES = [row[0] for row in VARIABLES if isinstance(row[2], bool)]


@table("variable", SWITCHES)
@table("text", ["yes", "no", "on", "off", "1", "0", "t", "True", "FALSE", CANARY])
def test_a_switch_is_true_or_false_and_no_other_word(variable: str, text: str) -> None:
    assert problems({**PLAIN, variable: text}) == [f"{variable}: must be true or false"]


@table("variable", [*COUNTS, *SECONDS, *NO_COUNTS, *OTHER_BOUNDS])
def test_a_number_is_written_in_digits_alone(variable: str) -> None:
    assert problems({**PLAIN, variable: "1_0"}) == [f"{variable}: input should be a number in digits"]


@pytest.mark.parametrize("variable", ["KONAGRAPH_HOST", "KONAGRAPH_ADMIN_HOST"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [("::1", "::1"), ("[::1]", "::1"), ("localhost", "localhost"), ("127.1.2.3", "127.1.2.3")],
)
def test_a_host_is_an_address_or_a_name(variable: str, text: str, expected: str) -> None:
    assert getattr(load_settings({**PLAIN, variable: text}), variable.lower()) == expected


@table("variable", ["KONAGRAPH_HOST", "KONAGRAPH_ADMIN_HOST"])
@table(
    "text",
    [f"{CANARY}:8000", f"http://{CANARY}", f"{CANARY} x", f"{CANARY}/8", f"-{CANARY}", "*", f"[::1]:{CANARY}"],
)
def test_what_is_neither_is_refused(variable: str, text: str) -> None:
    expected = [f"{variable}: must be an address or the name of a host, without a port"]

    assert problems({**PLAIN, variable: text}) == expected


@pytest.mark.parametrize(
    "text", ["https://", f"http://h:{CANARY}", f"https://h/{CANARY} x", f"HTTPS://h:0/{CANARY}"]
)
def test_a_key_set_at_an_address_that_is_none_is_refused(text: str) -> None:
    expected = "KONAGRAPH_JWT_JWKS: must be an http or https URL, or the path of a file"

    assert problems({**PLAIN, "KONAGRAPH_JWT_JWKS": text}) == [expected]


@table(
    "variable", ["KONAGRAPH_JWT_JWKS", "KONAGRAPH_JWT_ISSUER", "KONAGRAPH_JWT_AUDIENCE", "KONAGRAPH_MEMBER_CLAIM"]
)
@table("text", [f"a\n{CANARY}", f"{CANARY}\0b", f"{CANARY}\udc80", f"a\u200b{CANARY}"])
def test_a_text_is_one_line(variable: str, text: str) -> None:
    assert problems({**PLAIN, variable: text}) == [f"{variable}: must be one line of text"]
