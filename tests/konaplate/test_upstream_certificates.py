"""The certificate that the gateway presents to an upstream that requires one."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography.hazmat.primitives import serialization as form

from graph.config.settings import SettingsError
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.konaplate.errors import UnavailableError
from graph.wiring.tls import build_tls
from tests.konaplate.faulty_upstream import FaultyUpstream
from tests.konaplate.support import CARD
from tests.konaplate.tls_support import WELL, Mutual, assert_refused, built, by_hand, server_tls, settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


async def test_the_configured_certificate_is_shown_to_an_upstream_that_demands_one(
    authority: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    mutual = Mutual(authority, tmp_path)
    async with (
        FaultyUpstream(WELL, tls=mutual.tls) as upstream,
        built(upstream.base_url, KONAPLATE_CA_BUNDLE=bundle, **mutual.variables) as client,
    ):
        assert (await client.fetch(CARD_INFO, CARD)).balance == 9_999_999_999


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_without_a_certificate_such_an_upstream_is_unavailable(
    version: ssl.TLSVersion, authority: trustme.CA, bundle: Path, tmp_path: Path
) -> None:
    mutual = Mutual(authority, tmp_path)
    # In TLS 1.3 the client's side of the handshake ends before the server rejects it.
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
                await client.fetch(CARD_INFO, CARD)
            await upstream.until_closed()


async def test_a_stream_that_does_not_decrypt_is_unavailable(authority: trustme.CA, bundle: Path) -> None:
    record = b"\x17\x03\x03\x00\x20" + b"x" * 32
    script = by_hand(server_tls(authority.issue_cert("127.0.0.1")), record)
    async with FaultyUpstream(script) as upstream:
        base_url = upstream.base_url.replace("http:", "https:")
        async with built(base_url, KONAPLATE_CA_BUNDLE=bundle) as client:
            with pytest.raises(UnavailableError):
                await client.fetch(CARD_INFO, CARD)
            await upstream.until_closed()


CERTIFICATE, KEY = "KONAPLATE_CLIENT_CERTIFICATE", "KONAPLATE_CLIENT_CERTIFICATE_KEY"
UNREADABLE = "names a file that cannot be read"
OTHER = trustme.CA().issue_cert("other.test")
DAMAGES: dict[str, tuple[Callable[[Mutual], object], str]] = {
    "no certificate": (
        lambda mutual: mutual.certificate.unlink(),
        f"{CERTIFICATE} {UNREADABLE}: {{folder}}/client.pem: No such file or directory",
    ),
    "no key": (
        lambda mutual: mutual.key.unlink(),
        f"{KEY} {UNREADABLE}: {{folder}}/client.key: No such file or directory",
    ),
    "another key": (
        lambda mutual: OTHER.private_key_pem.write_to_path(mutual.key),
        f"{CERTIFICATE} and {KEY} do not belong together",
    ),
    "locked key": (
        lambda mutual: mutual.key.write_bytes(locked(mutual.key.read_bytes())),
        f"{KEY} is protected by a passphrase; use one without",
    ),
    "garbage for a key": (lambda mutual: mutual.key.write_text("garbage"), f"{KEY} is not PEM text"),
    "a certificate for a key": (
        lambda mutual: mutual.key.write_bytes(mutual.certificate.read_bytes()),
        f"{KEY} is a certificate where a private key is needed",
    ),
    "a key for a certificate": (
        lambda mutual: mutual.certificate.write_bytes(mutual.key.read_bytes()),
        f"{CERTIFICATE} is a private key where a certificate is needed",
    ),
    "a certificate that is cut off": (
        lambda mutual: mutual.certificate.write_bytes(mutual.certificate.read_bytes()[:300]),
        f"{CERTIFICATE} is damaged: its last line is missing",
    ),
    "too large a key": (
        lambda mutual: mutual.key.write_bytes(mutual.key.read_bytes() + b" " * 16_384),
        f"{KEY} {UNREADABLE}: {{folder}}/client.key: it is larger than 16384 bytes",
    ),
}


@pytest.mark.parametrize(("damage", "problem"), DAMAGES.values(), ids=DAMAGES)
def test_a_client_certificate_that_cannot_be_used_is_a_problem_of_the_settings(
    damage: Callable[[Mutual], object], problem: str, authority: trustme.CA, tmp_path: Path
) -> None:
    mutual = Mutual(authority, tmp_path)
    damage(mutual)
    with pytest.raises(SettingsError) as caught:
        build_tls(settings(**mutual.variables))
    assert [problem.format(folder=tmp_path)] == caught.value.problems


def test_every_file_that_cannot_be_used_is_named_at_once(authority: trustme.CA, tmp_path: Path) -> None:
    mutual = Mutual(authority, tmp_path)
    mutual.certificate.write_text("")
    mutual.key.unlink()
    with pytest.raises(SettingsError) as caught:
        build_tls(settings(**mutual.variables, KONAPLATE_CA_BUNDLE=tmp_path))
    assert [problem.split()[0] for problem in caught.value.problems] == ["KONAPLATE_CA_BUNDLE", KEY, CERTIFICATE]


def test_a_key_without_a_certificate_is_a_problem(authority: trustme.CA, tmp_path: Path) -> None:
    mutual = Mutual(authority, tmp_path)
    with pytest.raises(SettingsError, match=f"{CERTIFICATE} is missing; {KEY} needs it"):
        build_tls(settings(KONAPLATE_CLIENT_CERTIFICATE_KEY=mutual.key))


@pytest.mark.parametrize("together", [False, True], ids=["two files", "one file"])
async def test_a_byte_order_mark_and_foreign_line_breaks_spoil_no_certificate(
    authority: trustme.CA, bundle: Path, tmp_path: Path, *, together: bool
) -> None:
    mutual = Mutual(authority, tmp_path)
    variables: dict[str, object] = {**mutual.variables, "KONAPLATE_CA_BUNDLE": bundle}
    if together:
        mutual.certificate.write_bytes(mutual.certificate.read_bytes() + mutual.key.read_bytes())
        del variables[KEY]
    for file in (mutual.certificate, mutual.key, bundle):
        content = "# 인증서\n".encode() + file.read_bytes()
        file.write_bytes(
            b"\xef\xbb\xbf" + (file.read_bytes() if file == mutual.key else content).replace(b"\n", b"\r\n")
        )
    async with (
        FaultyUpstream(WELL, tls=mutual.tls) as upstream,
        built(upstream.base_url, **variables) as client,
    ):
        assert (await client.fetch(CARD_INFO, CARD)).balance == 9_999_999_999


def locked(pem: bytes) -> bytes:
    key = form.load_pem_private_key(pem, None)
    return key.private_bytes(
        form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"password")
    )
