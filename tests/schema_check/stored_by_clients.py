"""A schema, and the documents that clients have stored for it."""

from __future__ import annotations

import functools
from typing import Final

from graphql import parse

from graph.schema_check.stored import StoredDocument

SDL: Final = """\
directive @semanticNonNull(levels: [Int!]! = [0]) on FIELD_DEFINITION
directive @cached(seconds: Int, scope: String = "all") repeatable on FIELD | QUERY

type Query {
  card(cardNo: CardNumber!): Card
  node(id: ID!): Node
  lookup(by: Lookup!): Result!
  terms(locale: Locale = KO): [Terms!]!
  search(filter: Filter, order: Order): [Card!]!
  list(page: Page, size: Int! = 5): String
}

interface Node { id: ID! }

type Card implements Node {
  id: ID!
  balance: Won!
  status: Status
  nick: String @semanticNonNull
  owner: Member
  transactions(first: Int = 20, kind: Kind): [Transaction!]!
}

type Member implements Node { id: ID! name: String! }
type Transaction { amount: Won! kind: Kind }
type NotFound { code: String! }
type Terms { title: String! }
union Result = Card | NotFound
enum Status { ACTIVE LOST }
enum Kind { PAY CHARGE }
enum Locale { KO EN }
enum Order { NEWEST OLDEST }
input Lookup { cardNo: CardNumber id: ID hint: String = "none" }
input Filter { status: Status limit: Int = 10 text: String }
input Page { rows: Int! = 10 note: String = "a" }
scalar CardNumber
scalar Won
"""

_MANIFESTS: Final = {
    "web@1.0": ["query Card($n: CardNumber!) { card(cardNo: $n) { id balance status } }"],
    "web@2.0": [
        "query Card($n: CardNumber!) { card(cardNo: $n) { ...Part } } fragment Part on Card { id balance nick }",
        "query History($n: CardNumber!) { card(cardNo: $n) { transactions(first: 5) { amount } } }",
    ],
    "ios@3.1": [
        "query Find($by: Lookup!) { lookup(by: $by) { __typename ... on Card { id } ... on NotFound { code } } }",
    ],
    "android@1.2": [
        "query Node($id: ID!) { node(id: $id) { id ... on Member { name } } }",
        "query Charges($n: CardNumber!) { card(cardNo: $n) { transactions(kind: CHARGE) { kind } } }",
    ],
    "batch@1": [
        "query Terms { terms { title } }",
        'query Written { search(filter: { status: LOST, text: "a" }) { id } }',
    ],
    "partner@9": [
        "query Search($f: Filter) { search(filter: $f, order: NEWEST) { id @cached(seconds: 1) @cached } }",
        "query List { list(page: { note: null }) }",
        "query Page($p: Page, $s: Int) { list(page: $p, size: $s) }",
        "query English { terms(locale: EN) { title } }",
    ],
}  # fmt: skip


@functools.cache
def stored() -> list[StoredDocument]:
    return [
        StoredDocument(client, text.split()[1].partition("(")[0], parse(text))
        for client, texts in _MANIFESTS.items()
        for text in texts
    ]


CARD_1, CARD_2, HISTORY = "web@1.0 Card", "web@2.0 Card", "web@2.0 History"
FIND, NODE, CHARGES = "ios@3.1 Find", "android@1.2 Node", "android@1.2 Charges"
TERMS, WRITTEN, SEARCH, ENGLISH = "batch@1 Terms", "batch@1 Written", "partner@9 Search", "partner@9 English"
LIST, PAGE = "partner@9 List", "partner@9 Page"
