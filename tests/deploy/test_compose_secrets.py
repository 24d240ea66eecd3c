"""The generated secrets of the compose file, and a real Redis with the delivered files."""

from __future__ import annotations

import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import redis as redis_client

from graph.config.settings import Settings
from graph.security.limiter import Bucket, Window
from graph.security.redis_limiter import RedisLimiter, connect
from schema.secrets import Credential
from tests.deploy.test_compose import SERVICES
from tests.security.redis_server import redis_server_running
from tests.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.security.redis_server import RedisServer

SCRIPT = ROOT / "deploy" / "compose" / "make_secrets.py"
CONFIGURATION = ROOT / "deploy" / "redis" / "redis.conf"
ADDED_LATER = {"KONAGRAPH_ID_KEY", "KONAGRAPH_AUDIT_KEY"}
GATEWAY_FILES = {"KONAGRAPH_REDIS_URL", "KONAGRAPH_CARD_REF_KEY", *ADDED_LATER}


def made(folder: Path) -> dict[str, str]:
    """The secrets after another run, by file name."""
    for name in ("gateway", "redis"):
        (folder / name).mkdir(exist_ok=True)
    subprocess.run([sys.executable, SCRIPT, folder / "gateway", folder / "redis"], check=True)
    return {file.name: file.read_text(encoding="ascii") for file in sorted(folder.glob("*/*"))}


@pytest.fixture
def delivered(tmp_path: Path) -> Iterator[tuple[RedisServer, str]]:
    """A Redis with the delivered files, and the gateways' password."""
    password = made(tmp_path)["KONAGRAPH_REDIS_URL"].partition("konagraph:")[2].partition("@")[0]
    # The path of the access control list is that of the container.
    text = CONFIGURATION.read_text(encoding="utf-8")
    assert "\naclfile /run/redis/users.acl\n" in text
    file = tmp_path / "redis.conf"
    file.write_text(text.replace("/run/redis", str(tmp_path / "redis")), encoding="utf-8")
    with redis_server_running(str(file)) as server:
        yield server, password


def test_the_secrets_are_files_for_their_owner_alone(tmp_path: Path) -> None:
    secrets = made(tmp_path)
    assert secrets.keys() == GATEWAY_FILES | {"users.acl"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("*/*")} == {0o400}
    assert {file.name for file in (tmp_path / "gateway").iterdir()} == GATEWAY_FILES
    assert {name.lower() for name in GATEWAY_FILES} <= Settings.model_fields.keys()
    assert secrets["KONAGRAPH_REDIS_URL"].endswith("@redis:6379/0")


def test_a_second_run_changes_nothing_and_another_place_has_other_secrets(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    first = made(here)
    assert first == made(here)
    other = made(there)
    assert all(first[name] != other[name] for name in first)


def test_an_older_place_is_given_the_missing_keys_and_keeps_the_rest(tmp_path: Path) -> None:
    first = made(tmp_path)
    for name in ADDED_LATER:
        (tmp_path / "gateway" / name).unlink()
    again = made(tmp_path)
    assert {name for name in first if first[name] != again[name]} == ADDED_LATER


def test_a_run_that_was_broken_off_is_done_again(tmp_path: Path) -> None:
    first = made(tmp_path)
    (tmp_path / "gateway" / "KONAGRAPH_CARD_REF_KEY").unlink()
    again = made(tmp_path)
    assert first.keys() == again.keys()
    assert {name for name in first if first[name] == again[name]} == ADDED_LATER


def test_the_password_itself_is_not_in_the_list_of_users(tmp_path: Path) -> None:
    secrets = made(tmp_path)
    password = secrets["KONAGRAPH_REDIS_URL"].partition("konagraph:")[2].partition("@")[0]
    assert len(password) > 40
    assert password not in secrets["users.acl"]


def test_the_users_rights_are_those_of_the_documentation(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    (documented,) = [line for line in page.splitlines() if line.startswith("user konagraph ")]
    (delivered,) = [
        line for line in made(tmp_path)["users.acl"].splitlines() if line.startswith("user konagraph ")
    ]
    assert documented.rpartition(" >")[0] == delivered.rpartition(" #")[0]


def test_the_script_and_its_folders_are_what_the_compose_file_runs() -> None:
    service = SERVICES["secrets"]
    folder, _, name = service["entrypoint"][1].rpartition("/")
    assert SCRIPT.name == name
    assert f"./{SCRIPT.parent.relative_to(ROOT)}:{folder}:ro" in service["volumes"]
    assert service["volumes"][1:] == ["gateway-secrets:/secrets", "redis-users:/redis"]
    assert service["entrypoint"][2:] == ["/secrets", "/redis"]
    assert {"gateway-secrets:/secrets:ro"} <= set(SERVICES["gateway"]["volumes"])
    assert {"redis-users:/run/redis:ro"} <= set(SERVICES["redis"]["volumes"])


async def test_a_gateway_can_count_in_the_delivered_redis(delivered: tuple[RedisServer, str]) -> None:
    server, password = delivered
    client = connect(Credential(server.url_of("konagraph", password)))
    limiter = RedisLimiter(client)
    assert (await limiter.take("a", Bucket(rate=1, burst=2), 1)).allowed
    assert await limiter.add("a", [Window(60, 2)], ["x", "y"]) == [0, 0]
    await client.aclose()


@pytest.mark.parametrize(
    ("user", "command"),
    [
        ("konagraph", ("FLUSHALL",)),
        ("konagraph", ("KEYS", "*")),
        ("konagraph", ("CONFIG", "GET", "*")),
        ("konagraph", ("GET", "somebody:else")),
        ("health", ("GET", "konagraph:a")),
        ("health", ("ACL", "LIST")),
    ],
)
def test_a_user_of_the_delivered_redis_may_do_nothing_else(
    delivered: tuple[RedisServer, str], user: str, command: tuple[str, ...]
) -> None:
    server, password = delivered
    with (
        redis_client.Redis.from_url(server.url_of(user, password)) as client,
        pytest.raises(redis_client.exceptions.NoPermissionError),
    ):
        client.execute_command(*command)


def test_the_delivered_redis_requires_a_password(delivered: tuple[RedisServer, str]) -> None:
    server, _ = delivered
    for url in (server.patient_url, server.url_of("konagraph", "wrong")):
        with (
            redis_client.Redis.from_url(url) as client,
            pytest.raises(redis_client.exceptions.AuthenticationError),
        ):
            client.ping()


def test_the_health_check_of_the_delivered_redis_is_answered(delivered: tuple[RedisServer, str]) -> None:
    server, _ = delivered
    (_, command) = SERVICES["redis"]["healthcheck"]["test"]
    socket = server.url.removeprefix("unix://")
    result = subprocess.run(
        ["sh", "-c", command.replace("redis-cli", f"redis-cli -s {socket}")], capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr
