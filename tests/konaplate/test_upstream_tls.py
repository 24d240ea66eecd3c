"""TLS to the upstream as the settings describe it: whom we trust, what we show, and no proxy in between."""

from __future__ import annotations

import datetime as dt
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography.hazmat.primitives import serialization as form

from graph.konaplate.errors import UnavailableError
from graph.settings import SettingsError, load_settings
from graph.upstream import build_client, build_tls
from tests.konaplate.faulty_upstream import FaultyUpstream, answer, http
from tests.konaplate.support import ACCESS_KEY, ASP_ID, CARD, SECRET_KEY, card_fields, leaks, succeeded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from graph.konaplate.client import KonaplateClient
    from graph.settings import Settings

WELL = answer(http(succeeded(card_fields())))
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def settings(*, base_url: str = "https://upstream.test/open-api", **variables: object) -> Settings:
    return load_settings(
        {
            "KONAPLATE_BASE_URL": base_url,
            "KONAPLATE_ASP_ID": ASP_ID,
            "KONAPLATE_ACCESS_KEY": ACCESS_KEY,
            "KONAPLATE_SECRET_KEY": SECRET_KEY,
            "KONAPLATE_ENCRYPTION": "off",
            "KONAPLATE_TIMEOUT": "30",
            "KONAPLATE_CONNECT_TIMEOUT": "30",
            **{name: str(value) for name, value in variables.items()},
        }
    )


@asynccontextmanager
async def built(base_url: str, **variables: object) -> AsyncIterator[KonaplateClient]:
    """A client as the gateway makes it, on the network."""
    client = build_client(settings(base_url=base_url, **variables), None, lambda _report: None)
    try:
        yield client
    finally:
        await client.aclose()


def server_tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def assert_refused(upstream: FaultyUpstream, **variables: object) -> None:
    async with upstream, built(upstream.base_url, **variables) as client:
        with pytest.raises(UnavailableError) as caught:
            await client.fetch_card(CARD)
    assert leaks(caught.value) == []
    # The handshake failed: no request was ever sent.
    assert [connection.requests for connection in upstream.connections if connection.requests] == []


async def test_an_upstream_of_the_configured_authority_is_trusted(authority: trustme.CA, bundle: Path) -> None:
    async with (
        FaultyUpstream(WELL, tls=server_tls(authority.issue_cert("127.0.0.1"))) as upstream,
        built(upstream.base_url, KONAPLATE_CA_BUNDLE=bundle) as client,
    ):
        assert (await client.fetch_card(CARD)).balance == 9_999_999_999


async def test_an_upstream_of_another_authority_is_not_trusted(bundle: Path) -> None:
    stranger = trustme.CA().issue_cert("127.0.0.1")
    await assert_refused(FaultyUpstream(WELL, tls=server_tls(stranger)), KONAPLATE_CA_BUNDLE=bundle)


async def test_a_private_authority_is_not_trusted_without_its_bundle(authority: trustme.CA) -> None:
    await assert_refused(FaultyUpstream(WELL, tls=server_tls(authority.issue_cert("127.0.0.1"))))


async def test_an_expired_certificate_is_not_trusted(authority: trustme.CA, bundle: Path) -> None:
    expired = authority.issue_cert("127.0.0.1", not_before=LONG_AGO, not_after=LONG_AGO + dt.timedelta(days=1))
    await assert_refused(FaultyUpstream(WELL, tls=server_tls(expired)), KONAPLATE_CA_BUNDLE=bundle)


@pytest.mark.parametrize("name", ["upstream.test", "127.0.0.2", "localhost"])
async def test_a_certificate_for_another_host_is_not_trusted(
    name: str, authority: trustme.CA, bundle: Path
) -> None:
    await assert_refused(
        FaultyUpstream(WELL, tls=server_tls(authority.issue_cert(name))), KONAPLATE_CA_BUNDLE=bundle
    )


class Mutual:
    """An upstream that demands a certificate of its own authority's."""

    def __init__(self, authority: trustme.CA, directory: Path) -> None:
        clients = trustme.CA()
        self.tls = server_tls(authority.issue_cert("127.0.0.1"))
        self.tls.verify_mode = ssl.CERT_REQUIRED
        clients.configure_trust(self.tls)
        self.certificate, self.key = directory / "client.pem", directory / "client.key"
        known = clients.issue_cert("gateway.test")
        known.cert_chain_pems[0].write_to_path(self.certificate)
        known.private_key_pem.write_to_path(self.key)

    @property
    def variables(self) -> dict[str, str]:
        return {
            "KONAPLATE_CLIENT_CERTIFICATE": str(self.certificate),
            "KONAPLATE_CLIENT_CERTIFICATE_KEY": str(self.key),
        }


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


def test_the_oldest_tls_that_is_spoken_is_1_2() -> None:
    context = build_tls(settings())
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_bundle_that_cannot_be_used_is_a_problem_of_the_settings(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "bundle-canary.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError) as caught:
        build_tls(settings(KONAPLATE_CA_BUNDLE=path))
    assert caught.value.problems == ["KONAPLATE_CA_BUNDLE names no file with CA certificates"]


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


PROXIES = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_a_proxy_of_the_environment_is_not_used(
    secure: bool, authority: trustme.CA, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    tls = server_tls(authority.issue_cert("127.0.0.1")) if secure else None
    async with FaultyUpstream(WELL) as proxy, FaultyUpstream(WELL, tls=tls) as upstream:
        for name in PROXIES:
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with built(upstream.base_url, KONAPLATE_CA_BUNDLE=bundle) as client:
            await client.fetch_card(CARD)
    assert proxy.connections == []
    assert len(upstream.connections) == 1
