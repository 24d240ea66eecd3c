"""Card Product ID Inquiry: https://konaplate.com/en/developers/api-documentation.

Whether an id that does not exist is left out of the answer or makes it an error is not public.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from graph.konaplate.endpoint import Endpoint
from graph.konaplate.record import Record, Text

if TYPE_CHECKING:
    from collections.abc import Sequence


class ServiceInfo(Record):
    """A card product. The page's list of fields is cut off after the name, and so is the name's size."""

    service_id: Annotated[str, Text(15)]
    service_name: str


def _request(service_ids: Sequence[str]) -> dict[str, list[str]]:
    return {"serviceIdList": list(service_ids)}


def _service_id(product: ServiceInfo) -> object:
    return product.service_id


SERVICE_INFO: Final = Endpoint(
    name="service_info",
    title="Card Product ID Inquiry",
    path="/api/v1/service/info/list",
    key=str,
    key_name="service_id",
    request=_request,
    record=ServiceInfo,
    within=("serviceInfos",),
    key_of=_service_id,
    not_found=None,
    # For each product: one call brings all.
    cost=1,
    seals_request=False,
    seals_response=False,
)
