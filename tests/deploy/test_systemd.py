"""The units of systemd and the rotation of the audit logs, as the programs that read them see them."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from graph.audit_review.verify import verify
from graph.config.settings import Settings
from graph.telemetry.audit_log import AuditLog
from graph.wiring.serving import AFTER_REQUESTS
from tests.deploy.manifests import pod
from tests.security.audit_writer import KEY, event
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from pathlib import Path

UNITS = ROOT / "deploy" / "systemd"
GATEWAY = (UNITS / "konagraph@.service").read_text(encoding="utf-8")
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def run(program: str, *arguments: str, package: str) -> subprocess.CompletedProcess[str]:
    require_tool(
        program, present=shutil.which(program, path=PATH) is not None, how=f"on Debian `apt install {package}`"
    )
    found = shutil.which(program, path=PATH)
    return subprocess.run([str(found), *arguments], capture_output=True, text=True, check=False, timeout=60)


def value(name: str) -> str:
    (only,) = re.findall(rf"^{name}=(.*)$", GATEWAY, re.MULTILINE)
    return str(only)


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """Copies of the units, which start a program that every machine has."""
    files = []
    for unit in sorted(UNITS.glob("*.service")) + sorted(UNITS.glob("*.timer")):
        copy = tmp_path / unit.name.replace("@.", "@1.")
        text = re.sub(
            r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        copy.write_text(text, encoding="utf-8")
        files.append(str(copy))
    return files


def test_systemd_understands_every_line(units: list[str]) -> None:
    done = run("systemd-analyze", "verify", "--man=no", *units, package="systemd")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("unit", "exposure"), [("konagraph@1.service", 1.3), ("konagraph-logrotate.service", 2.0)]
)
def test_a_unit_has_no_more_than_it_needs(units: list[str], unit: str, exposure: float) -> None:
    (file,) = [file for file in units if file.endswith(unit)]
    done = run("systemd-analyze", "security", "--no-pager", "--offline=true", file, package="systemd")
    (found,) = re.findall(r"Overall exposure level for \S+ ([\d.]+)", done.stdout)
    assert float(found) <= exposure, done.stdout


def test_a_gateway_gets_the_time_and_memory_that_it_gets_elsewhere() -> None:
    takes = 5 + Settings.model_fields["konagraph_request_timeout"].default + AFTER_REQUESTS
    assert float(value("TimeoutStopSec")) == pod()["terminationGracePeriodSeconds"] > takes
    assert f"{value('MemoryMax')}i" == pod()["containers"][0]["resources"]["limits"]["memory"]
    assert (value("LimitCORE"), value("MemorySwapMax")) == ("0", "0")


def test_the_audit_log_of_each_gateway_is_one_that_is_rotated() -> None:
    name, path = value("Environment").split("=")
    assert name.lower() in Settings.model_fields
    (pattern,) = re.findall(r"^(/\S+) \{$", (UNITS / "logrotate.conf").read_text(encoding="utf-8"), re.MULTILINE)
    assert path.replace("%i", "*") == pattern
    assert pattern.startswith(f"/var/log/{value('LogsDirectory')}/")


def test_the_user_of_the_units_is_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    done = run("systemd-sysusers", f"--root={tmp_path}", str(UNITS / "konagraph.sysusers"), package="systemd")
    assert done.returncode == 0, done.stderr
    (line,) = (tmp_path / "etc" / "passwd").read_text(encoding="utf-8").splitlines()
    assert (line.split(":")[0], line.split(":")[-1]) == (value("User"), "/usr/sbin/nologin")


def test_a_rotated_record_is_whole_also_compressed(tmp_path: Path) -> None:
    logs, asked = tmp_path / "logs", tmp_path / "asked"
    logs.mkdir(0o750)
    path = logs / "audit-1.log"
    text = (UNITS / "logrotate.conf").read_text(encoding="utf-8")
    text = text.replace("/var/log/konagraph", str(logs)).replace("    su konagraph konagraph\n", "")
    assert "systemctl reload 'konagraph@*.service'" in text
    config = tmp_path / "logrotate.conf"
    config.write_text(text.replace("systemctl reload 'konagraph@*.service'", f"touch {asked}"), encoding="utf-8")
    config.chmod(0o600)

    log = AuditLog(path, lambda viewer: f"ref-of-{viewer}", KEY)
    for day in ("-20260101", "-20260102"):
        log.record([event(number) for number in range(5)])
        done = run("logrotate", "--force", f"--state={tmp_path / 'state'}", str(config), package="logrotate")
        assert (done.returncode, done.stderr) == (0, "")
        assert asked.exists()
        asked.unlink()
        # Until the gateway has reopened, it writes to the renamed file.
        log.record([event(5)])
        log.reopen()
        (rotated,) = (file for file in logs.glob("audit-1.log-*") if "-20260101" not in file.name)
        rotated.rename(path.with_name(path.name + day))
    log.close()

    files = sorted(logs.iterdir())
    assert [file.name for file in files] == [
        "audit-1.log",
        "audit-1.log-20260101.gz",
        "audit-1.log-20260102",
    ]
    verdict = verify(files, KEY)
    assert (verdict.findings, verdict.notes, verdict.chains) == ([], [], 1)
    # Two times six reads, the first line of each of three files, and the last one of all.
    assert verdict.lines == 16
