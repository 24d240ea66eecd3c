"""Which client a request comes from: a manifest's, or what its headers name, as far as that is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from graph.config.settings import Settings
from graph.http.clients import KnownClients, client_of_request, is_client
from tests.support import gateway, sandbox_settings, traced_gateway
from tests.tables import table
from tests.telemetry.capture import events, logs_as
from tests.telemetry.scrape import series

if TYPE_CHECKING:
    from pathlib import Path

CARD_NO = "9491339400000013"
CARD = "query Card($n: CardNumber!) { card(cardNo: $n) { balance maskedCardNo } }"
SHARED = "query Shared { viewer { member { userId } } }"
OTHERS = "query Others { errorCatalog { code } }"
APOLLO, ANY = "apollographql-client", "graphql-client"

NAMED = [
    ({}, ()),
    ({f"{APOLLO}-name": "web", f"{APOLLO}-version": "1.4.0"}, ("web@1.4.0",)),
    ({f"{ANY}-name": "web", f"{ANY}-version": "1.4.0"}, ("web@1.4.0",)),
    ({f"{APOLLO}-name": "web", f"{ANY}-name": "ios", f"{APOLLO}-version": "1.4.0"}, ("web@1.4.0",)),
    ({f"{APOLLO}-name": "web", f"{APOLLO}-version": "9"}, ("other",)),
    ({f"{APOLLO}-name": "web"}, ("other",)),
    ({f"{APOLLO}-version": "1.4.0"}, ()),
    ({f"{APOLLO}-name": "partner", f"{APOLLO}-version": "9"}, ("partner",)),
    ({f"{APOLLO}-name": "partner"}, ("partner",)),
    ({f"{APOLLO}-name": CARD_NO}, ("other",)),
    ({f"{APOLLO}-name": "x" * 10_000}, ("other",)),
    ({f"{APOLLO}-name": "web@1.4.0"}, ("web@1.4.0",)),
    ({f"{APOLLO}-name": ""}, ()),
    # Without a version, none is made up.
    ({f"{APOLLO}-name": "tool"}, ("other",)),
]


@table("headers, client", NAMED)
def test_headers_name_one_of_the_known_clients(headers: dict[str, str], client: tuple[str, ...]) -> None:
    known = KnownClients({"partner"})
    known.trust(["web@1.4.0", "tool@None"])
    assert client == known.of({name: [value] for name, value in headers.items()})


@table(
    "stored, named, client",
    [
        ((), (), ()),
        ((), ("ios@2",), ("ios@2",)),
        (("web@1",), ("ios@2",), ("web@1",)),
        (("web@1", "web@2"), ("web@2",), ("web@2",)),
        (("web@1", "web@2"), ("other",), ("web@1", "web@2")),
        (("web@1", "web@2"), (), ("web@1", "web@2")),
    ],
)
def test_the_manifests_of_a_document_take_precedence_over_the_headers(
    stored: tuple[str, ...], named: tuple[str, ...], client: tuple[str, ...]
) -> None:
    assert client == client_of_request(stored, named)


@table("text", ["other", "unnamed", "", "@1", "web@", "wéb", "a b", CARD_NO, f"web@{CARD_NO}"])
def test_what_could_be_anything_is_no_client(text: str) -> None:
    assert not is_client(text)


def test_the_setting_lists_clients_with_and_without_versions() -> None:
    assert sandbox_settings(KONAGRAPH_CLIENTS="web@1.4.0, partner").konagraph_clients == {"web@1.4.0", "partner"}
    assert Settings.model_fields["konagraph_clients"].default == frozenset()


async def test_a_client_is_known_as_soon_as_its_manifest_is_and_no_longer(tmp_path: Path) -> None:
    old, new = tmp_path / "web@1.0.json", tmp_path / "web@2.0.json"
    old.write_text(json.dumps({"a": SHARED}))
    settings = {"KONAGRAPH_DOCUMENTS": tmp_path}
    with logs_as("info") as stream:
        async with gateway(**settings) as running:

            async def ask(version: str) -> None:
                headers = {f"{APOLLO}-name": "web", f"{APOLLO}-version": version}
                await running.client.post("/graphql", json={"query": OTHERS}, headers=headers)

            await ask("1.0")
            await ask("2.0")
            old.rename(new)
            await running.app.state.renewal.renew(sandbox_settings(**settings))
            await ask("1.0")
            await ask("2.0")
            shown = {dict(labels)["client"] for _, labels in series(running.metrics, "usage_total")}
    clients = [line["clients"] for line in events(stream) if line["event"] == "request"]
    assert clients == [["web@1.0"], ["other"], ["other"], ["web@2.0"]]
    assert shown == {"other", "web@2.0"}


async def test_the_client_is_in_logs_audit_and_metrics_and_nothing_that_is_not_known(tmp_path: Path) -> None:
    for client, documents in {"web@1.4.0": [CARD, SHARED], "web@2.0": [SHARED]}.items():
        (tmp_path / f"{client}.json").write_text(json.dumps({text[6:10]: text for text in documents}))

    def named(name: str, version: str | None = None) -> dict[str, str]:
        return {f"{APOLLO}-name": name, **({} if version is None else {f"{APOLLO}-version": version})}

    asked: list[tuple[str, dict[str, str], list[str]]] = [
        (CARD, {}, ["web@1.4.0"]),
        (CARD, named("partner", "3"), ["web@1.4.0"]),
        (SHARED, named("web", "2.0"), ["web@2.0"]),
        (OTHERS, named("partner", "3"), ["partner"]),
        (OTHERS, named("invented"), ["other"]),
        (OTHERS, {}, []),
        ("{ wrong }", named("partner"), ["partner"]),
    ]
    exporter = InMemorySpanExporter()
    with logs_as("info") as stream:
        settings = {"KONAGRAPH_DOCUMENTS": tmp_path, "KONAGRAPH_CLIENTS": "partner"}
        async with traced_gateway(exporter, **settings) as running:
            for text, headers, _ in asked:
                body: dict[str, Any] = {"query": text, "variables": {"n": CARD_NO} if "$n" in text else {}}
                await running.client.post("/graphql", json=body, headers=headers)
            counts = series(running.metrics, "client_requests_total")
    requests = [line for line in events(stream) if line["event"] == "request"]
    assert [client for _, _, client in asked] == [line["clients"] for line in requests]
    assert "invented" not in stream.getvalue()
    spans = [dict(span.attributes or {}) for span in exporter.get_finished_spans() if span.kind is SpanKind.SERVER]
    shown: list[Any] = [span.get("konagraph.clients", ()) for span in spans]
    assert [tuple(client) for _, _, client in asked] == shown
    audited = [line["clients"] for line in events(stream) if line.get("action") == "read" and "card_ref" in line]
    assert audited == [["web@1.4.0"], ["web@1.4.0"]]
    assert {dict(labels)["client"]: count for (_, labels), count in counts.items()} == {
        "web@1.4.0": 2,
        "web@2.0": 1,
        "partner": 2,
        "other": 1,
    }
