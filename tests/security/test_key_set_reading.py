"""Which keys of a JWK set are used to verify tokens, and which are ignored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.security.jwks import MAX_BYTES, BadKeySetError, read_key_set
from tests.security.jwt_maker import (
    b64,
    ec_private,
    ec_signer,
    ed_signer,
    key_set,
    number,
    rsa_private,
    rsa_signer,
)
from tests.tables import table
from tests.tools import examples

GOOD = ec_signer("good", index=1)
SIGNERS = {"RSA": rsa_signer("x"), "EC": ec_signer("x"), "OKP": ed_signer("x")}
# A number of 1,193 bits.
LONG = "AQAB" * 50
deterministic = settings(max_examples=examples(200))
every_kind = pytest.mark.parametrize("kind", SIGNERS)


def usable(*entries: Any) -> set[str]:
    """The ids of the usable keys of a set that ends with a good key."""
    return read_key_set(json.dumps({"keys": [*entries, GOOD.jwk]}).encode()).keys() - {"good"}


def changed(kind: str, **changes: Any) -> dict[str, Any]:
    """A good entry with changes; a member that is None is removed."""
    return {name: value for name, value in (SIGNERS[kind].jwk | changes).items() if value is not None}


def problem(content: bytes) -> str:
    with pytest.raises(BadKeySetError) as caught:
        read_key_set(content)
    # A traceback would show the error that quotes the set.
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None or caught.value.__suppress_context__
    return str(caught.value)


@table("kind", SIGNERS)
@table(
    "changes",
    [
        {},
        {"use": None, "alg": None},
        {"key_ops": ["verify"]},
        {"key_ops": ["sign", "verify"], "use": None},
        {"x5c": 5, "x5t": [], "x5u": "no address", "unknown": {"deep": []}},
    ],
)
def test_a_proper_key_is_used(kind: str, changes: dict[str, Any]) -> None:
    assert usable(changed(kind, **changes)) == {"x"}


@table("kind", SIGNERS)
@table(
    "changes",
    [
        *({"kid": None}, {"kid": ""}, {"kid": 5}, {"kid": ["x"]}, {"kid": {}}),
        *({"kty": None}, {"kty": "oct"}, {"kty": "EC2"}, {"kty": 5}, {"kty": ["EC"]}),
        *({"use": "enc"}, {"use": ""}, {"use": 5}, {"use": ["sig"]}),
        *({"key_ops": ["encrypt"]}, {"key_ops": []}, {"key_ops": "verify"}, {"key_ops": 5}, {"key_ops": ["sign"]}),
        *(
            {"alg": "none"},
            {"alg": "HS256"},
            {"alg": "RSA-OAEP"},
            {"alg": "PS256"},
            {"alg": 5},
            {"alg": ["ES256"]},
        ),
        *({"d": "AAAA"}, {"d": ""}, {"d": 0}),
    ],
)
def test_a_key_for_another_purpose_is_left_out(kind: str, changes: dict[str, Any]) -> None:
    assert set() == usable(changed(kind, **changes))


@pytest.mark.parametrize(
    ("kind", "algorithm"), [("RSA", "ES256"), ("RSA", "RS512"), ("EC", "RS256"), ("EC", "ES384"), ("OKP", "ES256")]
)
def test_a_key_for_an_algorithm_of_another_kind_is_left_out(kind: str, algorithm: str) -> None:
    assert set() == usable(changed(kind, alg=algorithm))


@table("name", ["n", "e", "x", "y", "crv"])
@table("value", [None, "", "A", "A===", "!!!!", "AAAA", LONG, 5, -1, True, [], {}, ["AQAB"]])
def test_a_key_with_a_broken_part_is_left_out(name: str, value: object) -> None:
    for kind, signer in SIGNERS.items():
        # A long exponent is unusual but valid.
        if name in signer.jwk and (name, value) != ("e", LONG):
            assert set() == usable(changed(kind, **{name: value}))


@pytest.mark.parametrize("crv", ["P-384", "secp256k1"])
@pytest.mark.parametrize("algorithm", ["own", "ES256", None])
def test_a_key_of_another_curve_is_left_out(crv: str, algorithm: str | None) -> None:
    entry = ec_signer("x", crv).jwk
    entry |= {} if algorithm == "own" else {"alg": algorithm}

    assert set() == usable({name: value for name, value in entry.items() if value is not None})
    # Nor under the accepted curve's name, because its points are not on that curve.
    assert set() == usable({**entry, "crv": "P-256", "alg": "ES256"})


@pytest.mark.parametrize("crv", ["X25519", "Ed448", "X448"])
def test_an_edwards_key_of_another_curve_is_left_out(crv: str) -> None:
    length = {"X25519": 32, "Ed448": 57, "X448": 56}[crv]

    assert set() == usable({"kty": "OKP", "crv": crv, "kid": "x", "x": b64(b"x" * length)})


@pytest.mark.parametrize("bits", [1024, 2040])
def test_an_rsa_key_that_is_too_short_is_left_out_without_a_warning(bits: int) -> None:
    assert set() == usable(rsa_signer("x", bits=bits).jwk)


def private_jwk(kind: str) -> dict[str, Any]:
    """An entry with its private half, as a signer would publish it by mistake."""
    if kind == "EC":
        private = ec_private("P-256", 0).private_numbers().private_value
        return {**SIGNERS["EC"].jwk, "d": b64(private.to_bytes(32, "big"))}
    numbers = rsa_private().private_numbers()
    primes = {"p": number(numbers.p), "q": number(numbers.q)}
    exponents = {"dp": number(numbers.dmp1), "dq": number(numbers.dmq1), "qi": number(numbers.iqmp)}
    return {**SIGNERS["RSA"].jwk, "d": number(numbers.d), **primes, **exponents}


@pytest.mark.parametrize("kind", ["EC", "RSA"])
def test_a_key_that_is_published_with_its_private_half_is_left_out(kind: str) -> None:
    assert set() == usable(private_jwk(kind))


def test_a_shared_secret_is_left_out() -> None:
    assert set() == usable({"kty": "oct", "kid": "x", "k": b64(b"s" * 32), "alg": "HS256"})


@pytest.mark.parametrize(
    "entry", [None, 5, "x", [], [SIGNERS["EC"].jwk], {}, True], ids=lambda entry: repr(entry)[:8]
)
def test_an_entry_that_is_no_key_is_left_out(entry: object) -> None:
    assert set() == usable(entry)


def test_of_two_keys_with_one_id_the_first_usable_one_counts() -> None:
    first, second = ec_signer("x"), ec_signer("x", index=1)
    unusable = {**second.jwk, "use": "enc"}

    found = read_key_set(key_set(unusable, first, second))["x"]
    assert read_key_set(key_set(first))["x"].key.thumbprint() == found.key.thumbprint()
    assert read_key_set(key_set(second))["x"].key.thumbprint() != found.key.thumbprint()


@table(
    ("content", "reason"),
    [
        (b"", "the key set is not JSON"),
        (b"<!doctype html><title>Sign in</title>", "the key set is not JSON"),
        (b"\xff\xfe", "the key set is not JSON"),
        (b"{" * 5000, "the key set is not JSON"),
        (b'{"keys":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "the key set is not JSON"),
        (b'{"keys":[{"kid":NaN}]}', "the key set is not JSON"),
        (b'{"keys":[],"x":"\xed\xa0\x80"}', "the key set is not JSON"),
        ('{"keys":[]}'.encode("utf-16"), "the key set is not JSON"),
        (b"null", "the key set has no keys"),
        (b"[]", "the key set has no keys"),
        (b'{"keys":{}}', "the key set has no keys"),
        (b'{"keys":null}', "the key set has no keys"),
        (b'{"key":[]}', "the key set has no keys"),
        (json.dumps(GOOD.jwk).encode(), "the key set has no keys"),
        (b'{"keys":[]}', "the key set holds no usable key"),
        (b'{"keys":[{},{},{}]}', "the key set holds no usable key"),
        (key_set(rsa_signer(bits=1024)), "the key set holds no usable key"),
        (key_set(private_jwk("EC")), "the key set holds no usable key"),
        (b" " * (MAX_BYTES + 1), "the key set is too large"),
    ],
)
def test_what_is_no_usable_set_is_refused_in_our_own_words(content: bytes, reason: str) -> None:
    assert reason == problem(content)


@table("value", ['"\\ud800"', '{"\\udc00":[]}', "1e999", "-1e400", "1" * 5000])
def test_no_value_that_some_parsers_refuse_spoils_a_set(value: str) -> None:
    good, other = json.dumps(GOOD.jwk), json.dumps(SIGNERS["EC"].jwk)
    assert read_key_set(f'{{"x":{value},"keys":[{good}]}}'.encode()).keys() == {"good"}
    for name in ("unknown", "x5c"):
        content = f'{{"keys":[{other[:-1]},"{name}":{value}}},{good}]}}'.encode()
        assert read_key_set(content).keys() == {"x", "good"}
    for name in ("kty", "use", "alg", "key_ops", "crv", "x", "y", "d"):
        content = f'{{"keys":[{other[:-1]},"{name}":{value}}},{good}]}}'.encode()
        assert read_key_set(content).keys() == {"good"}


def test_a_set_of_exactly_the_largest_size_is_read() -> None:
    assert read_key_set(key_set(GOOD).ljust(MAX_BYTES)).keys() == {"good"}
    assert problem(key_set(GOOD).ljust(MAX_BYTES + 1)) == "the key set is too large"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@deterministic
@given(
    st.sampled_from(sorted(SIGNERS)),
    st.dictionaries(
        st.sampled_from(["kty", "kid", "use", "alg", "key_ops", "crv", "x", "y", "n", "e", "d", "p", "k"]), JSON
    ),
)
def test_no_entry_disturbs_its_neighbours(kind: str, changes: dict[str, Any]) -> None:
    content = json.dumps({"keys": [SIGNERS[kind].jwk | changes, GOOD.jwk]}).encode()

    assert "good" in read_key_set(content)


@deterministic
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_content_is_either_a_set_or_refused(content: bytes) -> None:
    assert problem(content).startswith("the key set ")
