"""`konagraph audit`: what an operator asks the audit log."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner, Result

from graph.audit_review.report import bulk_readers, viewers_of
from graph.cli import main
from graph.security.card_refs import CardRefs
from schema.secrets import CardNo, Credential, MemberId
from tests.cli.test_cli_commands import invoke
from tests.security.callers import ALL_KNOWING, NUMBERS, OTHERS, OWN, Caller, callers
from tests.tables import table
from tests.telemetry.capture import logs_as

if TYPE_CHECKING:
    from collections.abc import Sequence

KEYS: Final[dict[str, Any]] = {
    "KONAGRAPH_AUDIT_KEY": "the key of the audit log's chains",
    "KONAGRAPH_CARD_REF_KEY": "the key of the references of the cards",
}
REFS: Final = CardRefs(Credential(KEYS["KONAGRAPH_CARD_REF_KEY"]))
OWN_REF: Final = REFS.of(CardNo(OWN))
OWNER: Final = Caller("kim@example.com", member="1001")
CARD: Final = "query ($n: CardNumber!) { card(cardNo: $n) { balance member { userId } } }"


@pytest.fixture
async def log(tmp_path: Path) -> Path:
    """The audit log of a gateway that a service and a member have asked."""
    async with callers(tmp_path, **KEYS) as running:
        for number in NUMBERS[:4]:
            await running.ask(ALL_KNOWING, CARD, {"n": number})
        await running.ask(OWNER, CARD, {"n": OWN})
        await running.ask(OWNER, CARD, {"n": OTHERS})
        await running.gateway.post(CARD, {"n": OWN})
    return running.audit_file


def rows(*arguments: str, told: str = "") -> list[dict[str, Any]]:
    result = invoke("audit", "report", "--format", "json", *arguments)
    assert (result.exit_code, result.stderr) == (0, told)
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_an_untouched_log_is_verified_and_a_changed_one_is_an_error(log: Path) -> None:
    verified = invoke("audit", "verify", str(log), **KEYS)
    assert (verified.exit_code, verified.stdout) == (0, "9 sealed lines of 1 process: untouched\n")
    # Without a name, all files of the setting are verified.
    assert invoke("audit", "verify", KONAGRAPH_AUDIT_LOG=str(log), **KEYS).stdout == verified.stdout
    named = log.with_name("named")
    named.write_text(f"{log}\n", "utf-8")
    assert invoke("audit", "verify", KONAGRAPH_AUDIT_LOG_FILE=str(named), **KEYS).stdout == verified.stdout
    log.write_text(log.read_text("utf-8").replace("balance", "Balance", 1), "utf-8")
    changed = invoke("audit", "verify", str(log), **KEYS)
    assert (changed.exit_code, changed.stdout.splitlines()[0]) == (1, f"CHANGED: {log}:2: changed")


def verify_log(*logs: str, arguments: Sequence[str] = (), **variables: str) -> Result:
    """Verify parts of a log; the first one is standard input."""
    with TemporaryDirectory() as folder:
        files = [Path(folder) / str(number) for number in range(1, len(logs))]
        for file, text in zip(files, logs[1:], strict=True):
            file.write_text(text, "utf-8")
        return CliRunner().invoke(
            main, ["audit", "verify", "--log", *arguments, "-", *map(str, files)], logs[0], {**KEYS, **variables}
        )


async def test_the_log_of_a_gateway_is_verified_though_the_audit_events_have_a_file_too(tmp_path: Path) -> None:
    with logs_as("info") as stream:
        async with callers(tmp_path, **KEYS) as running:
            await running.ask(ALL_KNOWING, CARD, {"n": OWN})
            running.audit_file.rename(tmp_path / "rotated")
            running.gateway.app.state.reopen_files()
            await running.ask(ALL_KNOWING, CARD, {"n": OWN})
    log = stream.getvalue()
    verified = verify_log(f"a greeting\n{log}the end")
    assert (verified.exit_code, verified.stdout) == (0, "5 sealed lines of 1 process: untouched\n")
    assert verify_log(log.replace("balance", "Balance", 1)).exit_code == 1
    # A head would let the file be cut back to the line.
    assert {line["head"].strip() for line in map(json.loads, log.splitlines()) if "head" in line} == {""}


async def test_a_rotated_log_is_verified_part_by_part(tmp_path: Path) -> None:
    with logs_as("info") as stream:
        async with callers(tmp_path, **KEYS) as running:
            for number in NUMBERS[:4]:
                await running.ask(ALL_KNOWING, CARD, {"n": number})
    lines = [line for line in stream.getvalue().splitlines(keepends=True) if '"chain"' in line]
    first, second = "".join(lines[:4]), "".join(lines[4:])
    assert verify_log(second, first).exit_code == verify_log(first, second).exit_code == 0
    for told in (verify_log(second), verify_log("".join(lines[5:]), first)):
        assert "missing" in told.stdout
        assert told.exit_code == 1
    assert verify_log(second.replace("balance", "Balance", 1), first).exit_code == 1
    later = verify_log(second, arguments=("--older-deleted",))
    assert (later.exit_code, "lines 1 to 4 are missing" in later.stdout) == (0, True)
    assert verify_log("no line\n").exit_code == 2


async def test_a_record_is_verified_with_an_older_key(log: Path) -> None:
    old = log.with_name("old-key")
    old.write_text(KEYS["KONAGRAPH_AUDIT_KEY"] + "\n")
    renewed = {**KEYS, "KONAGRAPH_AUDIT_KEY": "the new key of the audit log's chains"}
    without = invoke("audit", "verify", str(log), **renewed)
    assert (without.exit_code, len(without.stdout.splitlines())) == (1, 2)
    assert "--old-key" in without.stdout
    verified = invoke("audit", "verify", "--old-key", str(old), str(log), **renewed)
    assert (verified.exit_code, verified.stdout.splitlines()[-1]) == (0, "9 sealed lines of 1 process: untouched")
    old.write_text("short")
    refused = invoke("audit", "verify", "--old-key", str(old), str(log), **renewed)
    assert (refused.exit_code, refused.stderr) == (2, f"{old}: must have at least 32 characters\n")


@table(
    ("arguments", "variables", "problem"),
    [
        (("verify", "x"), {}, "does not exist"),
        (("verify",), KEYS, "name a FILE, or set KONAGRAPH_AUDIT_LOG"),
        (("verify",), {**KEYS, "KONAGRAPH_AUDIT_LOG": "x"}, "there is no file x"),
        (("verify", "pyproject.toml"), {}, "KONAGRAPH_AUDIT_KEY is missing"),
        (("verify", "pyproject.toml"), {"KONAGRAPH_AUDIT_KEY": "short"}, "KONAGRAPH_AUDIT_KEY"),
        (("report", "--from", "March", "pyproject.toml"), {}, "neither a day"),
        (("report", "--to", "9999-12-31", "pyproject.toml"), {}, "is too late"),
        (
            ("report", "--from", "2026-03-31", "--to", "2026-03-01", "pyproject.toml"),
            {},
            "--to is not after --from",
        ),
        (("card-ref",), {}, "KONAGRAPH_CARD_REF_KEY is missing"),
        (("card-ref",), KEYS, "standard input has no card number"),
        (("card-ref", "--member"), KEYS, "standard input has no member id"),
    ],
)
def test_a_mistake_is_named(arguments: tuple[str, ...], variables: dict[str, str], problem: str) -> None:
    result = invoke("audit", *arguments, **variables)
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem in result.stderr


@table(
    "wrong",
    [
        "nosuch",
        OWN,
        "1001",
        "",
        OWN_REF[1:],
        f"{OWN_REF}a",
        f"{OWN_REF}\n",
        OWN_REF.upper(),
        OWN_REF.replace(OWN_REF[0], "q"),
    ],
)
def test_a_report_about_what_is_no_reference_is_refused_without_repeating_it(wrong: str) -> None:
    result = invoke("audit", "report", "--card-ref", wrong, "pyproject.toml")
    told = "--card-ref: a reference has 30 letters from a to p; konagraph audit card-ref prints one\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", told)


def test_a_number_from_standard_input_is_answered_by_its_reference_and_not_repeated() -> None:
    def ref(text: str, *arguments: str) -> Result:
        given = text.encode("utf-8", "surrogateescape")
        return CliRunner().invoke(main, ["audit", "card-ref", *arguments], input=given, env=KEYS)

    assert ref(f"{OWN}\n").output == f"{REFS.of(CardNo(OWN))}\n"
    assert ref("1001", "--member").output == f"{REFS.of(MemberId('1001'))}\n"
    for text in (f"{OWN}0000", "1" * 5_000, f"{OWN}\udcff"):
        for arguments in ((), ("--member",)):
            refused = ref(text, *arguments)
            assert (refused.exit_code, refused.stdout) == (2, "")
            assert OWN not in refused.output


def test_a_report_says_who_saw_how_many_cards_and_was_refused_what(log: Path) -> None:
    names = ("reads", "cards", "own_reads", "refusals")
    found = rows(str(log))
    assert {row["viewer"]: tuple(row[name] for name in names) for row in found} == {
        "a-service": (4, 4, 0, ""),
        "kim@example.com": (0, 0, 1, "CARD_NOT_FOUND 1"),
        "127.0.0.1": (0, 0, 0, "UNAUTHENTICATED 1"),
    }
    assert not any(row["is_bulk_reader"] for row in found)


def test_a_report_of_a_card_says_who_saw_it_when_and_what(log: Path) -> None:
    seen = rows("--card-ref", REFS.of(CardNo(OWN)), str(log))
    assert [(row["viewer_id"], row["own"], row["fields"]) for row in seen] == [
        ("a-service", None, ["balance", "userId"]),
        ("kim@example.com", True, ["balance", "userId"]),
    ]
    # Of the member there are three cards.
    assert len(rows("--card-ref", REFS.of(MemberId("1001")), str(log))) == 4
    assert (
        len(rows("--viewer", "a-service", str(log)))
        == len(rows("--viewer", REFS.of_viewer("a-service"), str(log)))
        == 4
    )


def test_a_day_begins_and_ends_in_utc_and_a_moment_where_it_says(tmp_path: Path) -> None:
    file = tmp_path / "audit[1].log"
    times = (
        "2026-02-28T23:59:59.999999Z",
        "2026-03-01T00:00:00.000000Z",
        "2026-03-31T23:59:59.999999Z",
        "2026-04-01T00:00:00Z",
    )
    line = {"action": "read", "viewer_id": "a", "viewer_kind": "service", "logger": "konagraph.audit"}
    file.write_text("".join(json.dumps({**line, "timestamp": at}, separators=(",", ":")) + "\n" for at in times))

    def seen(*arguments: str) -> list[str]:
        return [row["timestamp"] for row in rows("--viewer", "a", *arguments, str(file), str(file))]

    assert seen() == list(times)
    assert seen("--from", "2026-03-01", "--to", "2026-03-31") == list(times[1:3])
    assert seen("--from", "2026-03-01T09:00:00+09:00", "--to", "2026-04-01T09:00:00+09:00") == list(times[1:3])
    # The name of the setting is no pattern.
    shown = invoke("audit", "report", "--viewer", "a", "--format", "json", KONAGRAPH_AUDIT_LOG=str(file))
    assert len(json.loads(shown.stdout)) == 4


def test_a_report_of_a_record_that_somebody_has_edited_ends_well(tmp_path: Path) -> None:
    line = '{"action":"read","viewer_id":["a"],"card_ref":["x"],"logger":"konagraph.audit","timestamp":1}\n'
    refused = '{"action":"refused","code":{},"left_out":"x","logger":"konagraph.audit"}\n'
    deep = '{"action":"read","logger":"konagraph.audit","x":' + "[" * 100_000 + "\n"
    formula = line.replace('["a"]', '"\uff1d1+1"')
    (tmp_path / "x").write_text(line + refused + deep + formula)
    told = "1 line cannot be read, and is left out: see konagraph audit verify\n"
    assert len(rows(str(tmp_path / "x"), told=told)) == 3
    assert invoke("audit", "report", "--format", "table", str(tmp_path / "x")).exit_code == 0
    parsed = csv.DictReader(io.StringIO(invoke("audit", "report", "--format", "csv", str(tmp_path / "x")).stdout))
    assert [row["viewer"] for row in parsed if "1+1" in row["viewer"]] == ["'\uff1d1+1"]


def test_a_report_of_several_logs_is_in_order_of_time(tmp_path: Path) -> None:
    lines = [
        f'{{"action":"read","viewer_id":"a","logger":"konagraph.audit","timestamp":"2026-03-0{day}T00:00:00Z"}}\n'
        for day in range(1, 8)
    ]
    for name, part in (("b", lines[::2]), ("a", lines[1::2])):
        (tmp_path / name).write_text("".join(part))
    found = rows("--viewer", "a", str(tmp_path / "a"), str(tmp_path / "b"))
    assert [event["timestamp"][9] for event in found] == list("1234567")


def test_a_report_keeps_to_its_time(log: Path) -> None:
    day = json.loads(log.read_text("utf-8").splitlines()[0])["timestamp"][:10]
    assert len(rows("--from", day, "--to", day, str(log))) == 3
    assert invoke("audit", "report", "--viewer", "nosuch", str(log)).stderr == "no such event\n"
    assert rows("--to", "2020-01-01", str(log)) == rows("--from", "2100-01-01T00:00:00+09:00", str(log)) == []


def test_a_report_is_a_table_for_people_and_csv_for_a_spreadsheet(log: Path) -> None:
    shown = invoke("audit", "report", str(log)).stdout.splitlines()
    assert shown[0].split() == ["viewer", "kind", "reads", "cards", "own_reads", "refusals", "first", "last"]
    log.write_text(log.read_text("utf-8").replace("a-service", "=1+1"), "utf-8")
    parsed = list(csv.DictReader(io.StringIO(invoke("audit", "report", "--format", "csv", str(log)).stdout)))
    assert {row["viewer"] for row in parsed} == {"'=1+1", "kim@example.com", "127.0.0.1"}


@pytest.mark.parametrize("planted", [21, 60, 500])
@pytest.mark.parametrize("most", [1, 5, 40])
def test_a_bulk_reader_among_a_thousand_viewers_is_found_and_nobody_else(planted: int, most: int) -> None:
    dice = random.Random(planted * most)  # noqa: S311 - to repeat a failure
    cards = {f"viewer-{number}": dice.randint(0, most) for number in range(1_000)}
    found = bulk_readers({**cards, "planted": planted})
    assert found == ({"planted"} if planted > max(20, 4 * most) else set())


def test_a_few_viewers_who_see_about_as_much_are_no_bulk_readers() -> None:
    assert bulk_readers({}) == bulk_readers({"a": 0}) == bulk_readers({"a": 500}) == set()
    assert bulk_readers({"a": 400, "b": 500, "c": 450}) == set()


def test_a_member_and_a_service_of_the_same_id_are_two_viewers() -> None:
    read = {"action": "read", "viewer_id": "kim", "timestamp": "2026-03-01T00:00:00Z"}
    events = [
        {**read, "viewer_kind": kind, "card_ref": f"card-{number}"}
        for kind, count in (("member", 1), ("service", 3))
        for number in range(count)
    ]
    assert [(viewer.viewer, viewer.kind, viewer.cards) for viewer in viewers_of(events)] == [
        ("kim", "service", 3),
        ("kim", "member", 1),
    ]
