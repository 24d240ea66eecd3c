"""The explorer's own panels in a real browser: what they do, and whether everybody can use them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from graph.app import create_app
from graph.playground import build_playground
from graph.sandbox.faults import FAULTS
from graph.sandbox.ledger import FIRST_CARD
from graph.security.authorization import ANONYMOUS
from graph.security.development import DevelopmentSigner, signer_settings
from schema.errors import ErrorCode
from tests.browser.explorer_page import PHONE_WIDTH, SECONDS, ExplorerPage
from tests.clients.node import NODE_TESTS
from tests.server.live_server import serving
from tests.support import sandbox_settings, sandbox_transport
from tests.tools import require_tool

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from selenium.webdriver import Chrome

    from tests.server.live_server import Live

PANEL: Final = ".konagraph-panel"
PANELS: Final = ("Sandbox", "What happened", "Copy as")
A_REAL_NUMBER: Final = "5106291234567895"
SENT: Final = "return performance.getEntriesByType('resource').filter((e) => e.name.endsWith('/graphql')).length"
AXE: Final = """
const done = arguments[arguments.length - 1];
axe.run({ resultTypes: ['violations'] }).then(({ violations }) => done(violations
  .filter(({ impact }) => ['serious', 'critical'].includes(impact))
  .flatMap(({ id, nodes }) => nodes.map((node) => `${id} ${node.target.join(' ')}`))),
  (error) => done([String(error)]));
"""


def opened(page: ExplorerPage, panel: str) -> str:
    """The text of a panel."""
    page.press(f"Show {panel}")
    page.wait_for(PANEL)
    return page.text(PANEL)


def click(page: ExplorerPage, text: str) -> None:
    """Click the button of the panel with exactly this text."""
    page.driver.find_element(By.XPATH, f"//*[@class='konagraph-panel']//button[text()='{text}']").click()


def answer(page: ExplorerPage, text: str) -> None:
    """Wait until the answer holds a text."""
    WebDriverWait(page.driver, SECONDS).until(lambda _: text in page.editor("response"), text)


def findings(page: ExplorerPage) -> list[str]:
    """The serious findings of axe-core."""
    while True:
        found: list[str] = page.driver.execute_async_script(AXE)
        # axe fails if the page changes meanwhile.
        if not any(each.startswith("TypeError") for each in found):
            return found


def test_a_click_plays_somebody_and_the_next_query_is_theirs(page: ExplorerPage) -> None:
    opened(page, "Sandbox")
    click(page, "another member")
    page.wait_for("button[aria-pressed='true']")
    assert page.run().count('"balance"') == 3
    assert "as another member" in page.text(".graphiql-session-header-right, .graphiql-logo")

    click(page, "nobody")
    page.press("Execute query")
    answer(page, "UNAUTHENTICATED")

    assert page.stored()["sessionStorage"] == page.stored()["localStorage"] == {}
    assert page.driver.current_url == page.url


def test_a_click_on_a_card_or_a_member_asks_for_it(page: ExplorerPage) -> None:
    opened(page, "Sandbox")
    click(page, FIRST_CARD)
    answer(page, '"maskedCardNo": "949133******0013"')
    assert json.loads(page.editor("variables")) == {"cardNo": FIRST_CARD}

    click(page, "2003")
    answer(page, '"userId": "2003"')
    assert page.editor("response").count('"balance"') == 3
    assert page.complaints() == []


def test_what_happened_tells_the_calls_the_price_and_the_plan(page: ExplorerPage) -> None:
    page.run()

    told = opened(page, "What happened")

    assert "7 calls to Konaplate, 0 saved" in told
    assert told.count("transaction/card") == 5
    assert "a compiled plan" in told
    assert "No manifest is loaded" in told
    assert len(page.driver.find_elements(By.CSS_SELECTOR, f"{PANEL} .konagraph-waterfall rect.ok")) == 7
    # The answer itself does not repeat it.
    assert "extensions" not in page.editor("response")


def test_what_happened_explains_an_error_in_english_and_korean(page: ExplorerPage) -> None:
    fault = next(fault for fault in FAULTS.values() if fault.code is ErrorCode.UPSTREAM_UNAVAILABLE)
    opened(page, "Sandbox")
    page.driver.find_element(By.CSS_SELECTOR, f"{PANEL} summary").click()
    click(page, fault.number)
    answer(page, "UPSTREAM_UNAVAILABLE")

    told = opened(page, "What happened")

    assert "UPSTREAM_UNAVAILABLE" in told
    WebDriverWait(page.driver, SECONDS).until(lambda _: "A retry may help." in page.text(PANEL))
    assert any("가" <= letter <= "힣" for letter in page.text(f"{PANEL} article"))


def test_a_token_that_is_not_given_is_said(page: ExplorerPage) -> None:
    # As for a page that was opened by another name of this machine.
    page.driver.execute_script("window.fetch = async () => new Response('', { status: 403 })")
    opened(page, "Sandbox")
    click(page, "owner")
    page.wait_for(f"{PANEL} [role='alert']")
    assert "403" in page.text(f"{PANEL} [role='alert']")


def test_a_real_card_number_is_not_sent_to_the_sandbox(page: ExplorerPage) -> None:
    before = page.driver.execute_script(SENT)
    for text in (A_REAL_NUMBER, "5106-2912-3456-7895", "5106 2912 3456 7895"):
        page.write("query", f'{{ card(cardNo: "{text}") {{ balance }} }}')
        page.press("Execute query")
        answer(page, "Not sent")
        page.write("response", "")
    assert page.driver.execute_script(SENT) == before


def test_copy_as_hides_card_numbers_unless_they_are_asked_for(page: ExplorerPage) -> None:
    page.write("query", f'{{ card(cardNo: "{FIRST_CARD}") {{ balance }} }}')
    hidden = opened(page, "Copy as")
    assert FIRST_CARD not in hidden
    assert hidden.count("CARD_NUMBER") == 2
    assert f"curl '{page.url}'" in hidden

    page.driver.find_element(By.CSS_SELECTOR, f"{PANEL} input").click()
    assert page.text(PANEL).count(FIRST_CARD) == 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everybody_can_read_and_use_the_page(page: ExplorerPage, theme: str) -> None:
    source = NODE_TESTS / "node_modules" / "axe-core" / "axe.min.js"
    require_tool("npm package axe-core", present=source.is_file(), how="`make test` installs it")
    driver = page.driver
    driver.set_script_timeout(SECONDS)
    scheme = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", scheme)
    for width in (1440, 768, PHONE_WIDTH):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width == PHONE_WIDTH}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        driver.get(page.url)
        page.wait_for("button[aria-label^='Execute query']")
        page.run()
        # Outside the page's policy.
        driver.execute_cdp_cmd("Runtime.evaluate", {"expression": source.read_text("utf-8")})
        assert findings(page) == []
        for panel in PANELS:
            opened(page, panel)
            assert findings(page) == []
            if width == PHONE_WIDTH:
                assert page.place(PANEL)["right"] <= PHONE_WIDTH
                assert page.place(".graphiql-response")["right"] <= PHONE_WIDTH
        assert page.place("button[aria-label^='Execute query']")["right"] <= width
        page.press("Show History")
        assert findings(page) == []
        page.press("Show Documentation Explorer")
        page.press("Add tab")
        assert findings(page) == []
        assert page.text(".graphiql-tab-button[aria-current='true']") == "<untitled>"
    assert page.complaints() == []


def gateway(**settings: Any) -> AbstractContextManager[Live]:
    chosen = sandbox_settings(**settings)
    playground = build_playground(chosen, ANONYMOUS)
    return serving(create_app(chosen, transport=sandbox_transport(), playground=playground))


@pytest.fixture
def waiting(driver: Chrome) -> WebDriverWait[Chrome]:
    return WebDriverWait(driver, SECONDS)


def test_without_a_token_the_page_says_what_to_do_and_a_click_does_it(
    driver: Chrome, waiting: WebDriverWait[Chrome], tmp_path: Path
) -> None:
    DevelopmentSigner.in_directory(tmp_path)
    with gateway(**signer_settings(tmp_path)) as live:
        page = ExplorerPage(driver, f"http://127.0.0.1:{live.port}/graphql")
        driver.get(page.url)
        waiting.until(lambda _: "wants credentials" in page.text("#notice"))
        assert "Bearer YOUR_TOKEN" in page.text(".graphiql-editor-tool .graphiql-editor:not(.hidden)")

        opened(page, "Sandbox")
        click(page, "owner")
        waiting.until(lambda _: page.text("#notice") == "")
        click(page, "2005")
        answer(page, '"userId": "2005"')


def test_where_documents_are_enforced_the_page_says_so(
    driver: Chrome, waiting: WebDriverWait[Chrome], tmp_path: Path
) -> None:
    manifest = tmp_path / "documents.json"
    manifest.write_text(json.dumps({"typename": "query T { __typename }"}), encoding="utf-8")
    settings = {"KONAGRAPH_DOCUMENTS": str(manifest), "KONAGRAPH_DOCUMENTS_MODE": "enforce"}
    with gateway(**settings) as live:
        page = ExplorerPage(driver, f"http://127.0.0.1:{live.port}/graphql")
        driver.get(page.url)
        waiting.until(lambda _: "only the documents of its manifest" in page.text("#notice"))
