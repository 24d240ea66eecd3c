"""Commands that start no server: listing, exporting, checking."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from graph.cli import main
from graph.config.environment import PREFIXES
from graph.sandbox.failures import FAILURES
from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import CARDS, MEMBERS
from graph.sandbox.wallets import WALLETS
from graph.security.development import DevelopmentSigner, signer_settings
from schema.query import print_schema
from tests.sandbox.calls import credentials
from tests.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SANDBOX = {**credentials().gateway_settings(), "KONAPLATE_BASE_URL": "http://sandbox/open-api"}
REFUSED = "With these settings konagraph cannot start:"
GOOD = "The settings are complete, and every key and certificate can be used.\n"


def invoke(*arguments: str, **variables: str) -> Result:
    """Run a command in this process, without the settings of the environment."""
    ours = {name: None for name in os.environ if name.startswith(PREFIXES)}
    return CliRunner().invoke(main, arguments, env={**ours, **variables})


def problems(result: Result, heading: str = "konagraph cannot start:") -> list[str]:
    assert (result.exit_code, result.stdout) == (2, "")
    first, *others = (line for line in result.stderr.splitlines() if not line.startswith("warning: "))
    assert first == heading
    return [line.removeprefix("  - ") for line in others]


def test_the_sandbox_lists_every_card_and_every_reserved_number() -> None:
    result = invoke("sandbox", "--list")

    assert (result.exit_code, result.stderr) == (0, "")
    assert f"Reserved members: {min(FAILURES)} to {max(FAILURES)}." in result.stdout
    rows = [line for line in result.stdout.splitlines() if line.startswith("  ")]
    listed = [row.split()[0] for row in rows]
    members, count = [str(user_id) for user_id in MEMBERS], len(CARDS) + len(MEMBERS)
    assert listed[:count] == [*CARDS, *members]
    assert listed[-len(FAULTS) :] == [*FAULTS]
    for row, card in zip(
        rows[count : -len(FAULTS)], [card for card in WALLETS if card.count > count], strict=True
    ):
        assert row.split()[0] == (card.numbers[0] if card.numbers else "(no")
        assert row.endswith(f" {card.description}")
    for row, fault in zip(rows[-len(FAULTS) :], FAULTS.values(), strict=True):
        assert fault.description in row
        assert (fault.code or "(no error)") in row
        assert fault.retryable == (", retryable" in row)
        assert fault.field is None or row.endswith(f" (at {fault.field})")


def test_dev_is_for_members_that_there_are() -> None:
    for member in ("5", "kim", "2005 ", ""):
        result = invoke("dev", "--as", member)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "--as" in result.stderr
        assert all(str(user_id) in result.stderr for user_id in MEMBERS)


@pytest.mark.parametrize("auth", ["jwt", "api-key"])
def test_dev_takes_no_member_where_credentials_say_who_the_caller_is(auth: str, tmp_path: Path) -> None:
    DevelopmentSigner.in_directory(tmp_path)
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[[keys]]\nname = "a"\nsha256 = "{"0" * 64}"\nscopes = []\n')
    settings = {**signer_settings(tmp_path), "KONAGRAPH_API_KEYS": str(keys), "KONAGRAPH_AUTH": auth}
    result = invoke("dev", "--as", "2005", "--port", "0", **settings)
    assert problems(result) == [f"--as: with KONAGRAPH_AUTH={auth} the credentials say who the caller is"]


def test_the_sandbox_needs_a_place_for_its_credentials() -> None:
    (problem,) = problems(invoke("sandbox"))

    assert (
        problem
        == "--credentials is required: the folder of the sandbox's credentials, which the gateway needs, too"
    )


def test_a_folder_with_some_of_the_credentials_is_not_filled_up(tmp_path: Path) -> None:
    credentials().write(tmp_path)
    missing = tmp_path / "KONAPLATE_SECRET_KEY"
    missing.unlink()

    assert problems(invoke("sandbox", "--credentials", str(tmp_path))) == [
        f"--credentials: No such file or directory: {missing}"
    ]
    assert not missing.exists()


def test_a_folder_that_cannot_be_made_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    assert problems(invoke("sandbox", "--credentials", str(file / "below"))) == [
        f"--credentials: Not a directory: {file / 'below'}"
    ]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    result = invoke("sandbox", "--credentials", str(file))

    assert result.exit_code == 2
    assert "is a file" in result.stderr


@pytest.mark.parametrize("name", ["SANDBOX_SERVER_PRIVATE_KEY", "SANDBOX_CLIENT_PUBLIC_KEY"])
@pytest.mark.parametrize("content", [b"c4n4ry", b"", b"-----BEGIN c4n4ry"])
def test_credentials_with_a_broken_key_are_a_problem(name: str, content: bytes, tmp_path: Path) -> None:
    credentials().write(tmp_path)
    (tmp_path / name).write_bytes(content)

    (problem,) = problems(invoke("sandbox", "--credentials", str(tmp_path)))

    assert problem == "--credentials: a key in the folder is not PEM text"


def test_credentials_that_are_no_text_are_a_problem(tmp_path: Path) -> None:
    credentials().write(tmp_path)
    file = tmp_path / "KONAPLATE_ACCESS_KEY"
    file.write_bytes(b"\xff\xfe")

    assert problems(invoke("sandbox", "--credentials", str(tmp_path))) == [
        f"--credentials: it is not UTF-8 text: {file}"
    ]


def test_the_schema_is_printed_as_it_is_committed() -> None:
    result = invoke("export-schema")

    assert (result.exit_code, result.stderr) == (0, "")
    assert (ROOT / "schema" / "schema.graphql").read_text("utf-8") == result.stdout


def test_the_schema_is_written_to_a_file(tmp_path: Path) -> None:
    file = tmp_path / "schema.graphql"
    file.write_text("an older and much longer schema" * 1000)

    result = invoke("export-schema", "--output", str(file))

    assert (result.exit_code, result.output) == (0, "")
    assert print_schema() == file.read_text("utf-8")


def test_a_file_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "missing" / "schema.graphql"

    result = invoke("export-schema", "--output", str(file))

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == f"Error: Could not open file '{file}': there is no such folder\n"


def test_good_settings_are_called_complete() -> None:
    result = invoke("check-config", **SANDBOX)

    assert (result.exit_code, result.stdout, result.stderr) == (0, GOOD, "")


def test_good_settings_without_encryption_are_called_complete() -> None:
    plain = {name: value for name, value in SANDBOX.items() if "KEY_ID" not in name and "PEM" not in value}
    plain = {name: value for name, value in plain.items() if not value.startswith("-----")}

    result = invoke("check-config", **plain, KONAPLATE_ENCRYPTION="off")

    assert (result.exit_code, result.stdout) == (0, GOOD)


def test_a_variable_that_nothing_reads_is_a_warning() -> None:
    result = invoke("check-config", **SANDBOX, KONAPLATE_TIMOUT="c4n4ry")

    assert (result.exit_code, result.stdout) == (0, GOOD.replace(".\n", "; see the warnings.\n"))
    assert result.stderr == "warning: KONAPLATE_TIMOUT is not a setting; did you mean KONAPLATE_TIMEOUT?\n"


def test_missing_settings_are_named() -> None:
    found = problems(invoke("check-config", KONAGRAPH_PORT="c4n4ry"), REFUSED)

    assert len(found) == 9
    assert "KONAPLATE_BASE_URL is missing" in found
    assert any(problem.startswith("KONAGRAPH_PORT: ") for problem in found)


def test_without_any_setting_the_first_steps_are_named_and_the_address_comes_first() -> None:
    first, *_, last = problems(invoke("check-config"), REFUSED)
    assert first == "KONAPLATE_BASE_URL is missing"
    assert "konagraph init DIR" in last
    assert "konagraph dev" in last


def test_dev_says_that_it_is_not_for_production() -> None:
    (problem,) = problems(invoke("dev", "--port", "0", KONAGRAPH_ENV="production"))
    assert problem.startswith("konagraph dev is not for KONAGRAPH_ENV=production")


def test_why_an_audit_log_cannot_be_written_is_told(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "no" / "log", "there is no such folder")):
        (problem,) = problems(invoke("check-config", **SANDBOX, KONAGRAPH_AUDIT_LOG=str(path)), REFUSED)
        assert problem == f"KONAGRAPH_AUDIT_LOG names a file that cannot be written: {path}: {reason}"


def test_keys_and_certificates_that_cannot_be_used_are_named_together(tmp_path: Path) -> None:
    missing = str(tmp_path / "c4n4ry.pem")
    result = invoke(
        "check-config",
        **{
            **SANDBOX,
            "KONAPLATE_SERVER_PUBLIC_KEY": SANDBOX["KONAPLATE_CLIENT_PRIVATE_KEY"],
            "KONAPLATE_CLIENT_PRIVATE_KEY": "-----BEGIN c4n4ry",
            "KONAPLATE_JWE_ALGORITHMS": "c4n4ry",
            "KONAPLATE_CA_BUNDLE": missing,
        },
    )

    assert problems(result, REFUSED) == [
        "KONAPLATE_JWE_ALGORITHMS: must be one or more of RSA-OAEP-256, RSA-OAEP, A128GCM, A256GCM",
        "KONAPLATE_SERVER_PUBLIC_KEY is a private key where a public key is needed",
        "KONAPLATE_CLIENT_PRIVATE_KEY is not PEM text",
        f"KONAPLATE_CA_BUNDLE names a file that cannot be read: {missing}: No such file or directory",
    ]


@functools.cache
def other_keys() -> dict[str, str]:
    """Private keys that are too short, or of another type."""
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the fault
    return {"short": pem(short), "curve": pem(ec.generate_private_key(ec.SECP256R1()))}


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


@pytest.mark.parametrize(("kind", "reason"), [("short", "has 1024 bits"), ("curve", "is an elliptic-curve key")])
def test_a_key_that_is_too_weak_or_of_another_kind_is_named(kind: str, reason: str) -> None:
    (problem,) = problems(
        invoke("check-config", **{**SANDBOX, "KONAPLATE_CLIENT_PRIVATE_KEY": other_keys()[kind]}), REFUSED
    )

    assert problem.startswith(f"KONAPLATE_CLIENT_PRIVATE_KEY {reason}")


def test_a_second_key_pair_is_checked_like_the_first() -> None:
    second = {
        f"{name}_2": SANDBOX[name] for name in SANDBOX if "CRYPTO" in name or "PUBLIC" in name or "PRIVATE" in name
    }

    assert invoke("check-config", **SANDBOX, **second).exit_code == 0
    second["KONAPLATE_SERVER_PUBLIC_KEY_2"] = "-----BEGIN c4n4ry"
    (problem,) = problems(invoke("check-config", **SANDBOX, **second), REFUSED)
    assert problem.startswith("KONAPLATE_SERVER_PUBLIC_KEY_2 is not PEM text")


@pytest.mark.parametrize("variable", ["KONAGRAPH_PORT", "KONAPLATE_BASE_URL", "KONAPLATE_ENCRYPTION"])
def test_a_setting_that_is_wrong_hides_no_problem_of_keys_and_files(variable: str, tmp_path: Path) -> None:
    keys = tmp_path / "keys.toml"
    keys.write_text("c4n4ry")
    result = invoke(
        "check-config",
        **{
            **SANDBOX,
            "KONAPLATE_SERVER_PUBLIC_KEY": "/nowhere/public.pem",
            "KONAPLATE_CLIENT_PRIVATE_KEY": "-----BEGIN c4n4ry",
            "KONAPLATE_CLIENT_CERTIFICATE": str(tmp_path),
            "KONAGRAPH_DOCUMENTS": str(tmp_path / "none.json"),
            "KONAGRAPH_AUTH": "api-key",
            "KONAGRAPH_API_KEYS": str(keys),
            "KONAGRAPH_AUDIT_LOG": "/nowhere/audit.log",
            "KONAGRAPH_REDIS_URL": "redis://h:c4n4ry",
            "KONAGRAPH_CARD_REF_KEY": "short",
            variable: "c4n4ry",
        },
    )

    told, missing = "names a file that cannot be read", "No such file or directory"
    found = problems(result, REFUSED)
    assert [problem.partition(":")[0] for problem in found if problem.startswith(f"{variable}:")] == [variable]
    assert [problem for problem in found if not problem.startswith(f"{variable}:")] == [
        f"KONAPLATE_SERVER_PUBLIC_KEY: {told}: /nowhere/public.pem: {missing}",
        "KONAGRAPH_CARD_REF_KEY: must have at least 32 characters",
        "KONAPLATE_CLIENT_PRIVATE_KEY is not PEM text",
        f"KONAPLATE_CLIENT_CERTIFICATE {told}: {tmp_path}: Is a directory",
        f"KONAGRAPH_DOCUMENTS: {told}: {tmp_path / 'none.json'}: {missing}",
        "KONAGRAPH_API_KEYS: it is not TOML",
        "KONAGRAPH_REDIS_URL cannot be used",
        "KONAGRAPH_AUDIT_LOG names a file that cannot be written: /nowhere/audit.log: there is no such folder",
    ]
    assert "c4n4ry" not in result.stderr


def test_what_is_hardly_meant_is_told_beside_what_is_wrong(tmp_path: Path) -> None:
    hardly = {"KONAPLATE_ACCESS_KEY": "c4n4r", "KONAPLATE_TIMEOUT": "9", "KONAPLATE_POOL_TIMEOUT": "10"}
    warnings = [
        "KONAPLATE_ACCESS_KEY has 5 characters; the vendor's pages say 40",
        "KONAPLATE_POOL_TIMEOUT is above KONAPLATE_TIMEOUT: a look-up ends before that wait does",
        "KONAPLATE_TIMEOUT is above KONAGRAPH_REQUEST_TIMEOUT: a request ends before its call does",
    ]
    for wrong, told in (
        # Nothing can be compared with an invalid bound.
        ({"KONAGRAPH_REQUEST_TIMEOUT": "x"}, warnings[:2]),
        ({"KONAPLATE_ASP_ID": ""}, warnings),
        ({"KONAGRAPH_DOCUMENTS": str(tmp_path)}, warnings),
    ):
        result = invoke("check-config", **{**SANDBOX, **hardly, **wrong})

        assert result.exit_code == 2
        found = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
        assert found == [f"warning: {warning}" for warning in told]


def test_a_file_that_is_missing_is_not_called_unreadable_as_well() -> None:
    missing = "KONAGRAPH_API_KEYS is missing; KONAGRAPH_AUTH=api-key needs it"

    assert problems(invoke("check-config", **SANDBOX, KONAGRAPH_AUTH="api-key"), REFUSED) == [missing]


def test_both_ports_cannot_be_the_same() -> None:
    ports = {"KONAGRAPH_PORT": "8080", "KONAGRAPH_ADMIN_PORT": "8080"}

    assert problems(invoke("check-config", **SANDBOX, **ports), REFUSED) == [
        "KONAGRAPH_PORT and KONAGRAPH_ADMIN_PORT are the same port"
    ]
    assert invoke("check-config", **SANDBOX, **ports, KONAGRAPH_ADMIN_HOST="::1").exit_code == 0
    assert invoke("check-config", **SANDBOX, KONAGRAPH_PORT="0", KONAGRAPH_ADMIN_PORT="0").exit_code == 0


def test_a_file_that_would_be_written_is_not_made_by_the_check(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"

    assert invoke("check-config", **SANDBOX, KONAGRAPH_AUDIT_LOG=str(log)).exit_code == 0
    assert not log.exists()


def test_what_is_hardly_meant_is_a_warning_and_not_called_complete_without_it() -> None:
    result = invoke("check-config", **SANDBOX, KONAPLATE_TIMEOUT="6")

    assert result.exit_code == 0
    assert result.stdout.endswith("; see the warnings.\n")
    assert (
        result.stderr
        == "warning: KONAPLATE_TIMEOUT is above KONAGRAPH_REQUEST_TIMEOUT: a request ends before its call does\n"
    )


def test_a_removed_setting_is_a_warning_of_the_check_or_an_error_if_it_was_stricter() -> None:
    result = invoke("check-config", **SANDBOX, KONAPLATE_ATTEMPTS="1")
    lost = invoke("check-config", **SANDBOX, KONAPLATE_ATTEMPTS="1", KONAGRAPH_MAX_DEPTH="4")

    warning = "warning: KONAPLATE_ATTEMPTS is no longer a setting, and has no effect (now: a call is tried"
    assert (result.exit_code, result.stdout.endswith("; see the warnings.\n")) == (0, True)
    assert result.stderr.startswith(warning)
    assert len(result.stderr.splitlines()) == 1
    assert lost.stderr.startswith(warning)
    (problem,) = problems(lost, REFUSED)
    assert problem == (
        "KONAGRAPH_MAX_DEPTH is no longer a setting, and asks for more protection than there is "
        "(now: 8 levels of fields); unset it to accept that"
    )
