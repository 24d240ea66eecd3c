"""What tests of several folders share: a real gateway process with its sandbox, a certificate authority."""

from __future__ import annotations

import functools
import gc
import io
import os
import signal
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import certifi
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import HealthCheck, is_hypothesis_test
from hypothesis import settings as hypothesis_settings
from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped] # xdist has no annotations

from graph import app
from graph.graphql.bindings import executable_schema
from graph.konaplate import pem
from graph.konaplate.endpoints import ENDPOINTS
from graph.server import server
from graph.telemetry.logs import configure_logging
from graph.wiring import documents
from schema.query import Query
from tests.telemetry.capture import unredacted

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from graphql import GraphQLSchema

    from graph.konaplate.endpoint import Endpoint
    from tests.telemetry.capture import Unredacted

# The same examples each time, so that a run fails for what has changed; `make equality` explores others. A busy
# machine is no failure: properties are tested by their examples, not by their time.
hypothesis_settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile("explore", hypothesis_settings.get_profile("steady"), derandomize=False)
# `make unit` takes this one; `examples` in tests/tools.py heeds it, too.
hypothesis_settings.register_profile("quick", hypothesis_settings.get_profile("steady"), max_examples=10)
hypothesis_settings.load_profile("steady")

_ANSWERS_ON = "konagraph answers on "
_BROWSER: Final = "tests/browser/"

_HERE: Final = Path(__file__).parent
# What tests need beyond the part that they test: by the place of their file, the most exact one, and by fixtures.
_MARKS_OF_PLACES: Final = {
    "benchmarks/test_load.py": "process",
    "benchmarks/test_servers.py": "process",
    "browser": "browser",
    "cli/test_cli_dev.py": "process",
    "cli/test_cli_dev_settings.py": "process",
    "cli/test_cli_dev_signals.py": "process",
    "cli/test_cli_serve.py": "process",
    "cli/test_cli_shutdown.py": "process",
    "cli/test_odd_shells.py": "process",
    "cli/test_completion.py": "process",
    "clients": "process",
    "conformance": "process",
    "containers": "containers",
    "deploy": "process",
    "deploy/test_alerts.py": None,
    "deploy/test_dashboard.py": None,
    "faults": "gateway",
    "independent": "gateway",
    "lifecycle": "process",
    "outside": "outside",
    "schema_check/test_git_refs.py": "process",
    "security/test_auth_token_command.py": "process",
    "setup": "process",
    "setup/test_bare_machines.py": "fresh",
    "soak": "process",
    "telemetry/test_signal_settings.py": "process",
    "test_bad_card_numbers.py": "gateway",
    "test_extending.py": "process",
    "test_failures.py": "gateway",
    "test_failures_of_members.py": "gateway",
    "test_readme.py": "process",
    "test_walk_over_the_sandbox.py": "gateway",
}
# Their work is long, and hardly a line is reached by them alone.
_UNTRACED: Final = frozenset(
    {
        "cost/test_calls_of_requests.py",
        "graphql/test_analysis_steps.py",
        "graphql/test_bills.py",
        "graphql/test_documents.py",
        "graphql/test_inline_card_numbers.py",
        "graphql/test_manifests.py",
        "graphql/test_persisted.py",
        "graphql/test_worst_documents.py",
        "http/test_endpoint.py",
        "http/test_get_with_card_numbers.py",
        "http/test_graphql_cases.py",
        "konaplate/endpoints/test_endpoint_calls.py",
        "konaplate/test_client_bounds.py",
        "konaplate/test_client_calls.py",
        "konaplate/test_client_faults.py",
        "konaplate/test_encryption_crossed.py",
        "schema/test_masks.py",
        "security/test_audit.py",
        "security/test_audit_log.py",
        "security/test_audit_of_every_way.py",
        "security/test_authorization.py",
        "security/test_authorization_hidden.py",
        "security/test_tokens_accepted.py",
        "security/test_tokens_members.py",
        "telemetry/test_metric_families.py",
        "telemetry/test_metrics.py",
        "telemetry/test_redaction_of_events.py",
        "test_card_query.py",
        "test_settings_problems.py",
        "wallet/test_access.py",
        "wallet/test_calls.py",
        "wallet/test_failures_of_wallets.py",
        "wallet/test_leaks_of_wallets.py",
    }
)
_PROCESS_FIXTURES: Final = frozenset({"gateway_url", "own_redis", "redis_server"})
_NOT_IN_UNIT: Final = frozenset({"browser", "containers", "fresh", "gateway", "outside", "process"})
_STARTS: Final = frozenset({"os.fork", "os.posix_spawn", "subprocess.Popen"})
_started: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is not for `make unit`, and put the slowest files first, so that no worker is left with one.

    Coverage is measured by the tests of `make unit` alone, and without properties: what only whole gateways or
    random examples reach should have an example of its own, and a tracer doubles the time of both. Nor do the
    slowest of the others count, where they reach what the rest reaches.
    """
    for item in items:
        path = item.path.relative_to(_HERE)
        places = [each.as_posix() for each in (path, *path.parents)]
        if mark := next((_MARKS_OF_PLACES[place] for place in places if place in _MARKS_OF_PLACES), None):
            item.add_marker(mark)
        if not _PROCESS_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("process")
    whole = [item for item in items if any(mark.name in _NOT_IN_UNIT for mark in item.iter_markers())]
    slow = {item.path for item in whole}
    for item in items:
        untraced = item.path.relative_to(_HERE).as_posix() in _UNTRACED or item.get_closest_marker("slow")
        if untraced or is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("no_cover")
    for item in whole:
        item.add_marker("no_cover")
    items.sort(key=lambda item: (item.path not in slow, "setup" not in item.path.parts))


def _note_start(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _STARTS:
        _started.append(f"{event} {arguments[0] if arguments else ''}")


@contextmanager
def _untraced() -> Iterator[None]:
    """Trace nothing: in workers pytest-cov starts two tracers, and where it pauses one the other goes on."""
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        threading.settrace(in_threads)
        sys.settrace(here)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Fail a test that starts a process and is not marked so: `make unit` stays what it is."""
    _started.clear()
    with _untraced() if item.get_closest_marker("no_cover") else nullcontext():
        yield
    if _NOT_IN_UNIT.isdisjoint(mark.name for mark in item.iter_markers()):
        assert _started == []


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage as long as tests are collected, and trace imports in one worker, as all import the same.

    Either takes seconds of each worker.
    """
    gc.disable()
    try:
        with nullcontext() if os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0" else _untraced():
            return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Keep the thousands of tests out of what the garbage collector traverses, and let it run less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20)
    sys.addaudithook(_note_start)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Start two workers more than there are cores, because many tests wait."""
    return (os.cpu_count() or 1) + 2


class _ByFile(LoadFileScheduling):  # type: ignore[misc] # of the base, which has no annotations
    """Each file stays with one worker, and so do all that need Chromium, which takes long to start."""

    def _split_scope(self, nodeid: str) -> str:
        path: str = super()._split_scope(nodeid)
        return _BROWSER if path.startswith(_BROWSER) else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _ByFile | None:
    """Take the place of `--dist loadfile`."""
    return _ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def clean_environment() -> dict[str, str]:
    """The environment without any setting of ours, so that a developer's own do not change the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("KONAGRAPH_", "KONAPLATE_"))}


@pytest.fixture(scope="session", autouse=True)
def _logs_of_the_process() -> None:
    """Keep our logs out of the tests' own output."""
    configure_logging("debug", as_json=True, stream=io.StringIO())


@pytest.fixture(scope="session", autouse=True)
def _programs_heed_signals() -> None:
    """Keep what `nohup` or a job in the background ignores from the programs that tests start.

    They would inherit that a signal is ignored, but do not inherit a handler.
    """
    for number in (signal.SIGHUP, signal.SIGINT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


@pytest.fixture(scope="session", autouse=True)
def _keys_are_checked_once() -> Iterator[None]:
    """Keep private keys once they were read: to check one takes longer than all else that starts a gateway."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pem, "load_pem_private_key", functools.lru_cache(load_pem_private_key))
        yield


@pytest.fixture(scope="session", autouse=True)
def _schemas_are_built_once() -> Iterator[None]:
    """Let the gateways of this process share a schema, which nothing changes: it is most of what starts one."""

    @functools.lru_cache(maxsize=4)
    def once(endpoints: tuple[Endpoint[Any, Any], ...], query: type) -> GraphQLSchema:
        return executable_schema(endpoints, query)

    def shared(endpoints: Iterable[Endpoint[Any, Any]] = ENDPOINTS, query: type = Query) -> GraphQLSchema:
        return once(tuple(endpoints), query)

    with pytest.MonkeyPatch.context() as patch:
        for module in (app, documents):
            patch.setattr(module, "executable_schema", shared)
        yield


@pytest.fixture(scope="session", autouse=True)
def _servers_leave_garbage_alone() -> Iterator[None]:
    """Let no server collect garbage and freeze the rest, as once in a process of its own: here it is each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            server,
            "gc",
            SimpleNamespace(collect=lambda: 0, freeze=lambda: None, set_threshold=lambda _objects: None),
        )
        yield


@pytest.fixture(scope="session", autouse=True)
def _public_authorities_are_not_read() -> Iterator[None]:
    """Leave them out: reading them takes longer than most tests, and no test needs them in this process."""
    load = ssl.SSLContext.load_verify_locations
    # httpx reads one of them for every client.
    public = {certifi.where(), os.environ.get("SSL_CERT_FILE", "")}

    def load_others(context: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
        if cafile not in public:
            load(context, cafile, capath, cadata)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "load_default_certs", lambda *_: None)
        patch.setattr(ssl.SSLContext, "load_verify_locations", load_others)
        yield


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[Unredacted]:
    """What is logged in a test, before it is redacted."""
    with unredacted(caplog) as found:
        yield found


@pytest.fixture(scope="session")
def gateway_url() -> Iterator[str]:
    """The address of a gateway process with the embedded sandbox."""
    process = subprocess.Popen(
        [sys.executable, "-m", "graph", "dev", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=clean_environment(),
    )
    assert process.stdout is not None
    with process:
        try:
            yield next(
                line.removeprefix(_ANSWERS_ON).split(" ")[0].strip()
                for line in process.stdout
                if line.startswith(_ANSWERS_ON)
            )
        finally:
            process.terminate()
            process.stdout.read()
            assert process.wait(30) == 0


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path
