"""The delivered Prometheus configuration in a real Prometheus; only addresses and intervals differ."""

from __future__ import annotations

import asyncio
import math
import shutil
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx
from ruamel.yaml import YAML

from tests.cli.processes import DEADLINE
from tests.tools import ROOT, require_tool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

FILES: Final = ROOT / "deploy" / "prometheus"
_PAUSE: Final = 0.1


class Prometheus:
    """A running Prometheus."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def ask(self, path: str, **parameters: str) -> Any:
        """The data of one response of its API."""
        answer = await self._client.get(f"/api/v1/{path}", params=parameters)
        assert answer.status_code == httpx.codes.OK, (parameters, answer.text)
        return answer.json()["data"]

    async def values(self, expression: str) -> list[float]:
        """The values of an expression; without those that are not a number, as of a share of nothing."""
        found = (await self.ask("query", query=expression))["result"]
        return [value for series in found if not math.isnan(value := float(series["value"][1]))]


@asynccontextmanager
async def prometheus(folder: Path, address: str, targets: Mapping[str, str]) -> AsyncIterator[Prometheus]:
    """Prometheus at an address, such as `127.0.0.1:9090`, which scrapes one target of each of these jobs."""
    require_tool(
        "prometheus", present=shutil.which("prometheus") is not None, how="install Debian's package prometheus"
    )
    configuration = YAML(typ="safe").load(FILES / "prometheus.yml")
    configuration["global"] = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), "300ms")
    configuration["rule_files"] = [str(FILES / name) for name in configuration["rule_files"]]
    del configuration["alerting"]
    jobs = [job for job in configuration["scrape_configs"] if job["job_name"] in targets]
    assert len(jobs) == len(targets)
    for job in jobs:
        job.pop("dns_sd_configs", None)
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    configuration["scrape_configs"] = jobs
    file = folder / "prometheus.yml"
    with file.open("w", encoding="utf-8") as stream:
        YAML().dump(configuration, stream)
    options = f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"
    with (folder / "prometheus.log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            "prometheus",
            *(f"--config.file={file}", *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=DEADLINE) as client:
            async with asyncio.timeout(DEADLINE):
                while not await _is_ready(client):
                    assert process.returncode is None, (folder / "prometheus.log").read_text("utf-8")
                    await asyncio.sleep(_PAUSE)
            yield Prometheus(client)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/-/ready")).status_code == httpx.codes.OK
    except httpx.ConnectError:
        return False
