"""What the sandbox's wallet of a member holds that nobody may see who did not ask for it."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import quote, quote_plus

from graph.sandbox import bank
from graph.sandbox.history import history_of
from graph.sandbox.wallets import WALLETS

DEV_MEMBER: Final = 2005
"""Who every caller of `konagraph dev` is."""


def secrets_of(user_id: int) -> dict[str, str]:
    """Card numbers, PARs, account numbers, merchants and their business numbers, each with what it is."""
    found = {}
    for card in WALLETS:
        if card.user_id != user_id:
            continue
        found[card.par] = "a PAR"
        found.update(dict.fromkeys(card.numbers, "a card number"))
        found[str(bank.virtual_account(card)["accountNo"])] = "an account number"
        for entry in history_of(card).entries:
            for name in ("merchantName", "bizLicenseNo"):
                if entry.fields.get(name):
                    found[str(entry.fields[name])] = name
    return found


def found_in(kept: str | bytes, secrets: dict[str, str]) -> list[str]:
    """What of it is in there, in any usual notation."""
    text = kept.encode() if isinstance(kept, str) else kept
    return sorted(
        {what for secret, what in secrets.items() if any(form.encode() in text for form in _notations(secret))}
    )


def _notations(secret: str) -> set[str]:
    forms = {secret, json.dumps(secret)[1:-1], quote(secret), quote_plus(secret)}
    if secret.isdigit():
        fours = [secret[start : start + 4] for start in range(0, len(secret), 4)]
        forms |= {" ".join(fours), "-".join(fours)}
    return forms
