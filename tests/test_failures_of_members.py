"""Every reserved member of the sandbox: the error where the API that fails is asked, and what still answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graph.konaplate.endpoints import ENDPOINTS
from graph.sandbox.failures import FAILURES, MemberFailure
from tests.faults.jumping_clock import jumping
from tests.support import gateway
from tests.tables import table
from tests.tools import entry

if TYPE_CHECKING:
    from tests.telemetry.capture import Unredacted

OF_MEMBER: Final = {
    "user_info": ("profile", "{ userName }"),
    "card_list": ("cards", "{ cardNo maskedCardNo balance isNamed pendingAmount limits { day } }"),
    "identity_check": ("isIdentityVerified", ""),
    "terms": ("terms", "{ title order isAgree required agreeDate }"),
}
OF_CARD: Final = {
    "transactions": ("transactions", "{ nodes { trType trAmount authCancelType approvalDateTime } }"),
    "virtual_account": ("virtualAccount", "{ maskedAccountNo bankCode connectType }"),
    "tax_deduction": ("taxDeduction", "{ isRegistered deductionDate created }"),
    "service_info": ("product", "{ serviceName }"),
}


# No field shows it, and nothing that needs it is asked for.
NOT_ASKED: Final = "card_data_info.0.par"


def asked(endpoint: str) -> tuple[str, list[Any]]:
    """What asks an API for a member, and the path to it."""
    if endpoint in OF_MEMBER:
        name, selection = OF_MEMBER[endpoint]
        return f"userId {name} {selection}", ["member", name]
    name, selection = entry(OF_CARD, endpoint, "OF_CARD (or OF_MEMBER) in tests/test_failures_of_members.py")
    return f"userId cards {{ balance {name} {selection} }}", ["member", "cards", 0, name]


PATHS: Final = {endpoint.name: endpoint.path for endpoint in ENDPOINTS}


def wire_name(path: str) -> str:
    """Konaplate's name of the faulty attribute at the end of a path in the record."""
    first, *others = [step for step in path.split(".") if not step.isdecimal()][-1].split("_")
    return first + "".join(map(str.title, others))


@table(("user_id", "failure"), FAILURES.items())
@jumping
async def test_a_reserved_member_fails_where_its_api_is_asked(
    user_id: int, failure: MemberFailure, logged: Unredacted
) -> None:
    selection, place = asked(failure.endpoint)
    seen = len(logged.events)
    async with gateway() as running:
        response = await running.post(f'{{ member(userId: "{user_id}") {{ {selection} }} }}')
    # The log names the API and the field, also if no client asked for it.
    calls = [event for event in logged.events[seen:] if event["event"] == "upstream call"]
    faulty = {(call["api"], name, call["log_level"]) for call in calls for name in call["invalid_fields"]}
    named = {(PATHS[failure.endpoint], wire_name(failure.field), "info")} if failure.field else set()
    assert faulty == named
    answer = response.json()
    errors = answer.get("errors", [])
    assert answer["data"]["member"]["userId"] == str(user_id)
    if failure.endpoint in OF_CARD:
        assert answer["data"]["member"]["cards"][0]["balance"] == 50_000
    if failure.code is None or failure.field == NOT_ASKED:
        assert errors == []
        return
    assert errors
    for error in errors:
        assert error["path"][: len(place)] == place
        assert (error["extensions"]["code"], error["extensions"]["retryable"]) == (
            failure.code.value,
            failure.retryable,
        )
    if failure.field is None:
        assert len(errors) == 1
    assert "9491339400000013" not in response.text + logged.text
    # The next rows need not search what is clean.
    logged.events.clear()
