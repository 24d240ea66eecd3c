"""Our HMAC is that of the standard library."""

from __future__ import annotations

import hmac

from hypothesis import given
from hypothesis import strategies as st

from graph.security.keyed_hash import KeyedHash


@given(st.binary(max_size=200), st.lists(st.binary(max_size=300), max_size=3))
def test_it_is_hmac_sha256_of_the_parts_together(key: bytes, parts: list[bytes]) -> None:
    assert KeyedHash(key).digest(*parts) == hmac.digest(key, b"".join(parts), "sha256")
