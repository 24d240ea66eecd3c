"""Card numbers taken out of a document's text, so that what is left can be remembered.

A literal that is exactly a quoted card number is replaced by a variable of the same length. What is left, the
skeleton, holds none of these numbers and is the same for every number, so that it can be parsed and validated
once. Nothing in it moves: errors still point at the right places of what the client sent. Equal literals become
the same variable and different ones different variables, because fields that are asked for twice must have equal
arguments.

This is a pass over tokens, and only over texts in which that is simple: without escapes, comments and block
strings a quotation mark can only begin or end a string. Every other text is left alone.

Whether a variable may stand where the number stood is known once the document is validated, with its numbers put
back. Only then are the variables declared.
"""

from __future__ import annotations

import string
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

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
"""How the names begin of the variables that stand for literals."""

CARD_NUMBER: Final = "CardNumber"
"""The scalar of card numbers, which is the type of these variables."""

_CARD_NUMBER: Final = NamedTypeNode(name=NameNode(value=CARD_NUMBER))
_DIGITS: Final = 16
# What is not GraphQL is parsed twice, to say where.
_MAX_CHARACTERS: Final = 5_000
_NAMES: Final = tuple(f"{RESERVED}{number:02}" for number in range(100))
# `"9410123412341234"` and `$konagraph_card_00` are equally long.
_VARIABLES: Final = tuple(f"${name}" for name in _NAMES)
_NAME_CHARACTERS: Final = frozenset(f"_{string.ascii_letters}{string.digits}")


class Hoisted(NamedTuple):
    """A text without its card numbers."""

    skeleton: str
    card_nos: Mapping[str, str]
    """The card numbers by the names of their variables."""
    literals: int
    """How many literals became variables; each is one token more."""

    def __repr__(self) -> str:
        return "Hoisted(...)"


def hoist(text: str) -> Hoisted | None:
    """Take the card numbers out of a text.

    Returns:
        None, when there are none, more than a hundred, one outside of all braces, where a variable may not be, or
        when the text is too long or not of the simple kind.
    """
    if not _is_simple(text):
        return None
    # As every mark begins or ends a string, the strings stand at the odd places.
    parts = text.split('"')
    variables: dict[str, str] = {}
    literals = braces = 0
    for place in range(1, len(parts), 2):
        literal = parts[place]
        braces += parts[place - 1].count("{") - parts[place - 1].count("}")
        if _is_card_number(literal):
            # `"…"x` is two tokens, and `$…x` would be one name.
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
    """The document that a skeleton was made of, with every literal at its place."""
    document: DocumentNode = visit(skeleton, _PutBack(card_nos))
    return document


def declare(schema: GraphQLSchema, skeleton: DocumentNode, names: Collection[str]) -> DocumentNode | None:
    """Declare the variables of a skeleton in its operation.

    In the syntax tree and not in the text, where everything behind would move.

    Returns:
        None, when there is not exactly one operation, for each would need the variables that it uses and no other;
        or when one of them does not stand where a card number is expected.
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
