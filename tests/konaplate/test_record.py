"""Records: one declaration per field defines its name, its reading and its faults."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest

from graph import DeclarationError
from graph.konaplate.errors import InvalidFieldError
from graph.konaplate.record import Record, Text, Whole, Wire, record_fields
from schema.secrets import CardNo, IdentityNo, MemberId, PersonalText
from tests.konaplate.support import CARD, DETAILS, leaks
from tests.tables import table


class Point(Record):
    point_name: Annotated[str, Text(4)]
    left: Annotated[int, Whole(max=9)] | None


class Row(Record):
    card_no: CardNo
    holder: MemberId | None
    phone: Annotated[IdentityNo, Text(11)] | None
    receipt: Annotated[str | None, Wire("cashReciptInfo")]
    points: list[Point]
    words: Annotated[list[Annotated[str, Text(2)]] | None, Wire("wordList")]
    is_named: bool


def sent(**changes: object) -> dict[str, Any]:
    return {
        "cardNo": CARD.reveal(),
        "holder": 7,
        "phone": "01012345678",
        "cashReciptInfo": "spelled as the vendor does",
        "points": [{"pointName": "p1", "left": 1}, {"pointName": "p2"}],
        "wordList": ["a", "b"],
        "isNamed": True,
        **changes,
    }


def faults(value: object) -> list[str]:
    """The names of the fields that failed, here or in nested records."""
    if isinstance(value, InvalidFieldError):
        return [value.field]
    inner = value if isinstance(value, list) else []
    if isinstance(value, Record):
        inner = [getattr(value, field.name) for field in record_fields(type(value))]
    return [name for each in inner for name in faults(each)]


def test_a_record_holds_what_was_sent() -> None:
    points = [Point(point_name="p1", left=1), Point(point_name="p2", left=None)]
    expected = Row(
        card_no=CARD,
        holder=MemberId("7"),
        phone=IdentityNo("01012345678"),
        receipt="spelled as the vendor does",
        points=points,
        words=["a", "b"],
        is_named=True,
    )
    assert Row.read(sent(), DETAILS) == expected


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({"cardNo": "949133940000123"}, ["cardNo"]),
        ({"cardNo": 9491339400001234}, ["cardNo"]),
        ({"holder": -1}, ["holder"]),
        ({"points": None}, ["points"]),
        ({"points": {}}, ["points"]),
        ({"points": [5, {"pointName": "p1"}, None]}, ["points", "points"]),
        ({"points": [{"left": 10}]}, ["pointName", "left"]),
        ({"wordList": "ab"}, ["wordList"]),
        ({"wordList": ["a", 5]}, ["wordList"]),
        ({"wordList": ["a"] * 1_001}, ["wordList"]),
        ({"points": [{}] * 1_001}, ["points"]),
        ({"isNamed": 1}, ["isNamed"]),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_cannot_be_read_fails_alone(changes: dict[str, object], failing: list[str]) -> None:
    row = Row.read(sent(**changes), DETAILS)
    assert failing == faults(row)
    # Of two unreadable items, the name of their list appears once.
    assert tuple(dict.fromkeys(failing)) == row.invalid_fields


def test_an_item_that_fails_leaves_the_others_of_its_list() -> None:
    row = Row.read(sent(points=[{"pointName": "p1"}, 5], wordList=["a", 5]), DETAILS)
    assert Point(point_name="p1", left=None) == row.points[0]
    assert (row.words or [])[0] == "a"


@pytest.mark.parametrize("missing", [{}, {"points": [], "cardNo": None}])
def test_null_is_the_same_as_absent(missing: dict[str, object]) -> None:
    expected = ["cardNo", "isNamed"] if missing else ["cardNo", "points", "isNamed"]
    assert faults(Row.read(missing, DETAILS)) == expected


def test_a_longer_text_is_kept_and_noted_wherever_it_is() -> None:
    row = Row.read(sent(points=[{"pointName": "longer"}], wordList=["abc"], phone="0" * 12), DETAILS)
    assert row.drift == ("phone", "pointName", "wordList")
    assert row.points[0].point_name == "longer"


def test_a_field_that_is_longer_in_every_item_is_noted_once() -> None:
    row = Row.read(sent(points=[{"pointName": "longer"}, {"pointName": "longest"}]), DETAILS)
    assert (row.drift, row.invalid_fields) == (("pointName",), ())


def test_a_secret_that_refuses_its_text_shows_nothing_of_it() -> None:
    row = Row.read(sent(cardNo=f"{CARD.reveal()}0"), DETAILS)
    assert faults(row) == ["cardNo"]
    assert leaks(row, row.card_no) == []


class Dated(Record):
    day: date | None
    at: datetime | None


def dated(value: object) -> list[object]:
    """What a value is as a day and as a time; "fault" if it is none."""
    read = Dated.read({"day": value, "at": value}, DETAILS)
    values: list[object] = [read.day, read.at]
    return ["fault" if isinstance(each, InvalidFieldError) else each for each in values]


DAY = date(2026, 2, 28)
AT = datetime(2026, 2, 28, 23, 59, 58, tzinfo=timezone(timedelta(hours=9)))
NO_TIMES: list[object] = [
    "", " ", "0", 0, -20260228, True, [], {}, "20260229", "20261301", "20260200", "00000228", "2026228",
    "2026-02-28", "20260228\n", "２０２６０２２８", "20260228246060", "20260228240000", "202602282359",
    "20260228 ", "D20260228", "2026022823595812", "202602282359581234", 10**17, Decimal("20260228.5"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, [None, None]),
        ("20260228", [DAY, "fault"]),
        (20260228, [DAY, "fault"]),
        (Decimal("20260228.0"), [DAY, "fault"]),
        ("20260228235958", [DAY, AT]),
        (20260228235958, [DAY, AT]),
        ("20260228235958123", [DAY, AT.replace(microsecond=123_000)]),
        (20260228235958123, [DAY, AT.replace(microsecond=123_000)]),
        *((value, ["fault", "fault"]) for value in NO_TIMES),
    ],
    ids=repr,
)
def test_a_day_and_a_time_have_the_forms_of_konaplate_and_its_time_zone(
    value: object, expected: list[object]
) -> None:
    assert expected == dated(value)


def test_a_time_is_that_of_koreas_clock() -> None:
    _, at = dated("20260228235958")
    assert at == datetime(2026, 2, 28, 14, 59, 58, tzinfo=UTC)


def test_a_record_and_all_within_it_know_when_the_answer_arrived() -> None:
    row = Row.read(sent(cardNo=None), msgspec.structs.replace(DETAILS, answered_at=1_741_230_000_042))
    assert {1_741_230_000_042} == {row.as_of, *(point.as_of for point in row.points)}
    assert Row.read(sent(), DETAILS).as_of == 0


def test_declarations_say_what_is_sensitive_and_what_is_required() -> None:
    fields = record_fields(Row)
    assert [each.name for each in fields if each.sensitive] == ["card_no", "holder", "phone"]
    assert [each.name for each in fields if each.required] == ["card_no", "points", "is_named"]
    (points,) = (each for each in fields if each.name == "points")
    assert points.item is not None
    assert [list, Point] == [points.kind, points.item.kind]


NEEDS_MAXIMUM = "an int needs its largest value, as in Annotated[int, Whole(max=999)]"
SIZES = "Text(20) is for strings, Whole(max=20) for int, each with a whole number from 1"


@table(
    "kind, told",
    [
        (int, NEEDS_MAXIMUM),
        (list[int], NEEDS_MAXIMUM),
        (float, "nothing reads float"),
        (dict, "nothing reads dict"),
        (object, "nothing reads object"),
        (Literal["a"], "nothing reads typing.Literal['a']"),
        (Annotated[str, 8], "a note is Text(…), Whole(max=…) or Wire(…), not 8"),
        (str | int | None, f"nothing reads {str | int | None}; a field has one type, with or without None"),
        (Annotated[str, Text("20")], f"Text(size='20') does not fit str; {SIZES}"),  # type: ignore[arg-type]
        (Annotated[PersonalText, Text(0)], f"Text(size=0) does not fit PersonalText; {SIZES}"),
        (Annotated[int, Text(5), Whole(max=5)], f"Text(size=5) does not fit int; {SIZES}"),
        (Annotated[int, Whole(max=-1)], f"Whole(max=-1) does not fit int; {SIZES}"),
        (Annotated[str, Whole(max=5)], f"Whole(max=5) does not fit str; {SIZES}"),
        (Annotated[list[str], Text(5)], f"Text(size=5) does not fit list; {SIZES}"),
        (Annotated[str, Text], f"a note is Text(…), Whole(max=…) or Wire(…), not {Text!r}"),
    ],
)
def test_a_field_that_cannot_be_read_strictly_is_refused_when_it_is_declared(kind: Any, told: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        type("Loose", (Record,), {"__annotations__": {"some_name": kind}, "__module__": __name__})
    assert f"Loose.some_name: {told}" == str(caught.value)


def test_a_type_that_is_not_imported_is_named_with_its_record() -> None:
    with pytest.raises(DeclarationError, match=r"^Loose: a type of its fields is not imported: .*'Unknown'"):
        type("Loose", (Record,), {"__annotations__": {"some_name": "Unknown"}, "__module__": __name__})


@pytest.mark.parametrize("name", ["subject", "as_of", "drift", "read", "answered_at"])
def test_a_name_that_every_record_uses_is_refused(name: str) -> None:
    with pytest.raises(DeclarationError, match=rf"^Loose\.{name}: every record has its own '{name}'; .*Wire"):
        type("Loose", (Record,), {"__annotations__": {name: str}, "__module__": __name__})


def test_an_inherited_field_stands_before_those_of_the_class_itself() -> None:
    class Marked(Point):
        mark: bool

    marked = Marked.read({"mark": True, "left": 3, "pointName": "p1", "drift": "x"}, DETAILS)
    assert Marked(point_name="p1", left=3, mark=True) == marked
    assert (marked.point_name, marked.left, marked.mark, marked.drift) == ("p1", 3, True, ())


def test_an_inherited_field_is_not_declared_again() -> None:
    with pytest.raises(DeclarationError, match=r"^Moved cannot declare inherited fields again: point_name$"):
        type("Moved", (Point,), {"__annotations__": {"point_name": str}})
