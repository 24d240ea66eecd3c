"""The explorer's server side: the pages, their content and their files."""

import html
import json
import re
import shutil
from pathlib import Path

import pytest
from starlette.responses import Response

from graph.http.graphiql import Explorer
from tests.tools import ROOT

OWN_FILES = (
    *("index.html", "explorer.css", "explorer.js", "copy-as.js", "happened.js"),
    *("requests.js", "sandbox.js", "store.js"),
)
NPM_FILES = (
    "node_modules/graphiql/graphiql.min.css",
    "node_modules/graphiql/graphiql.min.js",
    "node_modules/@graphiql/plugin-explorer/dist/style.css",
    "node_modules/@graphiql/plugin-explorer/dist/index.umd.js",
    "node_modules/react-dom/umd/react-dom.production.min.js",
    "node_modules/react/umd/react.production.min.js",
)
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
HOSTILE = '</script><script>alert(1)</script><!-- $endpoint & "quotes" \u2028'


def explorer(
    directory: Path, *, endpoint: str = "/graphql", query: str = "{ a }", variables: str = "{}"
) -> Explorer:
    return Explorer(directory, endpoint=endpoint, default_query=query, default_variables=variables)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """The project's own files, as in a fresh clone."""
    for name in OWN_FILES:
        shutil.copy(ROOT / "explorer" / name, tmp_path)
    return tmp_path


@pytest.fixture
def complete(bare: Path) -> Path:
    """The same after `make explorer`, each npm file holding its own path."""
    for name in NPM_FILES:
        (bare / name).parent.mkdir(parents=True, exist_ok=True)
        (bare / name).write_text(name)
    return bare


def text_of(response: Response) -> str:
    return bytes(response.body).decode()


def page_text(page: Explorer) -> str:
    return text_of(page.page())


def directives(response: Response) -> dict[str, str]:
    policy = response.headers["content-security-policy"]
    return {name: value for name, _, value in (part.partition(" ") for part in policy.split("; "))}


def settings(text: str) -> dict[str, str]:
    block = r'<script type="application/json" id="explorer-settings">(.*?)</script>'
    data = re.search(block, text, re.DOTALL)
    assert data is not None
    return dict(json.loads(data[1]))


def assets_named_by(text: str) -> set[str]:
    return set(re.findall(r'(?:src|href)="/graphql/explorer/([^"]+)"', text))


def test_a_complete_folder_lacks_nothing(complete: Path) -> None:
    assert explorer(complete).missing == ()


def test_the_page_names_exactly_the_files_that_are_served(complete: Path) -> None:
    page = explorer(complete)
    names = assets_named_by(page_text(page))

    bodies = {name: text_of(asset) for name in names if (asset := page.asset(name)) is not None}

    assert len(names) == 8
    assert set(bodies) == names
    assert {body for body in bodies.values() if body.startswith("node_modules/")} == set(NPM_FILES)


def test_files_have_their_types(complete: Path) -> None:
    page = explorer(complete)
    for name in assets_named_by(page_text(page)):
        asset = page.asset(name)
        assert asset is not None
        assert asset.status_code == 200
        assert asset.headers["content-type"] == TYPES[name.rpartition(".")[2]]


def test_the_page_carries_the_default_query_and_variables(complete: Path) -> None:
    query = "query Q($cardNo: CardNumber!) { card(cardNo: $cardNo) { balance } }"
    variables = '{"cardNo": "1"}'

    carried = settings(page_text(explorer(complete, query=query, variables=variables)))

    assert carried["query"] == query
    assert carried["variables"] == variables
    assert carried["endpoint"] == "/graphql"


def test_hostile_defaults_stay_data(complete: Path) -> None:
    plain = page_text(explorer(complete))
    text = page_text(explorer(complete, query=HOSTILE, variables=HOSTILE))

    assert text.count("<script") == plain.count("<script")
    assert text.count("<!--") == plain.count("<!--")
    assert settings(text)["query"] == HOSTILE
    assert settings(text)["variables"] == HOSTILE


@pytest.mark.parametrize("folder", ["bare", "complete"])
def test_a_hostile_endpoint_stays_text(folder: str, request: pytest.FixtureRequest) -> None:
    directory: Path = request.getfixturevalue(folder)
    endpoint = '/"><script>alert(1)</script>'

    text = page_text(explorer(directory, endpoint=endpoint))

    assert "<script>alert" not in text
    assert html.escape(endpoint) in text


def test_the_policy_allows_only_this_origin_and_nothing_inline(complete: Path) -> None:
    response = explorer(complete).page()
    nonce = settings(text_of(response))["styleNonce"]

    assert directives(response) == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": f"'self' 'nonce-{nonce}'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self' data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_the_style_nonce_is_new_for_every_page(complete: Path) -> None:
    page = explorer(complete)
    nonces = {settings(page_text(page))["styleNonce"] for _ in range(20)}

    assert len(nonces) == 20
    assert all(len(nonce) >= 22 for nonce in nonces)


def test_no_page_contains_inline_script_or_style_or_a_foreign_address(complete: Path, tmp_path: Path) -> None:
    for directory in (complete, tmp_path / "nowhere"):
        text = page_text(explorer(directory))
        assert re.findall(r"<style|\sstyle=|\son\w+=|https?:|javascript:|<script>|<script defer>", text) == []


@pytest.mark.parametrize("absent", NPM_FILES)
def test_one_missing_file_is_named_with_the_command_that_gets_it(complete: Path, absent: str) -> None:
    (complete / absent).unlink()

    page = explorer(complete)
    text = page_text(page)

    assert page.missing == (absent,)
    assert f"<code>{absent}</code>" in text
    assert "make explorer" in text
    assert "Node 18" in text
    assert "<script" not in text


def test_without_npm_files_the_own_style_sheet_is_still_served(bare: Path) -> None:
    page = explorer(bare)

    assert sorted(page.missing) == sorted(NPM_FILES)
    assert assets_named_by(page_text(page)) == {"explorer.css"}
    assert page.asset("explorer.css") is not None
    assert page.asset("graphiql.js") is None


def test_without_the_folder_the_page_still_explains(tmp_path: Path) -> None:
    page = explorer(tmp_path / "nowhere")

    assert page.missing[0] == "index.html"
    assert len(page.missing) == 14
    assert page.page().status_code == 200


def test_both_pages_are_html_under_a_policy(bare: Path, complete: Path) -> None:
    for directory in (bare / "nowhere", complete):
        response = explorer(directory).page()
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert len(dict(response.raw_headers)) == len(response.raw_headers)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "index.html",
        "package.json",
        "package-lock.json",
        "../pyproject.toml",
        "..%2fpyproject.toml",
        "%2e%2e/pyproject.toml",
        "..\\pyproject.toml",
        "./explorer.js",
        "explorer.js/",
        "explorer.js\x00.css",
        "EXPLORER.JS",
        "/etc/passwd",
        "node_modules/react/umd/react.production.min.js",
    ],
)
def test_only_the_names_of_the_table_are_served(complete: Path, name: str) -> None:
    (complete / "package.json").write_text("{}")

    assert explorer(complete).asset(name) is None


def test_files_that_change_later_are_not_read_again(complete: Path) -> None:
    page = explorer(complete)
    before = page.asset("react.js")
    assert before is not None
    (complete / "node_modules/react/umd/react.production.min.js").write_text("other")

    after = page.asset("react.js")
    assert after is not None
    assert after.body == before.body
