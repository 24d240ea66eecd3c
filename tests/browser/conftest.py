"""A Chromium that can only reach this machine."""

import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.browser.explorer_page import ExplorerPage
from tests.tools import require_explorer, require_tool

FAILED = pytest.StashKey[bool]()
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--host-resolver-rules=MAP foreign.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--window-size=1400,900",
)


def options(binary: str, profile: Path) -> ChromeOptions:
    chosen = ChromeOptions()
    chosen.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        chosen.add_argument(flag)
    chosen.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return chosen


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    how = "on Debian `apt-get install chromium chromium-driver`"
    program, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    require_tool("chromium", present=program is not None, how=how)
    require_tool("chromedriver", present=chromedriver is not None, how=how)
    profile = tmp_path_factory.mktemp("chromium") / "profile"
    # With the path given, selenium does not look for or download a driver.
    chrome = Chrome(options=options(program or "", profile), service=Service(chromedriver))
    try:
        yield chrome
    finally:
        chrome.quit()


@pytest.fixture
def driver(chromium: Chrome) -> Iterator[Chrome]:
    """The browser in a new tab, with nothing of the tests before but what it has cached."""
    first = chromium.current_window_handle
    chromium.switch_to.new_window("tab")
    for kind in ("browser", "performance"):
        chromium.get_log(kind)  # type: ignore[no-untyped-call] # selenium has no annotation here
    try:
        yield chromium
    finally:
        visited = chromium.execute_cdp_cmd("Page.getNavigationHistory", {})["entries"]
        for origin in {urljoin(entry["url"], "/") for entry in visited if entry["url"].startswith("http")}:
            chromium.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
        chromium.execute_cdp_cmd("Network.clearBrowserCookies", {})
        for window in {*chromium.window_handles} - {first}:
            chromium.switch_to.window(window)
            chromium.close()
        chromium.switch_to.window(first)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell fixtures whether the test has failed."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture
def page(
    driver: Chrome, gateway_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[ExplorerPage]:
    """The opened explorer; of a test that fails a screenshot is kept."""
    require_explorer()
    explorer = ExplorerPage(driver, gateway_url)
    explorer.open()
    yield explorer
    if request.node.stash.get(FAILED, default=False):
        driver.save_screenshot(str(tmp_path / "explorer.png"))
