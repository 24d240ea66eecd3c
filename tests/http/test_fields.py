"""A request's header, read once: what is given once, twice or not at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graph.http.headers import Fields

RAW = [(b"host", b"a"), (b"accept", b"x"), (b"cookie", b"1"), (b"accept", b"y"), (b"accept", b"x")]


def test_a_field_that_is_given_once_has_one_value() -> None:
    fields = Fields(RAW)
    assert (b"a", [b"a"], b"a") == (fields.get(b"host"), list(fields.all(b"host")), fields.joined(b"host"))


def test_a_field_that_is_given_again_keeps_every_value_in_its_order() -> None:
    fields = Fields(RAW)
    assert b"x" == fields.get(b"accept")
    assert [b"x", b"y", b"x"] == list(fields.all(b"accept"))
    assert b"x, y, x" == fields.joined(b"accept")


def test_a_field_that_is_not_given_has_no_value() -> None:
    fields = Fields(RAW)
    assert (None, [], None) == (fields.get(b"x"), list(fields.all(b"x")), fields.joined(b"x"))
    assert (True, True, False) == (b"host" in fields, b"accept" in fields, b"x" in fields)


NAMES = st.sampled_from([b"a", b"b", b"c"])


@given(st.lists(st.tuples(NAMES, st.binary(max_size=2)), max_size=8), NAMES)
def test_the_values_are_those_that_a_look_through_the_header_finds(
    raw: list[tuple[bytes, bytes]], name: bytes
) -> None:
    expected = [value for field, value in raw if field == name]
    fields = Fields(raw)
    assert expected == list(fields.all(name))
    assert (expected[0] if expected else None) == fields.get(name)
    assert bool(expected) == (name in fields)
