"""Which addresses, times, numbers and words the settings accept."""

from __future__ import annotations

from typing import Any, Final, get_args, get_type_hints

import pytest

from graph.config.environment import load_settings
from graph.config.settings import Settings
from graph.config.types import Count, Days, FirstPage, Host, IdleSeconds, Port, Seconds, SecondsOrNone, Switch
from tests.settings_cases import PLAIN
from tests.tables import table
from tests.test_settings_problems import CANARY, problems

# What each kind of number takes at both of its ends, and what it refuses beyond them.
BOUNDS: Final = [
    (Seconds, ["0.001", "1e1", "60"], ["-1", "0", "60.1"]),
    (SecondsOrNone, ["0", "60"], ["-0.1", "60.1"]),
    (IdleSeconds, ["0.001", "3600"], ["-1", "0", "3600.1"]),
    (Count, ["1", "1000000000"], ["-1", "0", "1.5", "1000000001", "9" * 5000]),
    (Days, ["1", "3660"], ["-1", "0", "1.5", "3661"]),
    (FirstPage, ["0", "1"], ["-1", "2", "0.5"]),
    (Port, ["0", "65535"], ["-1", "1.5", "65536"]),
]
NO_NUMBERS: Final = ["inf", "-inf", "nan", "1s", CANARY]


def declared() -> dict[str, Any]:
    """The kind of each setting, by its variable."""
    hints = get_type_hints(Settings, include_extras=True)
    kinds = {name.upper(): hints[name] for name in Settings.model_fields}
    return {name: get_args(kind)[0] if type(None) in get_args(kind) else kind for name, kind in kinds.items()}


DECLARED: Final = declared()
NUMBERS: Final = [name for name, kind in DECLARED.items() if getattr(kind, "__origin__", None) in (int, float)]
SWITCHES: Final = [name for name, kind in DECLARED.items() if kind == Switch]
HOSTS: Final = [name for name, kind in DECLARED.items() if kind == Host]


def bounds_of(variable: str) -> tuple[list[str], list[str]]:
    """What a number takes, and what it refuses."""
    return next((fits, refused) for kind, fits, refused in BOUNDS if kind == DECLARED[variable])


@pytest.mark.parametrize(
    "url",
    [
        *("http://h", "https://h/", "https://h:443/a/b", "http://[::1]:1/x", "https://예시.kr", "https://h./x"),
        *(f"https://{'h' * 63}.example", f"https://{'h.' * 126}h"),
    ],
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
        f"https://{CANARY}..example",
        f"https://.{CANARY}",
        f"https://{CANARY}../x",
        "https://./x",
        f"https://{CANARY}.{'h' * 64}.example",
        f"https://{'h.' * 127}h",
    ],
)
def test_any_other_address_is_refused(url: str) -> None:
    expected = "KONAPLATE_BASE_URL: must be an http or https URL without credentials, query and fragment"

    assert problems({**PLAIN, "KONAPLATE_BASE_URL": url}) == [expected]


def test_every_kind_of_number_is_here() -> None:
    assert len(NUMBERS) > 10
    assert [kind for kind, _, _ in BOUNDS if kind not in DECLARED.values()] == []


@table("variable", NUMBERS)
def test_a_number_is_taken_up_to_its_bounds(variable: str) -> None:
    fits, _ = bounds_of(variable)
    read = [getattr(load_settings({**PLAIN, variable: text}), variable.lower()) for text in fits]
    assert read == [float(text) for text in fits]


@table(("variable", "text"), [(name, text) for name in NUMBERS for text in (*bounds_of(name)[1], *NO_NUMBERS)])
def test_a_number_beyond_its_bounds_is_refused(variable: str, text: str) -> None:
    (problem,) = problems({**PLAIN, variable: text})
    assert problem.startswith((f"{variable}: input should be ", f"{variable}: unable to parse input string"))


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


@table("variable", SWITCHES)
@table("text", ["yes", "no", "on", "off", "1", "0", "t", "True", "FALSE", CANARY])
def test_a_switch_is_true_or_false_and_no_other_word(variable: str, text: str) -> None:
    assert problems({**PLAIN, variable: text}) == [f"{variable}: must be true or false"]


@table("variable", NUMBERS)
def test_a_number_is_written_in_digits_alone(variable: str) -> None:
    assert problems({**PLAIN, variable: "1_0"}) == [f"{variable}: input should be a number in digits"]


@table("variable", HOSTS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [("::1", "::1"), ("[::1]", "::1"), ("localhost", "localhost"), ("127.1.2.3", "127.1.2.3")],
)
def test_a_host_is_an_address_or_a_name(variable: str, text: str, expected: str) -> None:
    assert getattr(load_settings({**PLAIN, variable: text}), variable.lower()) == expected


@table("variable", HOSTS)
@table(
    "text",
    [
        *(
            f"{CANARY}:8000",
            f"http://{CANARY}",
            f"{CANARY} x",
            f"{CANARY}/8",
            f"-{CANARY}",
            "*",
            f"[::1]:{CANARY}",
        ),
        *("h" * 64, f"{CANARY}.{'h' * 64}", f"{CANARY}..h"),
    ],
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


@table("text", [",", CANARY, "000_000", "003_099 000_000", "003-099", "12345_001"])
def test_what_is_no_code_of_a_failure_is_refused(text: str) -> None:
    expected = "KONAPLATE_NO_CARD_CODES: must be a list of codes of failures such as 003_001"

    assert problems({**PLAIN, "KONAPLATE_NO_CARD_CODES": text}) == [expected]


@table(
    "variable", ["KONAGRAPH_JWT_JWKS", "KONAGRAPH_JWT_ISSUER", "KONAGRAPH_JWT_AUDIENCE", "KONAGRAPH_MEMBER_CLAIM"]
)
@table("text", [f"a\n{CANARY}", f"{CANARY}\0b", f"{CANARY}\udc80", f"a\u200b{CANARY}"])
def test_a_text_is_one_line(variable: str, text: str) -> None:
    assert problems({**PLAIN, variable: text}) == [f"{variable}: must be one line of text"]
