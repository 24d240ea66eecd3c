"""The sandbox's card products and terms."""

from __future__ import annotations

import re
from typing import Any

from tests.sandbox.calls import answered, ask, refusal
from tests.tables import table

KNOWN = ["SANDBOX00000001", "SANDBOX00000002", "SANDBOX00000003", "SANDBOX00000004"]
UNKNOWN = "SANDBOX00000099"


async def test_products_are_answered_in_one_call_and_unknown_ones_are_left_out() -> None:
    answer = await answered("service/info/list", {"serviceIdList": [KNOWN[2], UNKNOWN, KNOWN[0]]})

    assert [product["serviceId"] for product in answer["serviceInfos"]] == [KNOWN[2], KNOWN[0]]
    assert all(product["serviceName"] for product in answer["serviceInfos"])
    assert await answered("service/info/list", {"serviceIdList": [UNKNOWN]}) == {"serviceInfos": []}


async def test_every_card_is_of_a_product_that_has_the_same_name_everywhere() -> None:
    listed = (await answered("service/info/list", {"serviceIdList": KNOWN}))["serviceInfos"]
    names = {product["serviceId"]: product["serviceName"] for product in listed}
    seen: dict[str, set[str]] = {}
    for user_id in (1001, 2001, 2003, 2005, 2012):
        for row in (await answered("card/list", {"userId": user_id}))["cardDataInfo"]:
            if "serviceId" in row:
                seen.setdefault(row["serviceId"], set()).add(row.get("serviceName", ""))

    assert seen.keys() == {*KNOWN, UNKNOWN}
    assert all(found <= {"", names.get(product, "")} for product, found in seen.items())


@table(
    ("clear", "code"),
    [
        ({}, "000_003"),
        ({"serviceIdList": []}, "000_002"),
        ({"serviceIdList": KNOWN[0]}, "000_002"),
        ({"serviceIdList": [1]}, "000_002"),
        ({"serviceIdList": [KNOWN[0], ""]}, "000_002"),
        ({"serviceIdList": [KNOWN[0], "SANDBOX"]}, "000_015"),
        ({"serviceIdList": KNOWN, "userId": 1001}, "020_001"),
    ],
)
async def test_a_wrong_request_for_products_is_refused(clear: dict[str, Any], code: str) -> None:
    assert refusal(await ask("service/info/list", clear))[:2] == (400, code)


async def terms(**clear: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await answered("terms/all", clear))["termsList"]
    return found


async def test_terms_have_an_order_that_is_text_and_are_not_in_it() -> None:
    found = await terms(userId=2005)

    places = [each["order"] for each in found]
    assert all(isinstance(place, str) for place in places)
    assert len({tuple(places), tuple(sorted(places)), tuple(sorted(places, key=int))}) == 3
    assert {each["required"] for each in found} == {"MANDATORY", "OPTIONAL"}


async def test_a_member_has_agreed_to_some_terms_and_nobody_to_none() -> None:
    ours, nobodys = await terms(userId=2005), await terms()

    assert {each["isAgree"] for each in ours} == {True, False}
    for each in ours:
        assert each["isAgree"] == bool(re.fullmatch(r"[0-9]{17}", each.get("agreeDate", "")))
    assert [each["tcId"] for each in nobodys] == [each["tcId"] for each in ours]
    assert {each["isAgree"] for each in nobodys} == {False}
    assert not any("agreeDate" in each for each in nobodys)


async def test_terms_are_filtered_by_kind_and_place_and_have_titles_in_two_languages() -> None:
    every = await terms()

    payment = await terms(tcActionType="PY")
    assert [each for each in every if each["tcActionType"] == "PY"] == payment
    assert len(payment) > 1
    assert [each["tcActionType"] for each in await terms(viewPositionType="USER_PORTAL_CARD")] == ["OPEN_BANK"]
    assert await terms(tcActionType="EZWEL") == []
    assert await terms(locale="KO") == every
    english = await terms(locale="EN")
    assert all(each["title"].isascii() for each in english)
    assert not any(each["title"].isascii() for each in every)


@table(
    ("clear", "code"),
    [
        ({"userId": 0}, "000_002"),
        ({"userId": "2005"}, "000_002"),
        ({"userId": 10**19}, "000_002"),
        ({"userId": 5}, "001_006"),
        ({"locale": ""}, "000_002"),
        ({"locale": "K"}, "000_002"),
        ({"locale": "KORE"}, "000_002"),
        ({"locale": 82}, "000_002"),
        ({"tcActionType": ""}, "000_002"),
        ({"tcActionType": "x" * 256}, "000_002"),
        ({"actionType": "PY"}, "020_001"),
    ],
)
async def test_a_wrong_request_for_terms_is_refused(clear: dict[str, Any], code: str) -> None:
    assert refusal(await ask("terms/all", clear))[:2] == (400, code)
