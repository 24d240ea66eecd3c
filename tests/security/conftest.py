"""A gateway that requires bearer tokens, shared by all tests of a module, so that failures add up.

And Redis: one for all tests that leave it intact, and one for each test that does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.security.jwt_gateway import assert_accepted, jwt_gateway
from tests.security.jwt_maker import ec_signer
from tests.security.redis_server import RedisServer, redis_server_running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.security.jwt_gateway import Guarded


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    """Knows the usual signers; its tests run with `pytest.mark.asyncio(loop_scope="module")`."""
    async with jwt_gateway(tmp_path_factory.mktemp("gateway"), KONAGRAPH_REQUEST_BURST=10_000) as guarded:
        yield guarded
        assert_accepted(await guarded.bearer(ec_signer().token()))


@pytest.fixture(scope="session")
def _redis_of_the_session() -> Iterator[RedisServer]:
    with redis_server_running() as server:
        yield server


@pytest.fixture
def redis_server(_redis_of_the_session: RedisServer) -> RedisServer:
    """A server without data."""
    _redis_of_the_session.ask("FLUSHALL")
    return _redis_of_the_session


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A server that a test may break."""
    with redis_server_running() as server:
        yield server
