"""The keys of ids: which of them makes ids, which open them, and what a reload changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graph.app import create_app
from graph.security.handles import Handles, Kind, Target
from graph.wiring.security import build_handles
from tests.support import Recorder, sandbox_settings

if TYPE_CHECKING:
    from graph.wiring.reload import Renewal

OLD, NEW = "o" * 32, "n" * 32
CARD = "9491339400000013"
TARGET = Target(Kind.CARD, CARD)


def made(handles: Handles) -> str:
    return handles.make("kim", Kind.CARD, CARD)


def handles_of(renewal: Renewal) -> Handles:
    return renewal._protection.handles


def test_the_first_key_makes_ids_and_both_open_them() -> None:
    old = build_handles(sandbox_settings(KONAGRAPH_ID_KEY=OLD))
    both = build_handles(sandbox_settings(KONAGRAPH_ID_KEY=NEW, KONAGRAPH_ID_KEY_2=OLD))
    new = build_handles(sandbox_settings(KONAGRAPH_ID_KEY=NEW))
    assert made(new) == made(both) != made(old)
    assert [both.open("kim", made(old)), both.open("kim", made(new))] == [TARGET, TARGET]
    assert [new.open("kim", made(old)), old.open("kim", made(new))] == [None, None]


def test_without_a_key_ids_end_with_the_process() -> None:
    one, another = (build_handles(sandbox_settings()) for _ in range(2))
    assert one.open("kim", made(one)) == TARGET
    assert another.open("kim", made(one)) is None


async def test_a_reload_takes_over_the_keys_of_ids_and_names_them() -> None:
    app = create_app(sandbox_settings(KONAGRAPH_ID_KEY=OLD, KONAGRAPH_ID_KEY_2=NEW), transport=Recorder())
    renewal: Renewal = app.state.renewal
    before = handles_of(renewal)
    outcome = await renewal.renew(sandbox_settings(KONAGRAPH_ID_KEY=NEW, KONAGRAPH_ID_KEY_2=OLD))
    after = handles_of(renewal)
    assert outcome["changed"] == ["KONAGRAPH_ID_KEY", "KONAGRAPH_ID_KEY_2"]
    assert made(before) != made(after)
    assert [after.open("kim", made(before)), before.open("kim", made(after))] == [TARGET, TARGET]


async def test_a_reload_keeps_a_key_that_was_made_at_start() -> None:
    app = create_app(sandbox_settings(), transport=Recorder())
    renewal: Renewal = app.state.renewal
    before = made(handles_of(renewal))
    await renewal.renew(sandbox_settings())
    assert made(handles_of(renewal)) == before
