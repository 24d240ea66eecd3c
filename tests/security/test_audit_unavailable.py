"""Data whose access cannot be audited is withheld: null with its own error until writing works again."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import resource
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from graph.config.warnings import start_warnings
from graph.security.audit import AuditEvent
from graph.security.authorization import EVERY_SCOPE
from graph.security.refusal_sampler import RefusalSampler
from graph.telemetry.audit_file import AuditFile
from graph.telemetry.audit_log import AuditLog
from graph.telemetry.logs import configure_logging
from tests.security.audit_writer import KEY
from tests.security.callers import ALL_KNOWING, OWN, Caller, Callers, callers, codes
from tests.support import on_core, sandbox_settings
from tests.telemetry.capture import logs_as

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FULL = "/dev/full"
QUERY = """query ($n: CardNumber!) { card(cardNo: $n) { balance
  member { userId profile { nationality userName } } cashReceiptInfo { idNo maskedIdNo } } }"""
UNAVAILABLE = "AUDIT_UNAVAILABLE"
EVENT = AuditEvent("read", "an-id", "192.0.2.1", "service", "a-service", "abcdefgh", ("idNo",))


def health(running: Callers) -> Any:
    return running.gateway.app.state.health


def rendered(running: Callers) -> list[str]:
    text: str = running.gateway.app.state.metrics.render().decode()
    return text.splitlines()


def figure(running: Callers, name: str) -> float:
    name = f"konagraph_{name} "
    return float(next(line.split()[1] for line in rendered(running) if line.startswith(name)))


@pytest.mark.parametrize(("query", "planned"), [(QUERY, True), (on_core(QUERY), False)], ids=["plan", "core"])
async def test_a_full_disk_refuses_whatever_takes_an_event(query: str, *, planned: bool, tmp_path: Path) -> None:
    with logs_as():
        async with callers(tmp_path, KONAGRAPH_AUDIT_LOG=FULL) as running:
            assert health(running).ready
            for _ in range(2):
                answer = await running.ask(ALL_KNOWING, query, {"n": OWN})
                assert codes(answer) == [(("card",), UNAVAILABLE)]
                assert all(error["extensions"]["retryable"] for error in answer["errors"])
                assert answer["data"]["card"] is None
            assert not health(running).ready
            assert health(running).report()["audit"] == "unavailable"
            assert (figure(running, "personal_data_reads_total"), figure(running, "audit_available")) == (0, 0)
            assert figure(running, "audit_unwritten_total") >= 1
            assert planned is (figure(running, "operations_planned_total") > 0)
            # The card and its member the first time, and the card the second time; nothing was asked for again.
            assert len(running.calls) == 3


def test_every_event_that_cannot_be_written_is_counted() -> None:
    log = AuditLog(Path(FULL), str.upper)
    assert not log.record([EVENT, EVENT])
    assert not log.record([EVENT])
    log.close()
    assert log.unwritten == 3


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { member { profile { email } } } }",
        "{ viewer { member { cards { balance } } } }",
        f'{{ member(userId: "1001") {{ userId }} cards(cardNos: ["{OWN}"]) {{ balance }} }}',
        f'{{ card(cardNo: "{OWN}") {{ transactions {{ nodes {{ trAmount }} }} }} }}',
        f'{{ cardLookup(by: {{cardNo: "{OWN}"}}) {{ ... on Card {{ balance }} ... on CardError {{ code }} }} }}',
    ],
)
async def test_nothing_of_a_card_or_a_member_is_shown_by_any_way(query: str, tmp_path: Path) -> None:
    everything = Caller("kim@example.com", tuple(EVERY_SCOPE), member="1001")
    async with callers(tmp_path, KONAGRAPH_AUDIT_LOG=FULL) as running:
        text = json.dumps(await running.ask(everything, query))
    assert UNAVAILABLE in text
    assert not re.search(r"balance|userId\": \"|trAmount|kim@", text)


async def test_what_is_nobodys_is_answered_without_a_word_about_the_log(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_AUDIT_LOG=FULL) as running:
        answer = await running.ask(ALL_KNOWING, "{ terms { title } errorCatalog { code } viewer { scopes } }")
        assert "errors" not in answer
        assert health(running).ready


class Clock:
    """A clock that tests set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lines_of(path: Path) -> list[str]:
    return [json.loads(line)["action"] for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def no_space() -> Iterator[Callable[[int], None]]:
    """Limits the size of files, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def bound(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield bound
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_line_that_is_torn_is_finished_first_and_the_log_says_that_it_goes_on(
    tmp_path: Path, clock: Clock, no_space: Callable[[int], None]
) -> None:
    path = tmp_path / "audit.log"
    log = AuditLog(path, str.upper, clock=clock)
    no_space(300)
    assert [log.record([EVENT]) for _ in range(3)] == [True, False, False]
    assert path.stat().st_size == 300
    no_space(resource.RLIM_INFINITY)
    assert not log.record([EVENT])
    clock.now += 1
    assert log.record([EVENT])
    log.close()
    assert lines_of(path) == ["read", "read", "resumed", "read"]


def test_a_file_that_somebody_deletes_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    log = AuditLog(path, str.upper)
    assert log.record([EVENT])
    path.unlink()
    assert log.record([EVENT])
    log.close()
    assert lines_of(path) == ["read"]


def test_a_folder_that_is_gone_is_a_failure_until_it_is_back(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "logs" / "audit.log"
    path.parent.mkdir()
    log = AuditLog(path, str.upper, clock=clock)
    path.unlink()
    path.parent.rmdir()
    assert not log.record([EVENT])
    path.parent.mkdir()
    clock.now += 1
    assert log.record([EVENT])
    log.close()
    assert lines_of(path) == ["resumed", "read"]


def test_a_pipe_that_nobody_reads_is_a_failure_until_somebody_does(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
    log = AuditLog(path, str.upper, clock=clock)
    # A reader that stalls, then none at all.
    while log.record([EVENT]):
        pass
    os.close(reader)
    clock.now += 1
    assert not log.record([EVENT])
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.read(reader, 65_536)
    clock.now += 1
    assert log.record([EVENT])
    read = os.read(reader, 65_536)
    assert [json.loads(line)["action"] for line in read.splitlines()[-2:]] == ["resumed", "read"]
    log.close()
    os.close(reader)


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "console"])
def test_without_a_file_a_stalled_reader_of_the_log_is_a_failure(clock: Clock, *, as_json: bool) -> None:
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    with logs_as(), os.fdopen(writing, "w", encoding="utf-8") as stream:
        configure_logging("info", as_json=as_json, stream=stream)
        log = AuditLog(None, str.upper, clock=clock)
        written = 0
        while log.record([EVENT]):
            written += 1
        assert written >= 5
        assert not log.available
        # Still stalled a second later, it says nothing of going on.
        clock.now += 1
        assert not log.available
        os.read(reading, 65_536)
        clock.now += 1
        assert log.record([EVENT])
    os.close(reading)


@pytest.mark.parametrize("way", ["rename", "copy and truncate"])
def test_rotation_loses_nothing(way: str, tmp_path: Path) -> None:
    path, old = tmp_path / "audit.log", tmp_path / "audit.log.1"
    log = AuditLog(path, str.upper)
    log.record([EVENT])
    if way == "rename":
        path.rename(old)
        log.record([EVENT])
        log.reopen()
    else:
        old.write_bytes(path.read_bytes())
        os.truncate(path, 0)
        log.record([EVENT])
    log.record([EVENT])
    log.close()
    assert len(lines_of(path)) + len(lines_of(old)) == 3
    assert {*lines_of(path), *lines_of(old)} == {"read"}


async def test_a_hangup_opens_the_file_anew(tmp_path: Path) -> None:
    async with callers(tmp_path) as running:
        await running.ask(ALL_KNOWING, QUERY, {"n": OWN})
        running.audit_file.rename(tmp_path / "old")
        running.gateway.app.state.reopen_files()
        await running.ask(ALL_KNOWING, QUERY, {"n": OWN})
        assert (len(lines_of(tmp_path / "old")), len(running.audited())) == (1, 1)


def test_the_file_is_its_owners_alone_and_one_that_others_can_read_is_told_of(tmp_path: Path) -> None:
    AuditFile(tmp_path / "new").close()
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    for name, mode, warned in (("new", 0o600, 0), ("new", 0o640, 1), ("new", 0o604, 1)):
        (tmp_path / name).chmod(mode)
        settings = sandbox_settings(KONAGRAPH_AUDIT_LOG=tmp_path / name)
        assert warned == sum("KONAGRAPH_AUDIT_LOG" in warning for warning in start_warnings(settings))


async def test_who_is_not_let_in_cannot_fill_the_file(tmp_path: Path) -> None:
    async with callers(tmp_path) as running:
        for _ in range(40):
            response = await running.gateway.post(QUERY, {"n": OWN}, authorization="Bearer nonsense")
            assert response.status_code == 401
        assert len(running.audited()) == 10
        assert 'konagraph_refusals_total{code="UNAUTHENTICATED"} 40.0' in rendered(running)
        # Authenticated callers are recorded all the same.
        await running.ask(ALL_KNOWING, QUERY, {"n": OWN})
        await running.ask(Caller("nobody"), QUERY, {"n": OWN})
        assert [event["action"] for event in running.audited()[10:]] == ["read", "refused"]


def refused(address: str, viewer: str | None = None) -> AuditEvent:
    kind = None if viewer is None else "service"
    return AuditEvent("refused", "an-id", address, kind, viewer, code="RATE_LIMITED")


def test_each_source_is_sampled_by_itself_and_all_without_credentials_together_are_bounded(clock: Clock) -> None:
    sampler = RefusalSampler(clock)

    def admitted(address: str, viewer: str | None = None) -> bool:
        return sampler.admit(refused(address, viewer)) is not None

    assert [admitted("192.0.2.1") for _ in range(15)] == [True] * 10 + [False] * 5
    assert admitted("192.0.2.2")
    # One caller controls a whole IPv6 network.
    assert sum(admitted(f"2001:db8::{number:x}") for number in range(50)) == 10
    many = [admitted(f"10.0.{number // 250}.{number % 250}") for number in range(5_000)]
    assert sum(many) == 300 - 21
    # They take nothing from viewers.
    assert [admitted("192.0.2.1", "a") for _ in range(15)] == [True] * 10 + [False] * 5
    assert admitted("192.0.2.1", "b")
    assert admitted("192.0.2.2", "a")
    clock.now += 60
    assert admitted("198.51.100.1")


def test_what_was_left_out_of_a_source_is_told_with_its_next_line(clock: Clock) -> None:
    sampler = RefusalSampler(clock)
    for _ in range(15):
        sampler.admit(refused("192.0.2.1"))
    clock.now += 60
    events = [sampler.admit(refused("192.0.2.1")) for _ in range(2)]
    assert [event and event.left_out for event in events] == [5, 0]


@pytest.mark.parametrize("end", [AuditLog.close, AuditLog.reopen])
def test_what_was_left_out_is_written_before_the_file_ends(
    end: Callable[[AuditLog], None], tmp_path: Path, clock: Clock
) -> None:
    counted: list[AuditEvent] = []
    log = AuditLog(tmp_path / "audit.log", str.upper, KEY, clock=clock, count=counted.append)
    for _ in range(15):
        log.on_refused(refused("192.0.2.1"))
    for _ in range(11):
        log.on_refused(refused("192.0.2.1", "a"))
    end(log)
    lines = [json.loads(line) for line in (tmp_path / "audit.log").read_text("utf-8").splitlines()]
    events = [line for line in lines if line["action"] == "refused"]
    assert sum(1 + event.get("left_out", 0) for event in events) == len(counted) == 26
    assert len(events) == 22


async def test_the_line_is_there_before_the_answer(tmp_path: Path) -> None:
    async with callers(tmp_path) as running:
        asked = [asyncio.ensure_future(running.ask(ALL_KNOWING, QUERY, {"n": OWN})) for _ in range(20)]
        for count, answered in enumerate(asyncio.as_completed(asked), 1):
            assert "errors" not in await answered
            assert len(running.audited()) >= count
