"""The explorer in a real browser."""

from tests.browser.explorer_page import PHONE_WIDTH, ExplorerPage

DOCS = ".graphiql-doc-explorer"
QUERY_BUILDER = ".graphiql-explorer-root"


def test_the_page_loads_without_a_complaint_in_the_console(page: ExplorerPage) -> None:
    assert page.complaints() == []


def test_the_docs_pane_shows_the_card_type(page: ExplorerPage) -> None:
    page.press("Show Documentation Explorer")
    page.wait_for(DOCS)
    page.follow("Card")

    assert page.text(".graphiql-doc-explorer-title") == "Card"
    assert "balance" in page.text(DOCS)
    assert page.complaints() == []


def test_the_explorer_panel_closes_and_opens(page: ExplorerPage) -> None:
    page.press("Hide GraphiQL Explorer")
    page.wait_until_gone(QUERY_BUILDER)
    page.press("Show GraphiQL Explorer")
    page.wait_for(QUERY_BUILDER)

    assert "balance" in page.text(QUERY_BUILDER)


def test_the_default_query_runs_as_it_stands(page: ExplorerPage) -> None:
    answer = page.run()

    assert '"balance"' in answer
    assert '"errors"' not in answer
    assert page.complaints() == []


def test_a_bad_card_number_shows_its_error_code_and_is_not_repeated(page: ExplorerPage) -> None:
    page.write("query", '{ card(cardNo: "9411-oops") { balance } }')

    answer = page.run()

    assert '"BAD_USER_INPUT"' in answer
    assert "9411-oops" not in answer


def test_the_dialogs_work_under_the_content_security_policy(page: ExplorerPage) -> None:
    page.press("Open settings dialog")
    page.wait_for(".graphiql-dialog")

    assert "Theme" in page.text(".graphiql-dialog")
    assert "headers" not in page.text(".graphiql-dialog")
    assert page.complaints() == []


def test_no_request_leaves_the_machine(page: ExplorerPage) -> None:
    page.press("Show Documentation Explorer")
    page.wait_for(DOCS)
    page.run()

    assert page.requested_hosts() == {"127.0.0.1"}


def test_nothing_is_left_behind_in_the_browser(page: ExplorerPage) -> None:
    nothing = {"localStorage": {}, "sessionStorage": {}, "cookie": "", "databases": [], "cacheNames": []}
    visits = page.visits()

    page.run()
    page.press("Show History")
    page.press("Add tab")

    assert page.stored() == nothing
    assert page.driver.get_cookies() == []
    assert page.driver.current_url == page.url
    assert page.visits() == visits


def test_a_phone_shows_the_answer_below_the_query(page: ExplorerPage) -> None:
    page.open_on_a_phone()

    answer = page.run()

    assert answer.count('"balance"') == 5
    top, bottom = (page.place(selector) for selector in (".graphiql-query-editor", ".graphiql-response"))
    assert top["bottom"] <= bottom["top"]
    assert max(top["right"], bottom["right"]) <= PHONE_WIDTH
