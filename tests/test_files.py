"""Reading files: byte order marks, size limits, reasons of failures, and paths in messages."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.config.files import UnreadableFileError, is_plainly_a_path, read_bytes, read_text, unreadable
from graph.sandbox.credentials import SandboxCredentials
from graph.security.development import DevelopmentSigner
from graph.security.jwks import read_key_set
from graph.wiring.documents import read_trusted
from graph.wiring.security import read_key_files
from tests.security.jwt_maker import ec_signer, key_set
from tests.support import credentials, sandbox_settings
from tests.tables import table

MARK = b"\xef\xbb\xbf"


def marked(path: Path) -> None:
    """Put a byte order mark in front of a file."""
    path.write_bytes(MARK + path.read_bytes())


@pytest.mark.parametrize("content", [b"", b"text", "글 \U0001f642".encode(), b"a\r\nb", MARK])
def test_a_byte_order_mark_is_not_read_and_nothing_else_is_left_out(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(MARK + content)

    assert content == read_bytes(file)
    assert content == read_text(file).encode()


def test_a_manifest_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps({"a": "{ __typename }"}))
    marked(file)

    assert read_trusted(sandbox_settings(KONAGRAPH_DOCUMENTS=file)).text("a") == "{ __typename }"


def test_api_keys_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(f'[[keys]]\nname = "a"\nsha256 = "{hashlib.sha256(b"key").hexdigest()}"\n')
    marked(file)

    (key,) = read_key_files(sandbox_settings(KONAGRAPH_AUTH="api-key", KONAGRAPH_API_KEYS=file)) or ()
    assert key.viewer.id == "a"


def test_a_key_set_may_begin_with_a_byte_order_mark_in_a_file_and_from_an_address(tmp_path: Path) -> None:
    keys = key_set(ec_signer())
    file = tmp_path / "keys.json"
    file.write_bytes(MARK + keys)

    read_key_files(
        sandbox_settings(
            KONAGRAPH_AUTH="jwt",
            KONAGRAPH_JWT_JWKS=file,
            KONAGRAPH_JWT_ISSUER="issuer",
            KONAGRAPH_JWT_AUDIENCE="audience",
        )
    )
    assert read_key_set(keys).keys() == read_key_set(MARK + keys).keys()


def test_keys_of_the_development_signer_and_the_sandbox_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    signer = DevelopmentSigner.in_directory(tmp_path / "signer")
    marked(tmp_path / "signer" / "signing-key.json")
    credentials().write(tmp_path / "sandbox")
    for file in (tmp_path / "sandbox").iterdir():
        marked(file)

    assert signer.key.kid == DevelopmentSigner.in_directory(tmp_path / "signer").key.kid
    assert credentials() == SandboxCredentials.read(tmp_path / "sandbox")


def reason(path: Path, most: int = 10) -> str:
    with pytest.raises(UnreadableFileError) as caught:
        read_text(path, most)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_the_reason_is_told_when_a_file_cannot_be_read(tmp_path: Path) -> None:
    binary, large, loop = tmp_path / "binary", tmp_path / "large", tmp_path / "loop"
    binary.write_bytes(b"c4n4ry\xff")
    large.write_bytes(b"x" * 11)
    loop.symlink_to(loop)

    assert reason(tmp_path / "none") == "No such file or directory"
    assert reason(tmp_path) == "Is a directory"
    assert reason(binary / "below") == "Not a directory"
    assert reason(loop).startswith("Too many levels of symbolic links")
    assert reason(tmp_path / "a\0b") == "it is not a valid file name"
    assert reason(tmp_path / ("x" * 300)) == "File name too long"
    assert reason(binary) == "it is not UTF-8 text"
    assert reason(large) == "it is larger than 10 bytes"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.touch(mode=0)

    assert reason(file) == "Permission denied"


def test_no_more_is_read_of_what_never_ends() -> None:
    assert reason(Path("/dev/zero"), 1000) == "it is larger than 1000 bytes"


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/run/secrets/KONAPLATE_SECRET_KEY",
            "/no/such/file",
            "secrets/access_key",
            "keys.toml",
            "server.pem",
            "/",
        ),
        *("~/keys/client-1.key", "../keys/a.pem", "/var/c4n4ry", "/does/not/exist.json"),
    ],
)
def test_what_is_plainly_a_path_is_told(path: str) -> None:
    assert is_plainly_a_path(path)


@table(
    "secret",
    [
        *(
            "",
            "c4n4ry",
            "a-secret-key",
            "hunter2",
            "/S3cr3t",
            "./S3cr3t",
            "../S3cr3t",
            "/../S3cr3t",
            "/qWe8Rt+/x9==",
        ),
        *("MIIEvQIBADANBgkqhkiG9w0", "/run/\x1b[31m", "/var/a\nb", "\ud800", "x" * 5000, "a\0b"),
        *("9491-3394-0000-0013.key", "9491/3394/0000/0013", "/var/9491339400000013/x"),
    ],
)
def test_what_may_be_a_secret_is_not_told(secret: str) -> None:
    assert not is_plainly_a_path(secret)


@given(st.binary(min_size=24, max_size=64))
def test_no_key_in_any_of_its_forms_is_taken_for_a_path(key: bytes) -> None:
    # A single repeated letter is not a key.
    assert len(set(key)) < 12 or not any(
        is_plainly_a_path(form)
        for form in (base64.b64encode(key).decode(), base64.urlsafe_b64encode(key).decode(), key.hex())
    )


def test_the_path_is_left_out_where_it_may_be_a_secret() -> None:
    told = [unreadable(UnreadableFileError(Path(path), "why")) for path in ("/no/such/file", "/S3cr3t")]

    assert told == [
        "names a file that cannot be read: /no/such/file: why",
        "names a file that cannot be read: why",
    ]
