"""Why a document is refused: the errors that are ready to be presented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphql import GraphQLError

from graph.errors import GatewayError
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from graphql import FieldNode


class DocumentError(Exception):
    """A document that cannot be executed. `errors` are ready to be presented."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(f"{len(errors)} errors")
        self.errors = errors


class UnavailableDocumentError(DocumentError):
    """A document that is not known, or that must not be executed here."""


def refused(code: ErrorCode, message: str | None = None, **extensions: str | int) -> DocumentError:
    """A refusal with one error; the message is the code's own unless another is given."""
    cause = GatewayError(code, message, **extensions)
    return DocumentError([GraphQLError(cause.message, original_error=cause)])


def limit_exceeded(limit: str, maximum: int | None) -> DocumentError:
    """A refusal by one of the limits, which it names; by how much the document exceeds it is not told."""
    extensions: dict[str, str | int] = {"limit": limit}
    if maximum is not None:
        extensions["maximum"] = maximum
    return refused(ErrorCode.QUERY_LIMIT_EXCEEDED, f"The document exceeds the limit of its {limit}.", **extensions)


def introspection_refused(node: FieldNode | None = None) -> DocumentError:
    """A refusal of a document that queries the schema, at a field that does."""
    cause = GatewayError(ErrorCode.GRAPHQL_VALIDATION_FAILED, "Introspection is switched off.")
    return DocumentError([GraphQLError(cause.message, nodes=node, original_error=cause)])
