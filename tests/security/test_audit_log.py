"""Where audit events are written, that nothing silences them, and that nothing in them says too much."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.app import create_app
from graph.config.settings import SettingsError
from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS, MEMBERS
from graph.security.audit import AuditEvent
from graph.security.card_refs import CardRefs
from graph.telemetry.audit_log import AuditLog
from graph.telemetry.logs import AUDIT_LOGGER, clean, to_json
from schema.secrets import Credential
from tests.faults.jumping_clock import jumping
from tests.security.callers import ALL_KNOWING, ANY_CARD, OWN, Caller, callers
from tests.support import gateway, sandbox_settings
from tests.telemetry.capture import events, logs_as

if TYPE_CHECKING:
    from pathlib import Path

KEY = "the key of the references, as long as it must be"
ID_NO = "query ($n: CardNumber!) { card(cardNo: $n) { cashReceiptInfo { idNo } } }"
EVENT = AuditEvent("read", "an-id", "192.0.2.1", "service", "a-service", "abcdefgh", ("idNo",))


def audits(lines: str) -> list[str]:
    return [line for line in lines.splitlines() if json.loads(line)["logger"] == "konagraph.audit"]


async def test_an_event_is_in_the_processs_log_and_in_the_file(tmp_path: Path) -> None:
    with logs_as("info") as stream:
        async with callers(tmp_path) as running:
            await running.ask(ALL_KNOWING, ID_NO, {"n": OWN})
    lines = running.audit_file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1
    assert lines == audits(stream.getvalue())


async def test_the_file_holds_audit_events_alone(tmp_path: Path) -> None:
    async with callers(tmp_path) as running:
        await running.ask(ALL_KNOWING, "{ viewer { scopes } }")
    assert running.audit_file.read_text(encoding="utf-8") == ""


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
async def test_no_log_level_silences_an_audit(level: str, tmp_path: Path) -> None:
    with logs_as(level) as stream:
        async with callers(tmp_path) as running:
            await running.ask(ALL_KNOWING, ID_NO, {"n": OWN})
            await running.ask(Caller("nobody"), ID_NO, {"n": OWN})
    assert [one["action"] for one in running.audited()] == ["read", "refused"]
    assert len(audits(stream.getvalue())) == 2


async def test_without_a_file_events_are_in_the_processs_log() -> None:
    with logs_as("error") as stream:
        async with gateway() as running:
            await running.query(ID_NO, {"n": OWN})
    (line,) = events(stream)
    assert (line["logger"], line["action"], line["viewer_id"]) == ("konagraph.audit", "read", "anonymous")


async def test_a_new_start_adds_to_the_file(tmp_path: Path) -> None:
    for count in (1, 2):
        async with callers(tmp_path) as running:
            await running.ask(ALL_KNOWING, ID_NO, {"n": OWN})
            # Written at once, not when the gateway ends.
            assert len(running.audited()) == count


def test_a_log_that_is_closed_writes_to_its_file_no_more(tmp_path: Path) -> None:
    first, second = AuditLog(tmp_path / "first", str.upper), AuditLog(tmp_path / "second", str.upper)
    first.record([EVENT])
    first.close()
    first.record([EVENT])
    second.record([EVENT])
    second.close()
    assert [len((tmp_path / name).read_text("utf-8").splitlines()) for name in ("first", "second")] == [1, 1]


def test_nothing_silences_the_file(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log", str.upper)
    logging.disable(logging.CRITICAL)
    try:
        log.record([EVENT])
    finally:
        logging.disable(logging.NOTSET)
    log.close()
    assert json.loads((tmp_path / "audit.log").read_text("utf-8"))["request_id"] == "an-id"


def test_a_member_is_named_by_a_reference_as_a_card_is(tmp_path: Path) -> None:
    with logs_as():
        log = AuditLog(tmp_path / "audit.log", str.upper)
        log.record([EVENT._replace(card_ref=None, member_ref="ghijklmn")])
        log.close()
    line = json.loads((tmp_path / "audit.log").read_text("utf-8"))
    assert (line["member_ref"], "card_ref" in line) == ("ghijklmn", False)


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "console"])
def test_the_file_holds_json_whatever_the_processs_log_looks_like(tmp_path: Path, *, as_json: bool) -> None:
    with logs_as(as_json=as_json) as stream:
        log = AuditLog(tmp_path / "audit.log", str.upper)
        log.record([EVENT])
        log.close()
    line = json.loads((tmp_path / "audit.log").read_text("utf-8"))
    assert line.pop("timestamp")
    assert line == {
        "action": "read",
        "request_id": "an-id",
        "address": "192.0.2.1",
        "viewer_kind": "service",
        "viewer_id": "a-service",
        "card_ref": "abcdefgh",
        "fields": ["idNo"],
        "viewer_ref": "A-SERVICE",
        "event": "audit",
        "logger": AUDIT_LOGGER,
        "level": "info",
    }
    assert as_json == stream.getvalue().startswith("{")
    assert len(stream.getvalue().splitlines()) == 1
    assert "a-service" in stream.getvalue()


def test_an_event_is_in_the_processs_log_whoever_else_listens_to_it(tmp_path: Path) -> None:
    listener = logging.NullHandler()
    with logs_as() as stream:
        log = AuditLog(tmp_path / "audit.log", str.upper)
        logging.getLogger().addHandler(listener)
        log.record([EVENT])
        log.close()
    for text in (stream.getvalue(), (tmp_path / "audit.log").read_text("utf-8")):
        assert [json.loads(line)["request_id"] for line in text.splitlines()] == ["an-id"]


def test_an_event_with_a_value_of_an_unknown_kind_is_withheld_in_both(tmp_path: Path) -> None:
    unknown: Any = object()
    with logs_as() as stream:
        log = AuditLog(tmp_path / "audit.log", str.upper)
        log.record([EVENT._replace(reason=unknown)])
        log.close()
    withheld = {"event": "event withheld: it could not be redacted", "level": "error"}
    assert [withheld] == events(stream)
    assert withheld == json.loads((tmp_path / "audit.log").read_text("utf-8"))


def test_a_log_without_a_file_can_be_closed() -> None:
    log = AuditLog(None, str.upper)
    log.record([EVENT])
    log.close()


@pytest.mark.parametrize("name", ["", "no-such-folder/audit.log"], ids=["a folder", "in no folder"])
def test_a_gateway_whose_audit_file_cannot_be_written_does_not_start(name: str, tmp_path: Path) -> None:
    settings = sandbox_settings(KONAGRAPH_AUDIT_LOG=tmp_path / name)
    with pytest.raises(SettingsError) as caught:
        create_app(settings)
    assert caught.value.problems == ["KONAGRAPH_AUDIT_LOG names a file that cannot be written"]


@pytest.mark.parametrize(
    "name", ["9491339400000013", "card 9491-3394-0000-0013 of kim", "12345678901234567890123", "1234567890123"]
)
async def test_a_caller_whose_name_could_be_a_card_number_is_known_by_a_reference_alone(
    name: str, tmp_path: Path
) -> None:
    with logs_as() as stream:
        async with callers(tmp_path, KONAGRAPH_CARD_REF_KEY=KEY) as running:
            await running.ask(Caller(name, ALL_KNOWING.scopes), ID_NO, {"n": OWN})
    (line,) = running.audited()
    assert CardRefs(Credential(KEY)).of_viewer(name) == line["viewer_ref"]
    assert "viewer_id" not in line
    for text in (stream.getvalue(), running.audit_file.read_text(encoding="utf-8")):
        assert name not in text


async def test_a_caller_with_another_name_is_known_by_both(tmp_path: Path) -> None:
    async with callers(tmp_path, KONAGRAPH_CARD_REF_KEY=KEY) as running:
        await running.ask(Caller("123456789012", ALL_KNOWING.scopes), ID_NO, {"n": OWN})
    (line,) = running.audited()
    assert ("123456789012", CardRefs(Credential(KEY)).of_viewer("123456789012")) == (
        line["viewer_id"],
        line["viewer_ref"],
    )


def test_a_line_break_in_a_callers_name_does_not_make_a_second_line(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log", str.upper)
    log.record([AuditEvent("read", "an-id", "192.0.2.1", "service", 'a\n{"action": "read"}\u2028\r')])
    log.close()
    (line,) = (tmp_path / "audit.log").read_bytes().splitlines()
    assert json.loads(line)["viewer_id"] == 'a\n{"action": "read"}\u2028\r'


EVERYTHING = """query ($n: CardNumber!) { card(cardNo: $n) { cardNo balance
  member { userId profile { birthDate loginId mobileNumber userName email addressInfo { address zipCode } } }
  cashReceiptInfo { idNo } } }"""


def personal() -> set[str]:
    """Every card number and all data of persons that the sandbox knows."""
    people = [dict(member) | dict(member.get("addressInfo", {})) for member in MEMBERS.values()]
    names = ("birthDate", "ci", "loginId", "mobileNumber", "userName", "email", "address")
    found = {str(person[name]) for person in people for name in names if name in person}
    found |= {
        str(card.fields["cashReceiptInfo"]["idNo"]) for card in CARDS.values() if "cashReceiptInfo" in card.fields
    }
    return found | {*CARDS, *FAULTS}


@pytest.mark.slow
@jumping
async def test_no_audit_line_tells_a_card_number_or_anything_of_a_person(tmp_path: Path) -> None:
    limits: dict[str, Any] = {"KONAGRAPH_CARDS_PER_MINUTE": 40}
    everybody = [ALL_KNOWING, Caller("a"), Caller("b", (ANY_CARD,)), Caller("c", ("member:read",), "1001")]
    with logs_as() as stream:
        async with callers(tmp_path, **limits) as running:
            for caller in everybody:
                for number in (*CARDS, *FAULTS):
                    await running.ask(caller, EVERYTHING, {"n": number})
            written = running.audited()
    assert {one["action"] for one in written} == {"read", "refused"}
    assert {one["code"] for one in written if "code" in one} == {"CARD_NOT_FOUND", "FORBIDDEN", "RATE_LIMITED"}
    assert len(personal()) > 80
    text = running.audit_file.read_text(encoding="utf-8") + stream.getvalue()
    # Texts that are not ASCII are escaped in JSON.
    text += repr([json.loads(line) for line in text.splitlines()])
    for secret in personal():
        assert secret not in text


@given(
    request_id=st.text('abcxyz019-_%"\\\u00e9', min_size=1, max_size=24),
    address=st.sampled_from(["192.0.2.1", "2001:db8::1", "unix", "9491339400000013", "a b", "%b"]),
    viewer=st.sampled_from(["a-service", "50%", "%b", 'q"uote', "9491339400000013", "qcardq", "\u00e9"]),
    refs=st.tuples(st.none() | st.just("r" * 30), st.none() | st.just("m" * 30)),
    fields=st.lists(st.sampled_from(["idNo", "balance", "maskedIdNo"]), unique=True).map(tuple),
    own=st.booleans(),
)
def test_a_read_is_rendered_as_any_other_line_is(
    request_id: str,
    address: str,
    viewer: str,
    refs: tuple[str | None, str | None],
    fields: tuple[str, ...],
    *,
    own: bool,
) -> None:
    """However much of it was rendered before."""
    read = AuditEvent(
        "read", request_id, address, "service", viewer, refs[0], fields, member_ref=refs[1], what="card", own=own
    )
    log = AuditLog(None, lambda each: f"ref-of-{len(each)}")
    for _ in range(2):
        quick, slow = json.loads(log._line(read)), json.loads(slowly(log, read))
        assert quick.pop("timestamp")[:4] == slow.pop("timestamp")[:4]
        assert (quick, list(quick)) == (slow, list(slow))
        assert "9491339400000013" not in re.sub(r"[.:-]", "", json.dumps(quick))


def slowly(log: AuditLog, event: AuditEvent) -> bytes:
    named = logging.getLogger(AUDIT_LOGGER)
    return to_json(named, "info", clean(named, "info", log._fields(event)))
