"""An endpoint and its record, beside those of the registry."""

from __future__ import annotations

from graph.konaplate.endpoint import Endpoint
from graph.konaplate.record import Record
from graph.sandbox.faults import Coded
from schema.secrets import MemberId, PersonalText


class Toy(Record):
    toy_name: str
    owner_name: PersonalText
    parts: list[PersonalText]


TOY = Endpoint(
    name="toy",
    title="Toy",
    path="/toy",
    key=MemberId,
    key_name="user_id",
    request=dict,
    record=Toy,
    within=("toy",),
    owner="user_id",
)
NOBODY = Coded("001_006", "")
