"""A client's request id is accepted if it is harmless, and replaced if it could be a card number."""

from __future__ import annotations

import pytest

from graph.http.exchange import accepted_request_id


@pytest.mark.parametrize(
    "offered",
    [
        "a-request-of-a-test",
        "8f14e45f-ceea-467f-a8d5-1b2c3d4e5f60",
        "0HN7GLLDMLQ2J.00000002",
        "4bf92f3577b34da6a3ce929d0e0e4736",
    ],
)
def test_a_harmless_id_is_taken(offered: str) -> None:
    assert offered == accepted_request_id(offered)


@pytest.mark.parametrize(
    "offered",
    [
        "9491339400000013",
        "9491-3394-0000-0013",
        "9491__3394__0000__0013",
        "9.4.9.1-_-3394_._0000---0013",
        "id-9491......3394......0000......0013",
        "9491%333940000\xa00013",
    ],
)
def test_an_id_that_spells_a_card_number_is_replaced(offered: str) -> None:
    given = accepted_request_id(offered)
    assert given.isalpha()
    assert len(given) == 32
