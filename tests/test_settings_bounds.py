"""Which addresses, times, numbers and words the settings take, and which they refuse."""

from __future__ import annotations

import pytest

from graph.settings import load_settings
from tests.settings_cases import PLAIN, VARIABLES
from tests.test_settings_problems import CANARY, problems

SECONDS = [row[0] for row in VARIABLES if isinstance(row[2], float) and row[0] != "KONAGRAPH_KEEPALIVE"]
COUNTS = [row[0] for row in VARIABLES if type(row[2]) is int and row[0] != "KONAGRAPH_PORT"]


@pytest.mark.parametrize(
    "url", ["http://h", "https://h/", "https://h:443/a/b", "http://[::1]:1/x", "https://예시.kr"]
)
def test_an_address_may_have_a_port_and_a_path(url: str) -> None:
    assert url == load_settings({**PLAIN, "KONAPLATE_BASE_URL": url}).konaplate_base_url


@pytest.mark.parametrize(
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

    assert [expected] == problems({**PLAIN, "KONAPLATE_BASE_URL": url})


@pytest.mark.parametrize("variable", SECONDS)
@pytest.mark.parametrize("text", ["0.001", "60", "1e1"])
def test_a_time_is_at_most_a_minute(variable: str, text: str) -> None:
    assert float(text) == getattr(load_settings({**PLAIN, variable: text}), variable.lower())


@pytest.mark.parametrize("variable", SECONDS)
@pytest.mark.parametrize("text", ["0", "-1", "60.1", "inf", "-inf", "nan", "1s", CANARY])
def test_a_time_out_of_bounds_is_refused(variable: str, text: str) -> None:
    (problem,) = problems({**PLAIN, variable: text})

    assert problem.startswith(f"{variable}: input should be ")


@pytest.mark.parametrize("variable", COUNTS)
@pytest.mark.parametrize("text", ["1", "1000000000"])
def test_a_number_has_wide_bounds(variable: str, text: str) -> None:
    assert int(text) == getattr(load_settings({**PLAIN, variable: text}), variable.lower())


@pytest.mark.parametrize("variable", COUNTS)
@pytest.mark.parametrize("text", ["0", "-1", "1000000001", "1.5", "9" * 5000, CANARY])
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
    ("variable", "choices"),
    [
        ("KONAPLATE_ENCRYPTION", "'on' or 'off'"),
        ("KONAPLATE_TIME_ZONE", "'KST' or 'UTC'"),
        ("KONAGRAPH_ENV", "'development' or 'production'"),
        ("KONAGRAPH_LOG_LEVEL", "'debug', 'info', 'warning' or 'error'"),
        ("KONAGRAPH_LOG_FORMAT", "'json' or 'console'"),
    ],
)
@pytest.mark.parametrize("text", [CANARY, "ON", " "])
def test_a_word_that_is_no_choice_is_answered_with_the_choices(variable: str, choices: str, text: str) -> None:
    assert [f"{variable}: input should be {choices}"] == problems({**PLAIN, variable: text})
