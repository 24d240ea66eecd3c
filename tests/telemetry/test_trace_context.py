"""W3C Trace Context of a request; nothing else of the header is used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import SpanContext, get_current_span

from graph.telemetry.trace_context import parent_of
from tests.tables import table

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def read(*headers: str) -> SpanContext:
    return get_current_span(
        parent_of([(b"traceparent", header.encode("latin-1")) for header in headers])
    ).get_span_context()


@pytest.mark.parametrize(("flags", "sampled"), [("01", True), ("00", False), ("03", True), ("fe", False)])
def test_a_trace_parent_is_read_with_its_wish_to_be_sampled(flags: str, *, sampled: bool) -> None:
    found = read(f"00-{TRACE}-{PARENT}-{flags}")
    assert (f"{found.trace_id:032x}", f"{found.span_id:016x}") == (TRACE, PARENT)
    assert (True, sampled) == (found.is_remote, found.trace_flags.sampled)


@pytest.mark.parametrize("version", ["01", "cc", "fe"])
@pytest.mark.parametrize("more", ["", "-", "-what-a-later-version-adds"])
def test_a_later_version_is_read_as_far_as_it_is_known(version: str, more: str) -> None:
    assert int(TRACE, 16) == read(f"{version}-{TRACE}-{PARENT}-01{more}").trace_id


@table(
    "header",
    [
        "",
        "00",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01-",
        f"01-{TRACE}-{PARENT}-01more",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}0-01",
        f"00-{TRACE}-{PARENT}",
        f" 00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        f"00-{TRACE}-{PARENT}-0g",
        f"00_{TRACE}_{PARENT}_01",
        f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01",
    ],
)
def test_an_invalid_traceparent_starts_a_new_trace(header: str) -> None:
    assert not read(header).is_valid


@pytest.mark.parametrize(
    ("trace_id", "span_id"),
    [
        ("9491339400000013" + "a" * 16, PARENT),
        ("a" * 16 + "9491339400000013", PARENT),
        ("aa1234567890123aaaaaaaaaaaaaaaaa", PARENT),
        (TRACE, "9491339400000013"),
    ],
)
def test_an_id_that_could_be_a_card_number_begins_a_new_trace(trace_id: str, span_id: str) -> None:
    assert not read(f"00-{trace_id}-{span_id}-01").is_valid


def test_two_trace_parents_are_none() -> None:
    assert not read(f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-01").is_valid


def test_without_a_trace_parent_there_is_a_new_trace() -> None:
    assert not read().is_valid


@given(st.binary(max_size=80))
def test_any_bytes_can_be_read(header: bytes) -> None:
    parent_of([(b"traceparent", header), (b"tracestate", header), (b"baggage", header)])
