"""The explorer page, as a person uses it."""

import json
from urllib.parse import urlsplit

from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

SECONDS = 60
PHONE_WIDTH = 360
_PHONE = {"width": PHONE_WIDTH, "height": 800, "deviceScaleFactor": 1, "mobile": True}
EDITORS = {
    "query": ".graphiql-query-editor",
    "variables": ".graphiql-editor-tool .graphiql-editor:not(.hidden)",
    "response": ".result-window",
}

# Runs before the page's own scripts, outside its policy.
COLLECT_VIOLATIONS = """
window.policyViolations = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.policyViolations.push(`${event.effectiveDirective} ${event.blockedURI}`);
});
"""

STORED = """
const done = arguments[arguments.length - 1];
Promise.all([indexedDB.databases(), caches.keys()]).then(([databases, cacheNames]) => done({
  localStorage: { ...localStorage },
  sessionStorage: { ...sessionStorage },
  cookie: document.cookie,
  databases,
  cacheNames,
}));
"""


class ExplorerPage:
    def __init__(self, driver: Chrome, url: str) -> None:
        self.driver = driver
        self.url = url
        self._wait = WebDriverWait(driver, SECONDS)

    def open(self) -> None:
        """Load the page and wait until the explorer panel has the schema."""
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COLLECT_VIOLATIONS})
        self._log("performance")  # what the browser's start page asked for
        self.driver.get(self.url)
        self.wait_for(".graphiql-explorer-actions")

    def open_on_a_phone(self) -> None:
        """Load the page on a small screen and wait until its query can be run."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", _PHONE)
        self.driver.get(self.url)
        self.wait_for("button[aria-label^='Execute query']")
        self._wait.until(lambda _: self.editor("query"))

    def place(self, selector: str) -> dict[str, float]:
        """Where an element stands in the window, in pixels."""
        read = "return document.querySelector(arguments[0]).getBoundingClientRect().toJSON()"
        return dict(self.driver.execute_script(read, selector))

    def wait_for(self, selector: str) -> None:
        self._wait.until(lambda driver: driver.find_elements(By.CSS_SELECTOR, selector), selector)

    def wait_until_gone(self, selector: str) -> None:
        self._wait.until_not(lambda driver: driver.find_elements(By.CSS_SELECTOR, selector), selector)

    def press(self, label: str) -> None:
        """Click the button whose accessible name begins with the label."""
        self.driver.find_element(By.CSS_SELECTOR, f"button[aria-label^='{label}']").click()

    def follow(self, text: str) -> None:
        self.driver.find_element(By.LINK_TEXT, text).click()

    def text(self, selector: str) -> str:
        return self.driver.find_element(By.CSS_SELECTOR, selector).text

    def run(self) -> str:
        """Press the run button; the text of the result pane once it has a response."""
        self.press("Execute query")
        self._wait.until(lambda _: self.editor("response").strip())
        self.wait_for("button[aria-label^='Execute query']")
        return self.editor("response")

    def editor(self, name: str) -> str:
        """The text of one of EDITORS."""
        read = "return arguments[0].CodeMirror.getValue()"
        return str(self.driver.execute_script(read, self._editor(name)))

    def write(self, name: str, text: str) -> None:
        self.driver.execute_script("arguments[0].CodeMirror.setValue(arguments[1])", self._editor(name), text)

    def complaints(self) -> list[str]:
        """Warnings and errors in the console, and violations of the content security policy."""
        console = [
            f"{entry['level']} {entry['message']}"
            for entry in self._log("browser")
            if entry["level"] in {"WARNING", "SEVERE"}
        ]
        return console + list(self.driver.execute_script("return window.policyViolations"))

    def requested_hosts(self) -> set[str]:
        """The hosts of every request since the page was opened; data URLs have none."""
        messages = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        urls = [
            message["params"]["request"]["url"]
            if message["method"] == "Network.requestWillBeSent"
            else message["params"]["url"]
            for message in messages
            if message["method"] in {"Network.requestWillBeSent", "Network.webSocketCreated"}
        ]
        return {host for url in urls if (host := urlsplit(url).hostname) is not None}

    def visits(self) -> int:
        """How many entries the browser's history has in this tab."""
        return int(self.driver.execute_script("return history.length"))

    def stored(self) -> dict[str, object]:
        """Everything that a page can store in the browser."""
        return dict(self.driver.execute_async_script(STORED))

    def _log(self, kind: str) -> list[dict[str, str]]:
        """Chromium's log since the last call."""
        return list(self.driver.get_log(kind))  # type: ignore[no-untyped-call] # selenium has no annotation here

    def _editor(self, name: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, f"{EDITORS[name]} .CodeMirror")
