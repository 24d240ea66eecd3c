"""The fake upstream accepts a correct call and reports every single deviation exactly once."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .http1 import Request
from .jwe import JweError, assemble, header_bytes, unseal
from .konaplate import CARD_PATH, MEMBER_PATH, IndependentKonaplate
from .raw_client import CARD, MEMBER, SENT, Draft, connect, envelope, keys, sealed
from .rules import HeaderInspection

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = Path(__file__).resolve().parent.parent / "vectors"


def upstream(**options: Any) -> IndependentKonaplate:
    """A fake that knows one card and one member."""
    fake = IndependentKonaplate(**options, credentials=keys())
    fake.cards[CARD] = {"balance": 9999999999, "serviceName": "지역 카드"}
    fake.members[MEMBER] = {"userId": MEMBER, "userName": "홍길동"}
    return fake


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
@pytest.mark.parametrize("zone", ["KST", "UTC"])
async def test_correct_calls_share_a_connection(enc: str, zone: str) -> None:
    async with upstream(content_encryption=enc) as fake, connect(fake.base_url) as client:
        draft = Draft(envelope(sealed()), zone=zone)
        status, headers, answer = await client.send(draft.raw())
        member = Draft(envelope(sealed(json.dumps({"userId": MEMBER}).encode())), MEMBER_PATH, zone=zone)
        assert (await client.send(member.raw()))[0] == 200
    clear = json.loads(unseal(answer["encData"], keys().client_private_key_pem, enc))
    assert (status, fake.violations) == (200, [])
    assert clear["response"] == {"code": "000_000", "description": "Success"}
    assert clear["serviceName"] == "지역 카드"
    assert headers["x-km-correlation-id"] == fake.correlation_ids[0]
    assert headers["x-km-crypto-key-id"] == keys().crypto_key_id
    assert [call.payload for call in fake.calls] == [{"cardNo": CARD}, {"userId": MEMBER}]


async def test_plain_mode_and_unknown_keys() -> None:
    bodies = {json.dumps({"cardNo": CARD}): CARD_PATH, '{"userId":5}': MEMBER_PATH}
    bodies['{"cardNo":"9491339400000000"}'] = CARD_PATH
    drafts = [Draft(body.encode(), path).without("X-KM-Crypto-Key-Id") for body, path in bodies.items()]
    async with upstream(encrypted=False) as fake, connect(fake.base_url) as client:
        answers = [await client.send(draft.raw()) for draft in drafts]
        assert fake.violations == []
        await client.send(Draft(json.dumps({"cardNo": CARD}).encode()).raw())
        assert fake.violations == ["X-KM-Crypto-Key-Id: present on a plain request"]
    assert [status for status, _, _ in answers] == [200, 400, 400]
    codes = [answer["response"]["code"] for _, _, answer in answers]
    assert codes == ["000_000", "001_006", "003_001"]
    assert all("x-km-crypto-key-id" not in headers for _, headers, _ in answers)


async def test_exit_closes_connections_and_tasks() -> None:
    fake = upstream(answer_key_id=False)
    await fake.__aenter__()
    async with connect(fake.base_url) as used, connect(fake.base_url) as idle, connect(fake.base_url) as half:
        half.writer.write(b"POST /open-api HTTP/1.1\r\nHost:")
        _, headers, _ = await used.send(Draft(envelope(sealed())).raw())
        assert "x-km-crypto-key-id" not in headers
        await fake.__aexit__(None, None, None)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        for client in (used, idle, half):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await client.reader.readexactly(1)


async def test_reused_correlation_id() -> None:
    raw = Draft(envelope(sealed())).raw()
    async with upstream() as fake:
        async with connect(fake.base_url) as client:
            assert (await client.send(raw))[0] == 200
        async with connect(fake.base_url) as client:
            assert (await client.send(raw))[0] == 400
    assert fake.violations == ["X-KM-Correlation-Id: used by an earlier call"]


def good() -> Draft:
    """A correct draft to spoil."""
    return Draft(envelope(sealed()))


def crafted(header: bytes = header_bytes("A128GCM"), cek: int = 16, iv: int = 12) -> Draft:
    """A correctly sealed JWE with other ingredients."""
    clear = json.dumps({"cardNo": CARD}).encode()
    key = keys().server_public_key_pem
    return Draft(envelope(assemble(header, clear, key, os.urandom(cek), os.urandom(iv))))


def changed(part: int, change: Callable[[str], str]) -> Draft:
    """A sealed call with one part of its JWE changed."""
    parts = sealed().split(".")
    parts[part] = change(parts[part])
    return Draft(envelope(".".join(parts)))


def payload(text: str, path: str = CARD_PATH) -> Draft:
    """A sealed call with this clear request."""
    return Draft(envelope(sealed(text.encode())), path)


def swap(text: str) -> str:
    """Another character in first position."""
    return ("B" if text[0] == "A" else "A") + text[1:]


def later(digits: str) -> str:
    """The same digits one second (or one unit) later."""
    return str(int(digits) + 1).zfill(len(digits))


SINGLE: list[tuple[str, Callable[[], Draft]]] = [
    *((f"{name}: missing", lambda name=name: good().without(name)) for name in SENT),
    *((f"{name}: occurs 2 times", lambda name=name: good().twice(name)) for name in SENT),
    *(
        (f"{name}: length", lambda name=name: good().edit(name, lambda value: value[:-1]))
        for name in SENT[2:7]
    ),
    *(
        (f"{name}: not the expected", lambda name=name: good().edit(name, swap))
        for name in (SENT[2], *SENT[4:6])
    ),
    ("Content-Type: not", lambda: good().edit("Content-Type", lambda _: "text/json")),
    ("Content-Type: not", lambda: good().edit("Content-Type", lambda v: v + "; charset=utf-8")),
    ("Accept: not", lambda: good().edit("Accept", lambda _: "*/*")),
    ("Correlation-Id: length", lambda: good().edit("X-KM-Correlation-Id", lambda v: v + "0")),
    ("Correlation-Id: not 12 digits", lambda: good().edit("X-KM-Correlation-Id", lambda v: v[:-1] + "F")),
    ("Correlation-Id: time", lambda: good().edit("X-KM-Correlation-Id", lambda v: later(v[:12]) + v[12:])),
    ("Tran-Time: not 14", lambda: good().edit("X-KM-Tran-Time", lambda v: v + "00")),
    ("time differs", lambda: good().edit("X-KM-Tran-Time", later)),
    ("Tran-Token: time", lambda: good().edit("X-KM-Tran-Token", lambda v: v[:5] + later(v[5:19]) + v[19:])),
    ("Tran-Token: not KMV1", lambda: good().edit("X-KM-Tran-Token", lambda v: "KMV2" + v[4:])),
    ("Tran-Token: not KMV1", lambda: good().edit("X-KM-Tran-Token", lambda v: v[:-1] + "A")),
    ("Tran-Token: not the HMAC", lambda: good().edit("X-KM-Tran-Token", lambda v: v[:23] + swap(v[23:]))),
    ("Tran-Token: not the HMAC", lambda: good().signed_over(b"{}")),
    ("Time-Zone: neither", lambda: good().edit("X-KM-Time-Zone", lambda _: "JST")),
    ("5 minutes", lambda: good().edit("X-KM-Time-Zone", lambda _: "UTC")),
    ("5 minutes", lambda: Draft(envelope(sealed()), shift=-310)),
    ("5 minutes", lambda: Draft(envelope(sealed()), shift=310)),
    ("method: not POST", lambda: good().call(method="PUT")),
    ("path: not", lambda: good().call(path="/api/v1/user/card/info")),
    ("path: not", lambda: good().call(path=CARD_PATH + "?a=1")),
    ("HTTP: malformed header", lambda: good().edit("Accept", lambda v: v + "\r\n folded")),
    ("HTTP: Transfer-Encoding", lambda: good().add("Transfer-Encoding", "chunked")),
    ("body: not strict JSON", lambda: Draft(b"")),
    ("body: not strict JSON", lambda: Draft(envelope(sealed()).replace(b"{", b'{"encData":"",'))),
    ("body: encData is not the one", lambda: Draft(b'{"cardNo":"9491339400005678"}')),
    ("body: encData is not the one", lambda: Draft(envelope(sealed()).replace(b"{", b'{"kid":1,'))),
    ("body: encData is not a string", lambda: Draft(b'{"encData":1}')),
    ("JWE protected header", lambda: crafted(b'{"alg":"RSA-OAEP-256","enc":"A128GCM"}')),
    ("JWE protected header", lambda: crafted(b'{"enc":"A128GCM", "alg":"RSA-OAEP-256"}')),
    ("JWE protected header", lambda: crafted(header_bytes("A256GCM"), cek=32)),
    ("JWE content key", lambda: crafted(cek=32)),
    ("JWE IV", lambda: crafted(iv=16)),
    ("JWE encrypted key", lambda: changed(1, swap)),
    ("JWE encrypted key", lambda: changed(1, lambda part: part[4:])),
    ("JWE tag: does not", lambda: changed(2, swap)),
    ("JWE tag: does not", lambda: changed(3, swap)),
    ("JWE tag: does not", lambda: changed(4, swap)),
    ("JWE tag: not 16", lambda: changed(4, lambda part: part[:16])),
    ("JWE tag: not base64url", lambda: changed(4, lambda part: part + "==")),
    ("JWE tag: not canonical", lambda: changed(4, lambda part: part[:-1] + "B")),
    ("JWE: not five parts", lambda: changed(4, lambda part: part + ".AAAA")),
    ("payload: not strict JSON", lambda: payload('{"cardNo":"9491339400005678"')),
    ("payload: not a JSON object", lambda: payload("[]")),
    ("payload: cardNo is not the one", lambda: payload('{"cardNo":"9491339400005678","a":1}')),
    ("payload: cardNo is not a string", lambda: payload('{"cardNo":9491339400005678}')),
    ("payload: cardNo is not a string", lambda: payload('{"cardNo":"949133940000567"}')),
    ("payload: userId is not a JSON", lambda: payload('{"userId":"1"}', MEMBER_PATH)),
    ("payload: userId is not a JSON", lambda: payload('{"userId":1.0}', MEMBER_PATH)),
    ("payload: userId is not a JSON", lambda: payload('{"userId":true}', MEMBER_PATH)),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "spoil"), SINGLE)
async def test_single_deviation(rule: str, spoil: Callable[[], Draft]) -> None:
    async with upstream() as fake, connect(fake.base_url) as client:
        status, _, answer = await client.send(spoil().raw())
    assert len(fake.violations) == 1, fake.violations
    assert rule.lower() in fake.violations[0].lower()
    assert CARD not in fake.violations[0]
    assert (status, answer["response"]["code"], fake.calls) == (400, "010_001", [])


def test_wire_vectors_made_elsewhere() -> None:
    data = json.loads((VECTORS / "wire.json").read_text("utf-8"))
    for case in data["cases"]:
        headers = (
            ("x-km-tran-token", case["tran_token"]),
            ("x-km-tran-time", case["tran_time"]),
            ("x-km-correlation-id", case["correlation_prefix"] + "-0123abc"),
            ("x-km-time-zone", case["zone"]),
        )
        request = Request("POST", CARD_PATH, headers, case["body"].encode())
        credentials = replace(keys(), secret_key=case["secret_key"])
        found = HeaderInspection(request, credentials, encrypted=True).found
        late = "X-KM-Tran-Time: more than 5 minutes from now in X-KM-Time-Zone"
        assert [rule for rule in found if "missing" not in rule] == [late]


def test_jwe_vectors_made_elsewhere() -> None:
    data = json.loads((VECTORS / "jwe.json").read_text("utf-8"))
    for case in data["valid"]:
        private = data["keys"][case["open_with"]]["private_pem"]
        assert unseal(case["compact"], private, case["enc"]).decode() == case["plaintext"]
    for case in data["hostile"]:
        with pytest.raises(JweError):
            unseal(case["compact"], data["keys"][case["open_with"]]["private_pem"], "A128GCM")
