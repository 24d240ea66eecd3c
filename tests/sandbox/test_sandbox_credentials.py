"""The sandbox's credentials: of the documented sizes, readable only by the owner, and read back unchanged."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from graph.config.environment import load_settings
from graph.config.settings import Settings
from graph.sandbox.credentials import SandboxCredentials
from tests.independent.jwe import load_private, load_public, seal, unseal
from tests.sandbox.calls import credentials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {
    "KONAPLATE_ASP_ID",
    "KONAPLATE_ACCESS_KEY",
    "KONAPLATE_SECRET_KEY",
    "KONAPLATE_CRYPTO_KEY_ID",
    "KONAPLATE_SERVER_PUBLIC_KEY",
    "KONAPLATE_CLIENT_PRIVATE_KEY",
    "SANDBOX_SERVER_PRIVATE_KEY",
    "SANDBOX_CLIENT_PUBLIC_KEY",
}


@pytest.fixture(scope="module")
def generated() -> SandboxCredentials:
    return SandboxCredentials.generate()


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def test_generated_credentials_have_the_documented_sizes(generated: SandboxCredentials) -> None:
    assert len(generated.asp_id) == 15
    assert len(generated.access_key.reveal()) == 40
    assert len(generated.crypto_key_id) == 32
    assert len(generated.secret_key.reveal()) >= 32
    for private in (generated.server_private_key, generated.client_private_key):
        assert load_private(private.reveal()).key_size == 2048


def test_generated_keys_are_two_pairs(generated: SandboxCredentials) -> None:
    server, client = (
        load_private(generated.server_private_key.reveal()),
        load_private(generated.client_private_key.reveal()),
    )
    pairs = [(server, generated.server_public_key), (client, generated.client_public_key)]

    for private, public in pairs:
        assert private.public_key().public_numbers() == load_public(public.reveal()).public_numbers()
    assert server.public_key().public_numbers() != client.public_key().public_numbers()
    sealed = seal(b"clear", generated.server_public_key.reveal(), "A128GCM")
    assert unseal(sealed, generated.server_private_key.reveal(), "A128GCM") == b"clear"


def test_no_two_credentials_are_alike(generated: SandboxCredentials) -> None:
    other = SandboxCredentials.generate()

    assert generated.access_key != other.access_key
    assert generated.secret_key != other.secret_key
    assert generated.crypto_key_id != other.crypto_key_id
    assert generated.server_private_key != other.server_private_key
    assert generated.client_private_key != other.client_private_key


@pytest.mark.usefixtures("_umask")
def test_what_is_written_is_for_the_owner_alone_and_reads_back_the_same(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "credentials"

    credentials().write(directory)

    assert credentials() == SandboxCredentials.read(directory)
    assert {path.name for path in directory.iterdir()} == FILES
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


@pytest.mark.parametrize("missing", sorted(FILES))
def test_a_file_that_is_missing_is_an_error_that_names_it(missing: str, tmp_path: Path) -> None:
    credentials().write(tmp_path)
    (tmp_path / missing).unlink()

    with pytest.raises(OSError) as caught:
        SandboxCredentials.read(tmp_path)

    assert (str(tmp_path / missing), "No such file or directory") == (caught.value.filename, caught.value.strerror)


def test_the_gateway_gets_all_but_the_servers_private_key() -> None:
    settings = credentials().gateway_settings()

    assert settings.keys() == FILES - {"SANDBOX_SERVER_PRIVATE_KEY", "SANDBOX_CLIENT_PUBLIC_KEY"}
    assert credentials().server_private_key.reveal() not in settings.values()
    assert {name.lower() for name in settings} <= Settings.model_fields.keys()


def test_the_gateway_can_read_the_files(tmp_path: Path) -> None:
    credentials().write(tmp_path)
    files = {f"{name}_FILE": str(tmp_path / name) for name in credentials().gateway_settings()}

    settings = load_settings({"KONAPLATE_BASE_URL": "http://sandbox/open-api", **files})

    assert credentials().access_key == settings.konaplate_access_key
    assert credentials().secret_key == settings.konaplate_secret_key
    assert settings.konaplate_client_private_key is not None
    assert credentials().client_private_key.reveal().strip() == settings.konaplate_client_private_key.reveal()


def test_credentials_do_not_print_themselves() -> None:
    shown = repr(credentials())

    assert "PRIVATE" not in shown
    assert credentials().access_key.reveal() not in shown
    assert credentials().secret_key.reveal() not in shown
