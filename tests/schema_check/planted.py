"""Changes planted into a schema, and the stored documents that each affects."""

from __future__ import annotations

from typing import Final, NamedTuple

from graph.schema_check.effects import Effect
from tests.schema_check.stored_by_clients import (
    CARD_1,
    CARD_2,
    CHARGES,
    ENGLISH,
    FIND,
    HISTORY,
    LIST,
    NODE,
    PAGE,
    SEARCH,
    TERMS,
    WRITTEN,
)


class Planted(NamedTuple):
    """A change: a text of the schema, what replaces it, and the documents that it affects."""

    before: str
    after: str
    kind: str
    coordinate: str
    affected: dict[str, Effect]


INVALID, VARIABLES, ANSWERS = Effect.INVALID, Effect.VARIABLES, Effect.ANSWERS
BREAKING: Final = [
    Planted("  balance: Won!\n", "", "FIELD_REMOVED", "Card.balance", {CARD_1: INVALID, CARD_2: INVALID}),
    Planted(" name: String!", " title: String", "FIELD_REMOVED", "Member.name", {NODE: INVALID}),
    Planted("  owner: Member\n", "", "FIELD_REMOVED", "Card.owner", {}),
    Planted("  nick: String @semanticNonNull\n", "", "FIELD_REMOVED", "Card.nick", {CARD_2: INVALID}),
    Planted(" text: String }", " }", "FIELD_REMOVED", "Filter.text", {WRITTEN: INVALID, SEARCH: VARIABLES}),
    Planted(" id: ID hint", " hint", "FIELD_REMOVED", "Lookup.id", {FIND: VARIABLES}),
    Planted(
        "balance: Won!", "balance: Won", "FIELD_CHANGED_KIND", "Card.balance", {CARD_1: ANSWERS, CARD_2: ANSWERS}
    ),
    Planted("amount: Won!", "amount: [Won!]!", "FIELD_CHANGED_KIND", "Transaction.amount", {HISTORY: ANSWERS}),
    Planted("status: Status\n", "status: Member\n", "FIELD_CHANGED_KIND", "Card.status", {CARD_1: INVALID}),
    Planted(
        "text: String }", "text: Int }", "FIELD_CHANGED_KIND", "Filter.text", {WRITTEN: INVALID, SEARCH: VARIABLES}
    ),
    Planted(
        "cardNo: CardNumber id", "cardNo: CardNumber! id", "FIELD_CHANGED_KIND", "Lookup.cardNo", {FIND: VARIABLES}
    ),
    Planted("filter: Filter,", "", "ARG_REMOVED", "Query.search(filter:)", {WRITTEN: INVALID, SEARCH: INVALID}),
    Planted("first: Int = 20, ", "", "ARG_REMOVED", "Card.transactions(first:)", {HISTORY: INVALID}),
    Planted("order: Order)", "order: Status)", "ARG_CHANGED_KIND", "Query.search(order:)", {SEARCH: INVALID}),
    Planted("order: Order)", "order: Order!)", "ARG_CHANGED_KIND", "Query.search(order:)", {WRITTEN: INVALID}),
    Planted("first: Int = 20", "first: Float = 20", "ARG_CHANGED_KIND", "Card.transactions(first:)", {}),
    Planted(
        "first: Int = 20",
        "first: Won = 20",
        "ARG_CHANGED_KIND",
        "Card.transactions(first:)",
        {HISTORY: ANSWERS},
    ),
    Planted(
        "text: String }",
        "text: CardNumber }",
        "FIELD_CHANGED_KIND",
        "Filter.text",
        {WRITTEN: ANSWERS, SEARCH: VARIABLES},
    ),
    Planted("node(id: ID!)", "node(id: String!)", "ARG_CHANGED_KIND", "Query.node(id:)", {NODE: INVALID}),
    Planted(
        "card(cardNo: CardNumber!)",
        "card(cardNo: CardNumber!, pin: String!)",
        "REQUIRED_ARG_ADDED",
        "Query.card(pin:)",
        {CARD_1: INVALID, CARD_2: INVALID, HISTORY: INVALID, CHARGES: INVALID},
    ),
    Planted(
        "kind: Kind)",
        "kind: Kind, to: Int!)",
        "REQUIRED_ARG_ADDED",
        "Card.transactions(to:)",
        {HISTORY: INVALID, CHARGES: INVALID},
    ),
    Planted(
        "limit: Int = 10 text",
        "limit: Int = 10 of: ID! text",
        "REQUIRED_INPUT_FIELD_ADDED",
        "Filter.of",
        {WRITTEN: INVALID, SEARCH: VARIABLES},
    ),
    Planted(
        "union Result = Card | NotFound",
        "union Result = Card",
        "TYPE_REMOVED_FROM_UNION",
        "Result",
        {FIND: INVALID},
    ),
    Planted(
        "type Member implements Node", "type Member", "IMPLEMENTED_INTERFACE_REMOVED", "Member", {NODE: INVALID}
    ),
    Planted("type Card implements Node", "type Card", "IMPLEMENTED_INTERFACE_REMOVED", "Card", {}),
    Planted(
        "enum Locale { KO EN }", "enum Locale { KO }", "VALUE_REMOVED_FROM_ENUM", "Locale.EN", {ENGLISH: INVALID}
    ),
    Planted(
        "enum Status { ACTIVE LOST }",
        "enum Status { ACTIVE }",
        "VALUE_REMOVED_FROM_ENUM",
        "Status.LOST",
        {WRITTEN: INVALID, SEARCH: VARIABLES, CARD_1: ANSWERS},
    ),
    Planted(
        "enum Order { NEWEST OLDEST }", "enum Order { NEWEST }", "VALUE_REMOVED_FROM_ENUM", "Order.OLDEST", {}
    ),
    Planted(
        "type Terms { title: String! }",
        "interface Terms { title: String! }",
        "TYPE_CHANGED_KIND",
        "Terms",
        {TERMS: ANSWERS, ENGLISH: ANSWERS},
    ),
    Planted("enum Kind { PAY CHARGE }", "scalar Kind", "TYPE_CHANGED_KIND", "Kind", {CHARGES: ANSWERS}),
    Planted(
        "@cached(seconds: Int, scope",
        "@cached(scope",
        "DIRECTIVE_ARG_REMOVED",
        "@cached(seconds:)",
        {SEARCH: INVALID},
    ),
    Planted(
        "@cached(seconds: Int,",
        "@cached(seconds: Int, by: ID!,",
        "REQUIRED_DIRECTIVE_ARG_ADDED",
        "@cached(by:)",
        {SEARCH: INVALID},
    ),
    Planted(" repeatable on FIELD |", " on FIELD |", "DIRECTIVE_REPEATABLE_REMOVED", "@cached", {SEARCH: INVALID}),
    Planted(" on FIELD | QUERY", " on QUERY", "DIRECTIVE_LOCATION_REMOVED", "@cached", {SEARCH: INVALID}),
    Planted(" on FIELD | QUERY", " on FIELD", "DIRECTIVE_LOCATION_REMOVED", "@cached", {}),
    Planted("directive @cached", "directive @kept", "DIRECTIVE_REMOVED", "@cached", {SEARCH: INVALID}),
    Planted(
        "Filter { status: Status limit: Int = 10",
        "Filter @oneOf { status: Status limit: Int",
        "ONE_OF_ADDED",
        "Filter",
        {WRITTEN: INVALID, SEARCH: VARIABLES},
    ),
    Planted(
        "rows: Int! = 10",
        "rows: Int!",
        "INPUT_FIELD_BECAME_REQUIRED",
        "Page.rows",
        {LIST: INVALID, PAGE: VARIABLES},
    ),
    Planted(
        "size: Int! = 5", "size: Int!", "ARG_BECAME_REQUIRED", "Query.list(size:)", {LIST: INVALID, PAGE: INVALID}
    ),
    Planted(
        'note: String = "a"',
        'note: String! = "a"',
        "FIELD_CHANGED_KIND",
        "Page.note",
        {LIST: INVALID, PAGE: VARIABLES},
    ),
    Planted("NotFound", "Missing", "TYPE_REMOVED", "NotFound", {FIND: INVALID}),
]
DANGEROUS: Final = [
    Planted(
        "enum Status { ACTIVE LOST }",
        "enum Status { ACTIVE LOST SOLD }",
        "VALUE_ADDED_TO_ENUM",
        "Status.SOLD",
        {CARD_1: ANSWERS},
    ),
    Planted(
        "enum Order { NEWEST OLDEST }", "enum Order { NEWEST OLDEST BY }", "VALUE_ADDED_TO_ENUM", "Order.BY", {}
    ),
    Planted(
        "union Result = Card", "union Result = Terms | Card", "TYPE_ADDED_TO_UNION", "Result", {FIND: ANSWERS}
    ),
    Planted(
        "type NotFound { code",
        "type NotFound implements Node { id: ID! code",
        "IMPLEMENTED_INTERFACE_ADDED",
        "NotFound",
        {NODE: ANSWERS},
    ),
    Planted(
        "first: Int = 20",
        "first: Int = 10",
        "ARG_DEFAULT_VALUE_CHANGE",
        "Card.transactions(first:)",
        {CHARGES: ANSWERS},
    ),
    Planted(
        'scope: String = "all"',
        'scope: String = "own"',
        "ARG_DEFAULT_VALUE_CHANGE",
        "@cached(scope:)",
        {SEARCH: ANSWERS},
    ),
    Planted(
        "locale: Locale = KO",
        "locale: Locale",
        "ARG_DEFAULT_VALUE_CHANGE",
        "Query.terms(locale:)",
        {TERMS: ANSWERS},
    ),
    Planted(
        "limit: Int = 10",
        "limit: Int = 5",
        "INPUT_FIELD_DEFAULT_VALUE_CHANGE",
        "Filter.limit",
        {WRITTEN: ANSWERS, SEARCH: ANSWERS},
    ),
    Planted("kind: Kind)", "kind: Kind, to: Int)", "OPTIONAL_ARG_ADDED", "Card.transactions(to:)", {}),
    Planted("limit: Int = 10", "limit: Int = 10 of: ID", "OPTIONAL_INPUT_FIELD_ADDED", "Filter.of", {}),
    Planted(
        "nick: String @semanticNonNull",
        "nick: String",
        "SEMANTIC_NON_NULL_REMOVED",
        "Card.nick",
        {CARD_2: ANSWERS},
    ),
]
SAFE: Final = [
    Planted("owner: Member\n", "owner: Member\n  color: String\n", "FIELD_ADDED", "Card.color", {}),
    Planted("scalar Won", "scalar Won\ntype New { a: Int }", "TYPE_ADDED", "New", {}),
    Planted("owner: Member\n", "owner: Member!\n", "FIELD_CHANGED_KIND_SAFE", "Card.owner", {}),
    Planted("owner: Member\n", "owner: Member @semanticNonNull\n", "SEMANTIC_NON_NULL_ADDED", "Card.owner", {}),
    Planted("nick: String", '"Of its owner." nick: String', "DESCRIPTION_CHANGED", "Card.nick", {}),
    Planted("nick: String", 'nick: String @deprecated(reason: "use id")', "DEPRECATED", "Card.nick", {}),
    Planted("PAY CHARGE", 'PAY CHARGE @deprecated(reason: "gone")', "DEPRECATED", "Kind.CHARGE", {}),
]
