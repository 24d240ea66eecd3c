"""The web wallet of examples/ in a real browser: by its start command, and as it is built for production."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from graph.sandbox.wallets import WALLETS
from schema.errors import ErrorCode
from tests.browser.explorer_page import SECONDS, STORED
from tests.clients.wallet_secrets import DEV_MEMBER, found_in, secrets_of
from tests.clients.wallets import WEB, free_port, in_production, npm, token, web

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium.webdriver import Chrome

    from tests.clients.wallets import Asked

BALANCES: Final = [f"₩{card.row['balance']:,}" for card in WALLETS if card.user_id == DEV_MEMBER]
FAILING_MEMBER: Final = 9535
"""Transactions of this member's card are answered with HTTP 429."""
OFFLINE: Final = "You seem to be offline."
WIDTHS: Final = (360, 1440)
NO_CARDS: Final = """
const real = window.fetch;
window.fetch = async (...request) => {
  const answer = await (await real(...request)).json();
  answer.data.viewer.member.cards = null;
  answer.errors = [{ message: '', path: ['viewer', 'member', 'cards'], extensions: { code: 'UPSTREAM_TIMEOUT' } }];
  return Response.json(answer);
};
"""


class Wallet:
    """The wallet, as a person uses it."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        # A reload replaces the page between a look for an element and a look at it.
        self._wait = WebDriverWait(driver, SECONDS, ignored_exceptions=[StaleElementReferenceException])

    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "main").text

    def wait_for(self, *texts: str) -> None:
        self._wait.until(lambda _: all(text in self.text() for text in texts), f"{texts}")

    def press(self, text: str) -> None:
        self.driver.find_element(By.XPATH, f"//button[.='{text}']").click()

    def open_card(self) -> None:
        self.driver.find_element(By.CSS_SELECTOR, ".cards a").click()

    def rows(self) -> int:
        return len(self.driver.find_elements(By.CSS_SELECTOR, ".rows li"))

    def wait_for_rows(self, number: int) -> None:
        self._wait.until(lambda _: self.rows() == number, f"{number} rows")

    def sign_in(self, member: int) -> None:
        self.wait_for("Please sign in.")
        self.driver.find_element(By.NAME, "token").send_keys(token(member))
        self.press("Sign in")

    def stored(self) -> dict[str, Any]:
        return dict(self.driver.execute_async_script(STORED))

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self._log("browser") if entry["level"] in {"WARNING", "SEVERE"}]

    def hosts(self) -> set[str | None]:
        messages = [json.loads(entry["message"])["message"] for entry in self._log("performance")]
        sent = [
            each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"
        ]
        return {urlsplit(url).hostname for url in sent if not url.startswith(("data:", "chrome:"))}

    def lose_network(self) -> None:
        """Let nothing through to the gateway. The page itself is served: a real app has a service worker."""
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/graphql"]})

    def find_network(self) -> None:
        self.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})

    def put_between(self, script: str) -> None:
        """Replace the page's fetch, and go to the list of cards."""
        self.driver.execute_script(script)
        for address in ("#/cards/unknown", "#/"):
            self.driver.execute_script("window.location.hash = arguments[0]", address)

    def photograph(self, name: str, folder: Path) -> None:
        """Take a picture at each width, in which nothing may stick out."""
        for width in WIDTHS:
            metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            assert self.driver.execute_script("return document.documentElement.scrollWidth") <= width
            self.driver.save_screenshot(str(folder / f"{name}-{width}.png"))

    def _log(self, kind: str) -> list[dict[str, str]]:
        return list(self.driver.get_log(kind))  # type: ignore[no-untyped-call] # selenium has no annotation here


@pytest.fixture
def wallet(driver: Chrome) -> Wallet:
    return Wallet(driver)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("KONAGRAPH_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_its_start_command_shows_cards_and_pages_of_transactions(
    wallet: Wallet, gateway_url: str, pictures: Path
) -> None:
    wallet.hosts()  # what the browser's start page asked for
    with web(free_port(), "start", "--", gateway=gateway_url.removesuffix("/graphql")) as address:
        wallet.driver.get(address)
        wallet.wait_for(*BALANCES)
        wallet.photograph("wallet-web-cards", pictures)
        wallet.open_card()
        wallet.wait_for_rows(10)
        wallet.photograph("wallet-web-card", pictures)
        wallet.press("Show more")
        wallet.wait_for_rows(20)

        assert wallet.complaints() == []
        assert wallet.hosts() == {"127.0.0.1"}


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Asked]]:
    """The address of the wallet as it is built, and the gateway that it asks."""
    folder = tmp_path_factory.mktemp("production")
    out = ("--", "--outDir", str(folder / "dist"))
    npm(WEB, "run", "build", *out)
    manifest = WEB / "src" / "gql" / "persisted-documents.json"
    with (
        in_production(folder, manifest, "web@1.0.0") as gateway,
        web(free_port(), "run", "preview", *out, gateway=gateway.url) as address,
    ):
        yield address, gateway


def test_production_is_sent_hashes_and_a_page_that_fails_leaves_those_before_it(
    wallet: Wallet, production: tuple[str, Asked]
) -> None:
    address, gateway = production
    wallet.driver.get(address)
    wallet.sign_in(DEV_MEMBER)
    wallet.wait_for(*BALANCES)
    wallet.open_card()
    wallet.wait_for_rows(10)
    wallet.lose_network()
    wallet.press("Show more")
    wallet.wait_for(OFFLINE)

    assert wallet.rows() == 10
    wallet.find_network()
    wallet.press("Try again")
    wallet.wait_for_rows(20)
    asked = [(body["operationName"], "query" in body) for body in gateway.bodies]
    assert set(asked) == {("MyCards", False), ("OneCard", False)}


def test_it_keeps_the_list_of_cards_and_nothing_else_for_a_reload_without_a_network(
    wallet: Wallet, production: tuple[str, Asked], pictures: Path
) -> None:
    address, _ = production
    wallet.driver.get(address)
    wallet.sign_in(DEV_MEMBER)
    wallet.wait_for(*BALANCES)
    wallet.open_card()
    wallet.wait_for_rows(10)

    stored = wallet.stored()
    kept = stored.pop("sessionStorage")
    assert stored == {"localStorage": {}, "cookie": "", "databases": [], "cacheNames": []}
    assert list(kept) == ["wallet-cards"]
    assert found_in(json.dumps(kept), secrets_of(DEV_MEMBER)) == []

    wallet.lose_network()
    wallet.driver.refresh()
    wallet.wait_for(OFFLINE, BALANCES[0])
    wallet.driver.get(f"{address}#/")
    wallet.wait_for(OFFLINE, *BALANCES)
    wallet.photograph("wallet-web-offline", pictures)

    # The token is gone with the page. The first answer that says so forgets the cards; the next viewer sees none.
    wallet.find_network()
    wallet.press("Try again")
    wallet.wait_for("Please sign in.")
    assert "₩" not in wallet.text()
    assert wallet.stored()["sessionStorage"] == {}
    wallet.lose_network()
    wallet.sign_in(FAILING_MEMBER)
    wallet.wait_for(OFFLINE)
    assert "₩" not in wallet.text()


def test_a_field_that_fails_leaves_the_others_and_signing_out_leaves_nothing(
    wallet: Wallet, production: tuple[str, Asked], pictures: Path
) -> None:
    address, _ = production
    wallet.hosts()  # what the browser's start page asked for
    wallet.driver.get(address)
    wallet.sign_in(FAILING_MEMBER)
    wallet.wait_for("₩")
    wallet.open_card()
    wallet.wait_for(ErrorCode.UPSTREAM_UNAVAILABLE.advice.en, "For support:", "₩")
    wallet.press("Try again")
    wallet.wait_for("Loading the transactions…")
    wallet.wait_for("For support:")
    wallet.photograph("wallet-web-error", pictures)

    wallet.press("Sign out")
    wallet.wait_for("Please sign in.")
    wallet.photograph("wallet-web-sign-in", pictures)
    assert wallet.stored()["sessionStorage"] == {}
    assert wallet.hosts() == {"127.0.0.1"}


def test_a_refresh_that_fails_leaves_the_cards_and_says_what_failed(
    wallet: Wallet, production: tuple[str, Asked]
) -> None:
    address, _ = production
    wallet.driver.get(address)
    wallet.sign_in(DEV_MEMBER)
    wallet.wait_for(*BALANCES)

    wallet.put_between(NO_CARDS)
    wallet.wait_for(ErrorCode.UPSTREAM_TIMEOUT.advice.en, *BALANCES)
    wallet.put_between("window.fetch = async () => new Response('<html>', { status: 502 })")
    wallet.wait_for(ErrorCode.OVERLOADED.advice.en, "Try again", *BALANCES)
    refusal = json.dumps({"errors": [{"message": "", "extensions": {"code": "FORBIDDEN"}}]})
    wallet.put_between(f"window.fetch = async () => new Response({refusal!r}, {{ status: 403 }})")
    wallet.wait_for(ErrorCode.FORBIDDEN.advice.en, *BALANCES)


def test_it_says_that_a_token_is_refused_and_leads_back_from_an_unknown_card(
    wallet: Wallet, production: tuple[str, Asked]
) -> None:
    address, _ = production
    wallet.driver.get(f"{address}#/cards/unknown")
    wallet.wait_for("Please sign in.")
    assert "not valid" not in wallet.text()
    wallet.driver.find_element(By.NAME, "token").send_keys("rubbish")
    wallet.press("Sign in")
    wallet.wait_for("The token is not valid, or has expired. Please sign in.")

    wallet.sign_in(DEV_MEMBER)
    wallet.wait_for(ErrorCode.NODE_NOT_FOUND.advice.en)
    wallet.driver.find_element(By.LINK_TEXT, "Back to my cards").click()
    wallet.wait_for(*BALANCES)
