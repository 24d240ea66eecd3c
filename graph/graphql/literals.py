"""Hoists card numbers out of a document's text, so that the rest can be cached.

A literal that is exactly a quoted card number is replaced by a variable of the same length. The result, the
skeleton, is the same for every card number and is parsed and validated once. As nothing in it moves, the
locations of errors stay right. Equal literals become the same variable, because merged fields must have equal
arguments.

Only simple documents are hoisted: without escapes, comments and block strings, a quotation mark always begins or
ends a string. The variables are declared after validation with the card numbers restored, which tells whether
variables are allowed in their places.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from graphql import (
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    StringValueNode,
    TypeInfo,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_nullable_type,
    visit,
)
from graphql.validation import ValidationContext

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from graphql import DocumentNode, GraphQLSchema

RESERVED: Final = "konagraph_card_"
"""The prefix of the variables that replace literals."""

CARD_NUMBER: Final = "CardNumber"
"""Their type: the scalar of card numbers."""

_CARD_NUMBER: Final = NamedTypeNode(name=NameNode(value=CARD_NUMBER))
_DIGITS: Final = 16
# Invalid GraphQL is parsed twice, to locate the error.
_MAX_CHARACTERS: Final = 5_000
_NAMES: Final = tuple(f"{RESERVED}{number:02}" for number in range(100))
# `"9410123412341234"` and `$konagraph_card_00` are equally long.
_VARIABLES: Final = tuple(f"${name}" for name in _NAMES)
_NAME_CHARACTERS: Final = frozenset(f"_{string.ascii_letters}{string.digits}")


@dataclass(slots=True, eq=False, repr=False)
class Hoisted:
    """A document's text without its card numbers. It is no tuple, for the reason of `Resolved`."""

    skeleton: str
    card_nos: Mapping[str, str]
    """By the names of their variables."""
    literals: int
    """The number of literals that became variables; each is one token more."""

    def __repr__(self) -> str:
        return "Hoisted(...)"


def hoist(text: str) -> Hoisted | None:
    """Hoist the card numbers of a document's text.

    Returns:
        None if there are none, or more than a hundred, or one outside all braces, where variables are not
        allowed; or if the text is too long or not simple.
    """
    if not _is_simple(text):
        return None
    # The parts at odd places are strings.
    parts = text.split('"')
    variables: dict[str, str] = {}
    literals = braces = 0
    for place in range(1, len(parts), 2):
        literal = parts[place]
        braces += parts[place - 1].count("{") - parts[place - 1].count("}")
        if _is_card_number(literal):
            # `"…"x` is two tokens, but `$…x` would be one.
            if braces < 1 or parts[place + 1][:1] in _NAME_CHARACTERS:
                return None
            if literal not in variables:
                if len(variables) == len(_VARIABLES):
                    return None
                variables[literal] = _VARIABLES[len(variables)]
            parts[place] = variables[literal]
            literals += 1
        elif "\n" in literal or "\r" in literal:
            return None
        else:
            parts[place] = f'"{literal}"'
    return Hoisted("".join(parts), dict(zip(_NAMES, variables, strict=False)), literals) if variables else None


def _is_simple(text: str) -> bool:
    return (
        len(text) <= _MAX_CHARACTERS
        and '"' in text
        and "\\" not in text
        and "#" not in text
        and '"""' not in text
        and RESERVED not in text
        and text.count('"') % 2 == 0
    )


def _is_card_number(literal: str) -> bool:
    return len(literal) == _DIGITS and literal.isdecimal() and literal.isascii()


class _PutBack(Visitor):
    def __init__(self, card_nos: Mapping[str, str]) -> None:
        super().__init__()
        self._card_nos = card_nos

    def enter_variable(self, node: VariableNode, *_: object) -> StringValueNode | None:
        literal = self._card_nos.get(node.name.value)
        return None if literal is None else StringValueNode(value=literal, block=False, loc=node.loc)


def put_back(skeleton: DocumentNode, card_nos: Mapping[str, str]) -> DocumentNode:
    """Restore the document of a skeleton, with every literal in its place."""
    document: DocumentNode = visit(skeleton, _PutBack(card_nos))
    return document


def declare(schema: GraphQLSchema, skeleton: DocumentNode, names: Collection[str]) -> DocumentNode | None:
    """Declare the variables of a skeleton in the syntax tree; in the text, everything after them would move.

    Returns:
        None if there are several operations, each of which must declare only the variables that it uses; or if a
        variable is not in the place of a card number.
    """
    operations = [node for node in skeleton.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1:
        return None
    (operation,) = operations
    context = ValidationContext(schema, skeleton, TypeInfo(schema), lambda _error: None)
    for usage in context.get_recursive_variable_usages(operation):
        if usage.node.name.value in names and str(get_nullable_type(usage.type)) != CARD_NUMBER:
            return None
    declared = replace(
        operation, variable_definitions=(*(operation.variable_definitions or ()), *map(_definition, names))
    )
    definitions = tuple(declared if node is operation else node for node in skeleton.definitions)
    return replace(skeleton, definitions=definitions)


def _definition(name: str) -> VariableDefinitionNode:
    return VariableDefinitionNode(
        variable=VariableNode(name=NameNode(value=name)), type=NonNullTypeNode(type=_CARD_NUMBER)
    )
