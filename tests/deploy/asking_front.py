"""A client of the balancer, and the format of its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from tests.cli.processes import DEADLINE

if TYPE_CHECKING:
    from schema.errors import ErrorCode


def client(url: str, **options: Any) -> httpx.AsyncClient:
    """A client with a long timeout and without a proxy."""
    return httpx.AsyncClient(base_url=url, trust_env=False, timeout=DEADLINE, **options)


def assert_refusal(code: ErrorCode, answer: dict[str, Any], **more: object) -> None:
    """Assert the format of the gateway's errors."""
    (error,) = answer["errors"]
    request_id = error["extensions"].pop("requestId")
    assert len(request_id) > 20
    assert request_id.isalpha()
    assert (code.message, {"code": code.value, **more}) == (error["message"], error["extensions"])
