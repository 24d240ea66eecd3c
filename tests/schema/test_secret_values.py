"""Secrets print as masks wherever Python formats a value, and cannot be serialized."""

from __future__ import annotations

import copy
import dataclasses
import functools
import io
import json
import logging
import pickle
import pprint
import traceback
from typing import TYPE_CHECKING, Any

import msgspec
import orjson
import pytest

from schema.secrets import CardNo, Credential, IdentityNo, MemberId, Par, PersonalText, Secret
from tests.tables import table

if TYPE_CHECKING:
    from collections.abc import Callable

# Part of every clear text, and of no mask.
CANARY = "339400"
SECRETS = {
    "Credential": (Credential(f"key-{CANARY}-of-a-project"), "****"),
    "CardNo": (CardNo(f"949133{CANARY[2:]}000013"), "949133******0013"),
    "Par": (Par(f"Q1{CANARY}{'A' * 19}"), "****"),
    "MemberId": (MemberId(f"1{CANARY}12345"), "****2345"),
    "PersonalText": (PersonalText(f"홍길동 {CANARY}"), "****"),
    "IdentityNo": (IdentityNo(f"1{CANARY}7890"), "****7890"),
    "mobile IdentityNo": (IdentityNo("01039405678"), "010-****-5678"),
}


def clear_middle(secret: Secret) -> str:
    """The part of the clear text that no mask may show."""
    clear = secret.reveal()
    return clear[6:-4] if isinstance(secret, CardNo) else clear[3:-4]


@dataclasses.dataclass(frozen=True)
class DataclassHolder:
    secret: Secret


class StructHolder(msgspec.Struct):
    secret: Any


def logged(template: str, secret: Secret) -> str:
    stream = io.StringIO()
    logger = logging.Logger("apart from all others")  # noqa: LOG001 - so that nothing needs restoring
    logger.addHandler(logging.StreamHandler(stream))
    logger.error(template, secret)
    return stream.getvalue()


def refuse(secret: Secret) -> None:
    raise ValueError("refused", secret)


def raised(secret: Secret) -> str:
    """A traceback with the values of local variables."""
    try:
        refuse(secret)
    except ValueError as error:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
        return "".join(lines) + str(error) + repr(error)
    return ""


SHOWN: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "ascii": ascii,
    "format": format,
    "format with a width": lambda secret: format(secret, ">40"),
    "an f-string": lambda secret: f"card {secret}",
    "an f-string with !r": lambda secret: f"card {secret!r}",
    "an f-string with !s and a width": lambda secret: f"card {secret!s:<30}",
    "str.format": "card {0} {0!r:>40}".format,
    "%s": lambda secret: "card %s" % secret,  # noqa: UP031 - the form under test
    "%r": lambda secret: "card %r" % secret,  # noqa: UP031 - the form under test
    "%-30s": lambda secret: "card %-30s" % secret,  # noqa: UP031 - the form under test
    "a list": lambda secret: str([secret]),
    "a dictionary": lambda secret: str({secret: secret}),
    "pprint": lambda secret: pprint.pformat({"secrets": [secret] * 9}),
    "a log line with %s": lambda secret: logged("card %s", secret),
    "a log line with %r": lambda secret: logged("card %r", secret),
    "an exception": raised,
    "a dataclass": lambda secret: repr(DataclassHolder(secret)),
    "a struct": lambda secret: repr(StructHolder(secret)),
}


@table("show", SHOWN.values())
@table(("secret", "mask"), SECRETS.values())
def test_whatever_shows_a_secret_shows_its_mask(secret: Secret, mask: str, show: Callable[[Secret], str]) -> None:
    shown = show(secret)

    assert mask in shown
    assert clear_middle(secret) not in shown
    assert secret.reveal() not in shown


@pytest.mark.parametrize(("secret", "mask"), SECRETS.values(), ids=SECRETS)
def test_the_mask_and_the_repr_have_one_form(secret: Secret, mask: str) -> None:
    assert mask == secret.masked
    assert mask == str(secret)
    assert repr(secret) == f"{type(secret).__name__}({mask})"


@pytest.mark.parametrize(("secret", "_mask"), SECRETS.values(), ids=SECRETS)
def test_a_wrong_format_specification_fails_without_the_clear_text(secret: Secret, _mask: str) -> None:
    with pytest.raises(ValueError) as caught:
        format(secret, "d")

    assert secret.reveal() not in str(caught.value)


CONVERSIONS: dict[str, Callable[[Any], object]] = {
    **{f"pickle {n}": functools.partial(pickle.dumps, protocol=n) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
    "copy.copy": copy.copy,
    "copy.deepcopy": copy.deepcopy,
    "dataclasses.asdict": lambda secret: dataclasses.asdict(DataclassHolder(secret)),
    "json": json.dumps,
    "json as a key": lambda secret: json.dumps({secret: 1}),
    "orjson": orjson.dumps,
    "orjson as a key": lambda secret: orjson.dumps({secret: 1}, option=orjson.OPT_NON_STR_KEYS),
    "msgspec": msgspec.json.encode,
    "msgspec to_builtins": msgspec.to_builtins,
    "msgspec in a struct": lambda secret: msgspec.json.encode(StructHolder(secret)),
    "vars": vars,
    "iteration": list,
    "bytes": bytes,
    "int": int,
    "len": len,
    "index": lambda secret: secret[0],
    "joining": "".join,
    "appending": lambda secret: "card " + secret,
    "adding": lambda secret: secret + "",
    "membership": lambda secret: "9" in secret,
    "ordering": lambda secret: secret < secret,  # noqa: PLR0124 - it must not tell
}


@table("convert", CONVERSIONS.values())
@table("secret", [secret for secret, _ in SECRETS.values()])
def test_a_secret_becomes_no_other_data(secret: Secret, convert: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError) as caught:
        convert(secret)

    assert secret.reveal() not in str(caught.value)


def test_equal_texts_of_one_type_are_equal_and_hash_alike() -> None:
    one, other = CardNo("9491339400000013"), CardNo("9491339400000013")

    assert one == other
    assert hash(one) == hash(other)
    assert {one: "found"}[other] == "found"


@pytest.mark.parametrize(
    "other",
    [
        PersonalText("94913394000000"),
        IdentityNo("94913394000001"),
        Secret("94913394000000"),
        "94913394000000",
        94913394000000,
        None,
    ],
    ids=lambda other: f"{type(other).__name__}",
)
def test_a_secret_equals_nothing_else(other: object) -> None:
    secret = IdentityNo("94913394000000")

    assert secret != other
    assert other != secret
    assert not secret == other  # noqa: SIM201 - __eq__ and __ne__ are two methods


def test_texts_that_are_not_ascii_can_be_compared() -> None:
    assert PersonalText("홍길동") == PersonalText("홍길동")
    assert PersonalText("홍길동") != PersonalText("홍길순")


@pytest.mark.parametrize(("secret", "_mask"), SECRETS.values(), ids=SECRETS)
def test_only_reveal_gives_the_clear_text(secret: Secret, _mask: str) -> None:
    public = {name: getattr(secret, name) for name in dir(secret) if not name.startswith("_")}

    assert set(public) == {"masked", "reveal"}
    assert secret.reveal() == public["reveal"]()
