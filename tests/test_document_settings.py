"""The settings of documents: problems are reported at start, and switches work."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from graph.app import create_app
from graph.cli import main
from graph.config.settings import Settings, SettingsError
from graph.graphql.errors import DocumentError
from graph.graphql.limits import DocumentLimits
from graph.graphql.request import GraphQLRequest
from graph.wiring.documents import build_documents, read_trusted
from tests.graphql.documents import CARD_QUERY, INLINE_CARD, TYPENAME, apollo_manifest, apollo_operation, hash_of
from tests.support import credentials, sandbox_settings, sandbox_transport

if TYPE_CHECKING:
    from pathlib import Path

    from graph.graphql.operation import Resolved
    from graph.graphql.persisted import DocumentResolver


def problems(settings: Settings) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        build_documents(settings)
    return caught.value.problems


@pytest.mark.parametrize("mode", ["log", "enforce"])
def test_a_mode_needs_a_manifest(mode: str) -> None:
    with pytest.raises(SettingsError) as caught:
        sandbox_settings(KONAGRAPH_DOCUMENTS_MODE=mode)
    assert caught.value.problems == [f"KONAGRAPH_DOCUMENTS is missing; KONAGRAPH_DOCUMENTS_MODE={mode} needs it"]


@pytest.mark.parametrize("mode", ["off", "log", "enforce"])
def test_every_problem_of_a_manifest_is_named_in_every_mode(tmp_path: Path, mode: str) -> None:
    file = tmp_path / "manifest.json"
    broken = [apollo_operation(text) for text in ("{", CARD_QUERY, INLINE_CARD)]
    file.write_bytes(apollo_manifest(*broken))
    found = problems(sandbox_settings(KONAGRAPH_DOCUMENTS=file, KONAGRAPH_DOCUMENTS_MODE=mode))
    assert [problem.split(" '")[0] for problem in found] == [
        "KONAGRAPH_DOCUMENTS: document 1",
        "KONAGRAPH_DOCUMENTS: document 3",
    ]


def test_a_manifest_of_sixteen_mebibytes_is_read_and_no_larger_one(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    content = apollo_manifest(apollo_operation(CARD_QUERY))
    file.write_bytes(content + b" " * (16 * 1024 * 1024 - len(content)))
    settings = sandbox_settings(KONAGRAPH_DOCUMENTS=file)
    assert len(read_trusted(settings)) == 1
    with file.open("ab") as end:
        end.write(b" ")
    told = "KONAGRAPH_DOCUMENTS: names a file that cannot be read"
    assert problems(settings) == [f"{told}: {file}: it is larger than 16777216 bytes"]


def test_a_manifest_that_cannot_be_read_is_a_problem_with_the_reason(tmp_path: Path) -> None:
    told, nothing = "KONAGRAPH_DOCUMENTS: names a file that cannot be read", tmp_path / "nothing"
    found = [problems(sandbox_settings(KONAGRAPH_DOCUMENTS=path)) for path in (nothing, tmp_path)]
    assert found == [
        [f"{told}: {nothing}: No such file or directory"],
        [f"{told}: {tmp_path}: the folder has no .json file"],
    ]


def test_manifests_are_a_list_or_the_files_of_a_folder(tmp_path: Path) -> None:
    folder, other = tmp_path / "some manifests", tmp_path / "android@3.json"
    folder.mkdir()
    texts = {folder / "web@1.4.0.json": TYPENAME, folder / "ios.json": CARD_QUERY, other: "{ __typename }"}
    for file, text in texts.items():
        file.write_bytes(apollo_manifest(apollo_operation(text)))
    for name in ("README.md", "..data.json", "web.json~"):
        (folder / name).write_text("no manifest")
    # A path of its own may have spaces; a list is separated by commas or spaces.
    of_folder = read_trusted(sandbox_settings(KONAGRAPH_DOCUMENTS=folder))
    assert set(of_folder.documents) == {TYPENAME, CARD_QUERY}
    assert of_folder.client_names == {"web@1.4.0"}
    folder = folder.rename(tmp_path / "manifests")
    of_list = read_trusted(sandbox_settings(KONAGRAPH_DOCUMENTS=f"{folder},{other}"))
    assert set(of_list.documents) == set(texts.values())
    assert of_list.client_names == {"web@1.4.0", "android@3"}


def test_problems_of_several_manifests_name_their_files(tmp_path: Path) -> None:
    broken = {"a.json": b"{", "b@.json": b"{}", "c.json": b'{"x": "{ __typename }"}', "d.json": b'{"x": "{"}'}
    for name, content in broken.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "empty").mkdir()
    found = problems(
        sandbox_settings(KONAGRAPH_DOCUMENTS=f"{tmp_path} {tmp_path / 'empty'} {tmp_path / 'none.json'}")
    )
    told = "KONAGRAPH_DOCUMENTS: "
    assert found == [
        f"{told}names a file that cannot be read: {tmp_path / 'empty'}: the folder has no .json file",
        f"{told}{tmp_path / 'b@.json'} has a name with an @ that is not of the form client@version.json",
        f"{told}names a file that cannot be read: {tmp_path / 'none.json'}: No such file or directory",
        f"{told}{tmp_path / 'a.json'}: is not JSON",
        f"{told}{tmp_path / 'd.json'}: document 1 'x' has another text in {tmp_path / 'c.json'}",
    ]


def test_the_gateway_does_not_start_with_a_manifest_that_cannot_be_used(tmp_path: Path) -> None:
    settings = sandbox_settings(KONAGRAPH_DOCUMENTS=tmp_path / "missing.json")
    with pytest.raises(SettingsError, match="KONAGRAPH_DOCUMENTS: names a file that cannot be read"):
        create_app(settings, transport=sandbox_transport())


def test_the_command_that_checks_the_settings_checks_the_manifest(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_bytes(apollo_manifest(apollo_operation("{", "Broken")))
    environment = {**credentials().gateway_settings(), "KONAPLATE_BASE_URL": "http://sandbox/open-api"}
    result = CliRunner().invoke(main, ["check-config"], env={**environment, "KONAGRAPH_DOCUMENTS": str(file)})
    assert result.exit_code == 2
    assert "KONAGRAPH_DOCUMENTS: document 1" in result.stderr


def test_the_manifest_is_held_to_the_limits_and_the_introspection_of_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_bytes(apollo_manifest(apollo_operation("{ __schema { __typename } }"), apollo_operation(TYPENAME)))
    assert build_documents(sandbox_settings(KONAGRAPH_DOCUMENTS=file)) is not None
    (hidden,) = problems(sandbox_settings(KONAGRAPH_DOCUMENTS=file, KONAGRAPH_INTROSPECTION="false"))
    assert "Introspection is switched off." in hidden
    large = "{ a " * 9 + "}" * 9
    file.write_bytes(apollo_manifest(apollo_operation(large), apollo_operation(TYPENAME)))
    (deep,) = problems(sandbox_settings(KONAGRAPH_DOCUMENTS=file))
    assert "exceeds the limit of its depth" in deep


def test_the_limits_that_are_not_set_are_the_defaults_of_a_document() -> None:
    assert DocumentLimits() == sandbox_settings().document_limits


def test_no_number_of_root_fields_makes_requests_large() -> None:
    limits = sandbox_settings(KONAGRAPH_MAX_ROOT_FIELDS=1_000_000).document_limits
    assert (limits.root_fields, limits.body_bytes, limits.tokens) == (1_000_000, 10 * 64 * 1024, 6_000)


@pytest.mark.parametrize(("burst", "rate"), [(1, 1), (19, 1), (50, 2.5), (200_000, 10_000)])
def test_at_least_one_of_the_cost_comes_back_in_a_second(burst: int, rate: float) -> None:
    assert sandbox_settings(KONAGRAPH_COST_BURST=burst).allowance.cost_per_second == rate


@pytest.mark.parametrize(
    ("environment", "switch", "registers"),
    [
        ("development", None, True),
        ("development", False, False),
        ("production", None, False),
        ("production", True, True),
    ],
)
async def test_documents_can_be_registered_in_development_unless_it_is_set(
    environment: str, switch: bool | None, *, registers: bool
) -> None:
    settings = sandbox_settings().model_copy(update={"konagraph_env": environment, "konagraph_apq": switch})
    resolver = build_documents(settings)
    await find(resolver, GraphQLRequest(TYPENAME, persisted_hash=hash_of(TYPENAME)))
    by_hash = GraphQLRequest(None, persisted_hash=hash_of(TYPENAME))
    if registers:
        found = await find(resolver, by_hash)
        assert found.document.operations.keys() == {"Name"}
    else:
        with pytest.raises(DocumentError):
            await find(resolver, by_hash)


async def find(resolver: DocumentResolver, request: GraphQLRequest) -> Resolved:
    async def pay(_cost: int) -> None:
        pass

    return await resolver.find(request, pay, lambda: False)
