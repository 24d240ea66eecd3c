"""What the vendor's pages and public client code say of each inquiry API, written down without the endpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from graph.konaplate.endpoints.terms import TermsKey
from graph.konaplate.endpoints.transactions import TransactionsKey
from schema.secrets import CardNo, MemberId, Par

CARD_NO: Final = "9491339400001234"
PHYSICAL_NO: Final = "9491339400005678"
USER_ID: Final = 9_223_372_036_854_775_808
PAR: Final = "Q1" + "A7" * 12 + "Z"
ACCOUNT_NO: Final = "1005900012345678"
MERCHANT: Final = "카나리아 커피"
BUSINESS_NO: Final = "2208162517"
BIG: Final = 9_999_999_999


@dataclass(frozen=True)
class Page:
    """One API."""

    path: str
    key: Any
    """What is asked for; a list of keys for a batch."""
    request: str
    """The clear body, byte for byte."""
    seals_request: bool
    seals_answer: bool | None
    """None where no page says."""
    least: dict[str, Any]
    """An answer with what the page documents as required, and nothing else."""
    whole: dict[str, Any]
    """An answer with everything that is read."""
    required: dict[str, str] = field(default_factory=dict)
    """The required fields: by their place in `least`, Konaplate's name of the one that fails without it."""
    silent: bool = True
    """Whether `least` is a success without a code, too."""


TRANSACTIONS_KEY: Final = TransactionsKey(
    par=Par(PAR),
    user_id=MemberId("1001"),
    start_date="20261001",
    end_date="20261031",
    tr_type=None,
    include_previous_card=False,
    page=0,
    page_size=20,
)
ROW: Final = {
    "par": PAR,
    "limits": {"day": 300_000, "once": 100_000, "month": 0},
    "balance": BIG,
    "pendingAmount": 1_000,
    "isNamed": True,
    "serviceId": "100000000000001",
    "serviceName": "지역 카드",
    "expiryDate": "3112",
    "cardApplyNo": "2026010100000000000001",
    "mobileCardNo": CARD_NO,
    "physicalCardNo": PHYSICAL_NO,
    "mobileCardStatus": "ACTIVE",
    "physicalCardStatus": "SUSPENDED",
    "bankInfo": {"bankName": "WELCOME", "accountNo": ACCOUNT_NO},
    "cardPointInfo": [
        {"autoUse": True, "pointName": "캐시백", "pointPolicyId": "P1", "remainingPoint": 120},
        {"autoUse": False, "pointName": "포인트", "pointPolicyId": "P2", "remainingPoint": 0},
    ],
    "rechargeable": True,
}
TRANSACTION: Final = {
    "trType": "00",
    "rcgType": None,
    "nrNumber": "202610010000000001",
    "trAmount": 4_500,
    "orgAmount": 5_000,
    "approvalCode": "12345678",
    "balanceBefore": 10_000,
    "balanceAfter": 5_500,
    "merchantName": MERCHANT,
    "bizLicenseNo": BUSINESS_NO,
    "authCancelType": "AUTH",
    "approvalDateTime": "20261001093015",
    "discountAmount": 500,
    "usedPointAmount": 1,
    "savedPointAmount": 2,
    # The vendor's spelling.
    "cashReciptInfo": {"isuStCd": "1", "approvalNo": "A1", "approvalDate": "20261001"},
    "rechargeCancelable": 1,
}
TERMS_ROW: Final = {
    "tcId": 17,
    "tcActionType": "PY",
    "title": "전자금융거래 이용약관",
    "url": "https://example.com/terms/17",
    "required": "MANDATORY",
    "order": "10",
    "isAgree": True,
    "agreeDate": "20260102030405678",
    "viewPositionType": "OPEN_BANK",
}

PAGES: Final[dict[str, Page]] = {
    "card_list": Page(
        path="/api/v1/user/card/list",
        key=MemberId(str(USER_ID)),
        request=f'{{"userId":{USER_ID}}}',
        seals_request=False,
        seals_answer=True,
        least={"cardDataInfo": [{"par": PAR, "balance": 0, "isNamed": False}]},
        whole={"cardDataInfo": [ROW]},
        required={"cardDataInfo": "cardDataInfo"},
    ),
    "transactions": Page(
        path="/api/v1/transaction/card",
        key=TRANSACTIONS_KEY,
        request=(
            f'{{"par":"{PAR}","startDate":"20261001","endDate":"20261031","includePreviousCard":false,'
            '"pageRequest":{"page":0,"pageSize":20,"sort":"approvalDateTime","orderByDirection":"DESC"},'
            '"userId":1001}'
        ),
        seals_request=False,
        seals_answer=None,
        least={},
        whole={
            "pageResponse": {"page": 0, "totalPages": 3, "numberOfElements": 20},
            "transactionInfo": [TRANSACTION],
        },
        silent=False,
    ),
    "virtual_account": Page(
        path="/api/v1/card/virtual-account/inquiry",
        key=CardNo(CARD_NO),
        request=f'{{"cardNo":"{CARD_NO}"}}',
        seals_request=True,
        seals_answer=True,
        least={"accountNo": ACCOUNT_NO, "bankCode": "020"},
        whole={"accountNo": ACCOUNT_NO, "bankCode": "020", "connectType": "FIXATION"},
        required={"accountNo": "accountNo", "bankCode": "bankCode"},
    ),
    "tax_deduction": Page(
        path="/api/v1/cards/deduction",
        key=Par(PAR),
        request=f'{{"par":"{PAR}"}}',
        seals_request=True,
        seals_answer=False,
        least={"par": PAR},
        whole={"par": PAR, "deductionDate": 20_260_101, "created": "20251224101500"},
    ),
    "service_info": Page(
        path="/api/v1/service/info/list",
        key=["100000000000001", "100000000000002"],
        request='{"serviceIdList":["100000000000001","100000000000002"]}',
        seals_request=False,
        seals_answer=False,
        least={"serviceInfos": []},
        whole={
            "serviceInfos": [
                {"serviceId": "100000000000002", "serviceName": "둘", "more": 1},
                {"serviceId": "100000000000001", "serviceName": "하나"},
            ]
        },
    ),
    "terms": Page(
        path="/api/v1/user/terms/all",
        key=TermsKey("KO", "PY", MemberId(str(USER_ID))),
        request=f'{{"locale":"KO","tcActionType":"PY","userId":{USER_ID}}}',
        seals_request=False,
        seals_answer=None,
        least={"termsList": []},
        whole={"termsList": [TERMS_ROW]},
        required={"termsList": "termsList"},
    ),
    "identity_check": Page(
        path="/api/v1/user/deduction/info",
        key=MemberId(str(USER_ID)),
        request=f'{{"userId":{USER_ID}}}',
        seals_request=True,
        seals_answer=False,
        least={"isAuthed": True},
        whole={"isAuthed": True},
        required={"isAuthed": "isAuthed"},
    ),
}
