"""Gateways stop and start under load behind the delivered HAProxy configuration: no request fails."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

from tests.deploy.load import steady_load
from tests.deploy.stack import running_stack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.security.redis_server import RedisServer


async def test_no_request_fails_while_both_gateways_are_restarted_one_after_the_other(
    tmp_path: Path, redis: RedisServer
) -> None:
    ends = []
    async with (
        running_stack(tmp_path, redis.patient_url) as stack,
        steady_load(stack.balancer.url, stack.viewer()) as load,
    ):
        for gateway in stack.gateways:
            ends.append(await gateway.end(signal.SIGTERM))
            # While one is down, the other answers alone.
            await load.more(50)
            await gateway.start()
            await stack.balancer.until_up(2)
            await load.more(50)
    assert load.failures == {}
    assert [status for status, _ in ends] == [0, 0]
    # Nothing is written but who was shown what.
    assert {json.loads(line)["event"] for _, output in ends for line in output.splitlines()} == {"audit"}


async def test_no_request_fails_when_a_gateway_is_killed_and_started_again(
    tmp_path: Path, redis: RedisServer
) -> None:
    async with (
        running_stack(tmp_path, redis.patient_url) as stack,
        steady_load(stack.balancer.url, stack.viewer()) as load,
    ):
        for gateway in stack.gateways:
            await gateway.end(signal.SIGKILL)
            await stack.balancer.until_up(1)
            await load.more(50)
            await gateway.start()
            await stack.balancer.until_up(2)
            await load.more(50)
        retries = await stack.balancer.retries()
    assert load.failures == {}
    # Requests in flight at a killed gateway were answered by the other.
    assert retries > 0
