"""What is known of one request once it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from graphql import GraphQLError

from graph.errors import code_of
from graph.resilience.deadline import DeadlineExceededError
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(slots=True)
class RequestReport:
    """Made for logs and metrics; free of secrets."""

    request_id: str
    method: str
    status: int = 0
    seconds: float = 0.0
    viewer: str | None = None
    """The viewer's kind; None when there was none."""
    operation: str | None = None
    codes: list[str] = field(default_factory=list)
    document: str | None = None
    """The SHA-256 hash of the document's text without its card numbers; None where it could hold one still."""
    operation_type: str | None = None
    """What kind of operation was to be executed; None for a request that was refused before that."""
    upstream_calls: int = 0
    saved_calls: int = 0
    deadline_hits: int = 0
    """How many fields were given up because the request's time was over."""
    unexpected: list[BaseException] = field(default_factory=list)
    """Exceptions that no table foresees. Their messages may hold anything and must not be logged."""
    roots: str | None = None
    """The names of the operation's fields at its root, for a reader who knows no name of it."""
    viewer_id: str | None = field(default=None, repr=False)
    """Whose credentials there were; None for nobody's. For no log and no label: it may be personal."""
    at_capacity: bool = False
    """Whether it was refused because as many operations were executed as may be."""

    def note(self, errors: Sequence[Exception]) -> None:
        """Remember what the errors of the response were."""
        for error in errors:
            cause = (error.original_error or error) if isinstance(error, GraphQLError) else error
            code = code_of(cause)
            self.codes.append(code.value)
            self.deadline_hits += isinstance(cause, DeadlineExceededError)
            if code is ErrorCode.INTERNAL_SERVER_ERROR:
                self.unexpected.append(cause)
