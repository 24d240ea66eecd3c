"""Errors of documents and values, ready to be shown. graphql-core's messages, which quote values, never are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from graphql import GraphQLError
from graphql.language import ObjectValueNode, ValueNode, VariableDefinitionNode, VariableNode, print_ast

from graph.errors import GatewayError
from graph.redact import safe_name
from schema.errors import ErrorCode
from schema.scalars import FORMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from graphql import FieldNode

MAX_VARIABLE_ERRORS: Final = 5


class DocumentError(Exception):
    """A document cannot be executed; `errors` say why."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


class UnknownHashError(DocumentError):
    """No document is stored under the hash of an automatic persisted query.

    The client must read this to go on, and Apollo iOS reads no body of a status other than 200.
    """

    def __init__(self, message: str | None = None) -> None:
        super().__init__(refused(ErrorCode.PERSISTED_QUERY_NOT_FOUND, message).errors)


def refused(code: ErrorCode, message: str | None = None, **extensions: str | int) -> DocumentError:
    """Make an error with one entry; the message is the code's own unless another is given."""
    cause = GatewayError(code, message, **extensions)
    return DocumentError([GraphQLError(cause.message, original_error=cause)])


def limit_exceeded(limit: str, maximum: int | None) -> DocumentError:
    """Make the error of a limit, which does not tell by how much the document exceeds it."""
    extensions: dict[str, str | int] = {"limit": limit}
    if maximum is not None:
        extensions["maximum"] = maximum
    return refused(ErrorCode.QUERY_LIMIT_EXCEEDED, f"The document exceeds the limit of its {limit}.", **extensions)


def introspection_refused(node: FieldNode | None = None, *, needs: str | None = None) -> DocumentError:
    """Make the error of a document that queries the schema, located at a field that does.

    Args:
        node: the field.
        needs: the scope that would allow it; None if nothing does.
    """
    code = ErrorCode.GRAPHQL_VALIDATION_FAILED
    if needs is None:
        cause = GatewayError(code, "Introspection is switched off.")
    else:
        cause = GatewayError(code, f"Introspection needs the scope '{needs}'.", requiredScope=needs)
    return DocumentError([GraphQLError(cause.message, nodes=node, original_error=cause)])


def invalid_value(receiver: str, kind: str) -> str:
    """Return the message about a value that does not fit a type, which may be within lists."""
    form = FORMS.get(kind.strip("[]!"))
    return f"{receiver} needs a valid value of type '{kind}'.{f' {form}' if form else ''}"


def variable_errors(errors: Iterable[GraphQLError]) -> list[GraphQLError]:
    """Rewrite the errors of variables whose values do not fit."""
    rewritten = [
        _variable_error(node)
        for error in errors
        for node in error.nodes or ()
        if isinstance(node, VariableDefinitionNode)
    ]
    # Coercion failed for another reason than a value.
    return rewritten[:MAX_VARIABLE_ERRORS] or [
        GraphQLError("", original_error=GatewayError(ErrorCode.BAD_USER_INPUT))
    ]


def argument_errors(errors: Sequence[GraphQLError]) -> Sequence[GraphQLError]:
    """Rewrite those errors of an execution that are about arguments.

    Valid documents can have them: null for a variable whose default value made it fit, for example.
    """
    return [_argument_error(error) for error in errors]


def _variable_error(node: VariableDefinitionNode) -> GraphQLError:
    name, kind = safe_name(node.variable.name.value), print_ast(node.type)
    return _bad_input(invalid_value(f"The variable '${name}'", kind), GraphQLError("", nodes=node))


def _argument_error(error: GraphQLError) -> GraphQLError:
    first = error
    while isinstance(first.original_error, GraphQLError):
        first = first.original_error
    node = first.nodes[0] if first.nodes else None
    # graphql-core's own errors have no cause, and point at a value only if an argument is wrong.
    if first.original_error is not None or not isinstance(node, ValueNode):
        return error
    if isinstance(node, ObjectValueNode) and len(node.fields) == 1:
        # For null in an input object that takes exactly one field, the error points at the whole object.
        node = node.fields[0].value
    if isinstance(node, VariableNode):
        return _bad_input(f"The variable '${safe_name(node.name.value)}' must have a value here, not null.", error)
    return _bad_input(None, error)


def _bad_input(message: str | None, error: GraphQLError) -> GraphQLError:
    cause = GatewayError(ErrorCode.BAD_USER_INPUT, message)
    return GraphQLError(cause.message, error.nodes, path=error.path, original_error=cause)
