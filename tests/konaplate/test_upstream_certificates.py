"""The certificate that the gateway shows to an upstream that demands one."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography.hazmat.primitives import serialization as form

from graph.konaplate.errors import UnavailableError
from graph.settings import SettingsError
from graph.upstream import build_tls
from tests.konaplate.faulty_upstream import FaultyUpstream
from tests.konaplate.support import CARD
from tests.konaplate.tls_support import WELL, Mutual, assert_refused, built, by_hand, server_tls, settings

if TYPE_CHECKING:
    from pathlib import Path


async def test_the_configured_certificate_is_shown_to_an_upstream_that_demands_one(
    authority: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    mutual = Mutual(authority, tmp_path)
    async with (
        FaultyUpstream(WELL, tls=mutual.tls) as upstream,
        built(upstream.base_url, KONAPLATE_CA_BUNDLE=bundle, **mutual.variables) as client,
    ):
        assert (await client.fetch_card(CARD)).balance == 9_999_999_999


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_without_a_certificate_such_an_upstream_is_unavailable(
    version: ssl.TLSVersion, authority: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    mutual = Mutual(authority, tmp_path)
    # In TLS 1.3 the client's side of the handshake is over before the server refuses.
    mutual.tls.minimum_version = mutual.tls.maximum_version = version
    await assert_refused(FaultyUpstream(WELL, tls=mutual.tls), KONAPLATE_CA_BUNDLE=bundle)


async def test_a_certificate_that_the_upstream_does_not_know_is_of_no_use(
    authority: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    mutual = Mutual(authority, tmp_path)
    stranger = trustme.CA().issue_cert("gateway.test")
    stranger.cert_chain_pems[0].write_to_path(mutual.certificate)
    stranger.private_key_pem.write_to_path(mutual.key)
    await assert_refused(FaultyUpstream(WELL, tls=mutual.tls), KONAPLATE_CA_BUNDLE=bundle, **mutual.variables)


async def test_a_refusal_after_the_clients_side_of_the_handshake_is_unavailable(
    authority: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    mutual = Mutual(authority, tmp_path)
    mutual.tls.minimum_version = ssl.TLSVersion.TLSv1_3
    async with FaultyUpstream(by_hand(mutual.tls)) as upstream:
        base_url = upstream.base_url.replace("http:", "https:")
        async with built(base_url, KONAPLATE_CA_BUNDLE=bundle) as client:
            with pytest.raises(UnavailableError):
                await client.fetch_card(CARD)
            await upstream.until_closed()


async def test_a_stream_that_does_not_decrypt_is_unavailable(authority: trustme.CA, bundle: Path) -> None:
    record = b"\x17\x03\x03\x00\x20" + b"x" * 32
    script = by_hand(server_tls(authority.issue_cert("127.0.0.1")), record)
    async with FaultyUpstream(script) as upstream:
        base_url = upstream.base_url.replace("http:", "https:")
        async with built(base_url, KONAPLATE_CA_BUNDLE=bundle) as client:
            with pytest.raises(UnavailableError):
                await client.fetch_card(CARD)
            await upstream.until_closed()


@pytest.mark.parametrize("damage", ["no certificate", "no key", "another key", "locked key", "garbage"])
def test_a_client_certificate_that_cannot_be_used_is_a_problem_of_the_settings(
    damage: str, authority: trustme.CA, tmp_path: Path
) -> None:
    mutual = Mutual(authority, tmp_path)
    if damage == "no certificate":
        mutual.certificate.unlink()
    elif damage == "no key":
        mutual.key.unlink()
    elif damage == "another key":
        trustme.CA().issue_cert("other.test").private_key_pem.write_to_path(mutual.key)
    elif damage == "locked key":
        mutual.key.write_bytes(locked(mutual.key.read_bytes()))
    else:
        mutual.key.write_text("garbage")
    with pytest.raises(SettingsError) as caught:
        build_tls(settings(**mutual.variables))
    expected = "KONAPLATE_CLIENT_CERTIFICATE and KONAPLATE_CLIENT_CERTIFICATE_KEY name no usable pair"
    assert [expected] == caught.value.problems


def locked(pem: bytes) -> bytes:
    key = form.load_pem_private_key(pem, None)
    return key.private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"password")
    )
