"""A Chromium that can only reach this machine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.browser.explorer_page import ExplorerPage
from tests.tools import ROOT, require_tool

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


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Chrome]:
    how = "on Debian `apt-get install chromium chromium-driver`"
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    require_tool("chromium", present=chromium is not None, how=how)
    require_tool("chromedriver", present=chromedriver is not None, how=how)
    # With the path given, selenium does not look for or download a driver.
    chrome = Chrome(options=options(chromium or "", tmp_path / "profile"), service=Service(chromedriver))
    try:
        yield chrome
    finally:
        chrome.quit()


@pytest.fixture
def page(driver: Chrome, gateway_url: str, tmp_path: Path) -> Iterator[ExplorerPage]:
    """The opened explorer; a screenshot is kept at the end of the test."""
    require_tool(
        "npm package graphiql",
        present=(ROOT / "explorer" / "node_modules" / "graphiql").is_dir(),
        how="run `make explorer`",
    )
    explorer = ExplorerPage(driver, gateway_url)
    explorer.open()
    yield explorer
    driver.save_screenshot(str(tmp_path / "explorer.png"))
