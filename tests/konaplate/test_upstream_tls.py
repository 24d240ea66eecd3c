"""TLS to the upstream as configured: trusted CAs, our certificate, and no proxy."""

from __future__ import annotations

import datetime as dt
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from graph.config.settings import SettingsError
from graph.konaplate.endpoints.card_info import CARD_INFO
from graph.wiring.tls import build_tls
from tests.konaplate.faulty_upstream import FaultyUpstream
from tests.konaplate.support import CARD
from tests.konaplate.tls_support import WELL, assert_refused, built, server_tls, settings

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


async def test_an_upstream_of_the_configured_authority_is_trusted(authority: trustme.CA, bundle: Path) -> None:
    async with (
        FaultyUpstream(WELL, tls=server_tls(authority.issue_cert("127.0.0.1"))) as upstream,
        built(upstream.base_url, KONAPLATE_CA_BUNDLE=bundle) as client,
    ):
        assert (await client.fetch(CARD_INFO, CARD)).balance == 9_999_999_999


async def test_an_upstream_of_another_authority_is_not_trusted(bundle: Path) -> None:
    stranger = trustme.CA().issue_cert("127.0.0.1")
    await assert_refused(FaultyUpstream(WELL, tls=server_tls(stranger)), KONAPLATE_CA_BUNDLE=bundle)


async def test_a_private_authority_is_not_trusted_without_its_bundle(authority: trustme.CA) -> None:
    await assert_refused(FaultyUpstream(WELL, tls=server_tls(authority.issue_cert("127.0.0.1"))))


def test_the_authorities_of_the_system_are_trusted_unless_there_is_a_bundle(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[ssl.SSLContext] = []
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda context, _purpose: read.append(context))
    context = build_tls(settings())
    build_tls(settings(KONAPLATE_CA_BUNDLE=bundle))
    assert read == [context]


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


def test_the_oldest_tls_that_is_spoken_is_1_2() -> None:
    context = build_tls(settings())
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "that cannot be read: {path}: No such file or directory"),
        ("", "without a CA certificate in PEM form"),
        ("no certificate", "without a CA certificate in PEM form"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n", "without a CA certificate in PEM form"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "with a certificate that is damaged"),
    ],
)
def test_a_bundle_that_cannot_be_used_is_a_problem_of_the_settings(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    path = tmp_path / "bundle-canary.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError) as caught:
        build_tls(settings(KONAPLATE_CA_BUNDLE=path))
    assert caught.value.problems == [f"KONAPLATE_CA_BUNDLE names a file {reason.format(path=path)}"]


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
            await client.fetch(CARD_INFO, CARD)
    assert proxy.connections == []
    assert len(upstream.connections) == 1
