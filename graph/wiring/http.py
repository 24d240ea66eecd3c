"""Builds the HTTP side from the settings: the app, the page for browsers, and CORS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from graph.http.app import GRAPHQL_PATH, make_app
from graph.http.client_address import ClientAddresses
from graph.http.cors import OriginRules
from graph.http.graphiql import Explorer
from graph.http.graphiql_files import DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.applications import Starlette

    from graph.config.settings import Settings
    from graph.http.cors import OnForeignPage
    from graph.http.endpoint import GraphQLEndpoint
    from graph.http.schema import SchemaEndpoint
    from graph.security.authorization import Viewer
    from graph.security.guests import Guests
    from graph.telemetry.traces import Traces

MY_CARDS: Final = """\
query MyCards {
  viewer {
    member {
      cards {
        maskedCardNo
        balance
        cardStatus
        product { serviceName }
        transactions(first: 3) {
          nodes {
            approvalDateTime
            merchantName
            trAmount
          }
        }
      }
    }
  }
}
"""
EXAMPLE_QUERY: Final = """\
query Card($cardNo: CardNumber!) {
  card(cardNo: $cardNo) {
    maskedCardNo
    balance
    cardStatus
    serviceName
    member {
      userId
      profile { userName }
    }
    cashReceiptInfo { maskedIdNo }
  }
}
"""
_NO_CARD: Final = "0" * 16


def build_app(
    settings: Settings,
    endpoint: GraphQLEndpoint,
    explorer: Explorer | None,
    *,
    schema: SchemaEndpoint | None,
    traces: Traces | None,
    on_foreign_page: OnForeignPage,
    lifespan: Any,
) -> Starlette:
    """The app."""
    origins = OriginRules(
        settings.konagraph_allowed_origins,
        headers=settings.konagraph_allowed_headers,
        loopback=settings.konagraph_env == "development",
        on_foreign_page=on_foreign_page,
    )
    addresses = ClientAddresses(settings.konagraph_trusted_proxies)
    wrap = traces.traced if traces else lambda app: app
    return make_app(endpoint, explorer, addresses, origins, schema=schema, wrap=wrap, lifespan=lifespan)


class Playground(NamedTuple):
    """What the explorer of a gateway with the embedded sandbox has besides."""

    guests: Guests | None
    """Mints tokens; None where callers have API keys."""
    showcase: Mapping[str, Any]
    """See `graph.sandbox.showcase`."""


def build_explorer(
    settings: Settings, example_card: str | None, caller: Viewer, playground: Playground | None
) -> Explorer | None:
    """The page for browsers, if everybody may query the schema: GraphiQL is of little use without it.

    Its first query asks for the caller's cards, if every caller is one member, and else for the given card.
    """
    if not settings.allowed_in_development(settings.konagraph_introspection):
        return None
    mine = settings.konagraph_auth == "none" and caller.member_id is not None
    variables = orjson.dumps({"cardNo": example_card or _NO_CARD}, option=orjson.OPT_INDENT_2)
    return Explorer(
        DIRECTORY,
        endpoint=GRAPHQL_PATH,
        default_query=MY_CARDS if mine else EXAMPLE_QUERY,
        default_variables="" if mine else variables.decode(),
        facts={
            "auth": settings.konagraph_auth,
            "documentsMode": settings.konagraph_documents_mode,
            "sandbox": None if playground is None else playground.showcase,
        },
        guests=None if playground is None else playground.guests,
    )
