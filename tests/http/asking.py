"""One request to a gateway, as the HTTP tests send it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support import GRAPHQL_RESPONSE, gateway

if TYPE_CHECKING:
    import httpx

TYPENAME = '{"query": "{ __typename }"}'
JSON = {"content-type": "application/json"}


async def send(method: str = "POST", content: str | bytes | None = TYPENAME, **headers: str) -> httpx.Response:
    """The response to a request; header names are given with underscores."""
    async with gateway() as running:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return await running.client.request(
            method, "/graphql", content=content, headers={**JSON, "accept": GRAPHQL_RESPONSE, **names}
        )


def codes(response: httpx.Response) -> list[str]:
    """The codes of a response's errors."""
    return [error["extensions"]["code"] for error in response.json()["errors"]]
