"""The header of an answer in its two forms, and what keeps every answer private."""

from __future__ import annotations

import pytest

from graph.http.response_headers import FixedFields, Heading, prepared, private_fields

JSON = (b"content-type", b"application/json")
POLICY = (b"content-security-policy", b"default-src 'self'")


def test_both_forms_of_a_header_say_the_same() -> None:
    heading = Heading(FixedFields([JSON, (b"allow", b"GET, POST")]), "an-id-of-a-caller", 1234)
    lines = heading.wire.split(b"\r\n")
    assert [name + b": " + value for name, value in heading] == lines[:-1]
    assert b"" == lines[-1]
    fields = dict(heading)
    assert (b"an-id-of-a-caller", b"1234", b"GET, POST", b"no-store") == tuple(
        fields[name] for name in (b"x-request-id", b"content-length", b"allow", b"cache-control")
    )


def test_a_header_can_be_read_more_than_once() -> None:
    heading = Heading(FixedFields([JSON]), "a" * 32, 0)
    assert list(heading) == list(heading)


def test_an_answer_cannot_switch_off_what_keeps_it_private() -> None:
    fields = private_fields([(b"cache-control", b"public"), (b"x-frame-options", b"ALLOW"), JSON])
    assert [b"no-store"] == [value for name, value in fields if name == b"cache-control"]
    assert [b"DENY"] == [value for name, value in fields if name == b"x-frame-options"]


def test_a_page_keeps_its_own_policy_and_what_has_none_may_load_nothing() -> None:
    policies = [dict(private_fields(given))[b"content-security-policy"] for given in ([POLICY], [JSON])]
    assert [b"default-src 'self'", b"default-src 'none'; frame-ancestors 'none'"] == policies


@pytest.mark.parametrize("bad", [b"a\r\nb: c", b"a\nb", b"a\x00", b"a\x7f"])
def test_a_field_that_could_be_read_as_two_is_no_field(bad: bytes) -> None:
    with pytest.raises(ValueError, match="control character"):
        FixedFields([(b"x", bad)])
    with pytest.raises(ValueError, match="control character"):
        FixedFields([(bad, b"x")])


def test_what_is_prepared_is_found_by_what_is_particular_to_it() -> None:
    table = prepared((JSON,), (JSON, POLICY))
    assert list(FixedFields([JSON]).fields) == list(table[(JSON,)].fields)
    assert POLICY in table[(JSON, POLICY)].fields
