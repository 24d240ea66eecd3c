"""What logs, metrics and traces learn of an answered request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from graphql import GraphQLError

from graph.errors import code_of
from graph.resilience.deadline import DeadlineExceededError
from schema.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graph.graphql.coordinates import Named
    from graph.http.request_trace import RequestTrace


CLIENT_CLOSED_REQUEST: Final = 499
"""nginx's status for a request whose client disconnected; only in logs and metrics."""


@dataclass(slots=True)
class RequestReport:
    """A summary of one request, free of secrets."""

    request_id: str
    method: str
    status: int = 0
    seconds: float = 0.0
    viewer: str | None = None
    """The viewer's kind; None when there was none."""
    operation: str | None = None
    codes: list[str] = field(default_factory=list)
    document: str | None = None
    """SHA-256 of the document without its card numbers; None if it may still contain one."""
    clients: tuple[str, ...] = ()
    """The client as far as it is known, or several that have stored the document; see `graph.http.clients`."""
    operation_type: str | None = None
    """The type of the operation; None for a request that was refused before it was known."""
    upstream_calls: int = 0
    saved_calls: int = 0
    deadline_hits: int = 0
    """How many fields were given up because the request's deadline had passed."""
    unexpected: list[BaseException] = field(default_factory=list)
    """Unexpected exceptions. Their messages may contain anything and must not be logged."""
    named: Named | None = None
    """What the operation names of the schema; None if it was refused before that was known."""
    roots: str | None = None
    """The names of the operation's root fields, shown for an operation without a name."""
    viewer_id: str | None = field(default=None, repr=False)
    """The viewer's id; None for an anonymous one. Not for logs or labels: it may be personal data."""
    timing: RequestTrace | None = field(default=None, repr=False)
    """Knows the times, if the viewer may see them; not for logs."""
    at_capacity: bool = False
    """Whether it was refused because the gateway was at capacity."""
    route: str = "/graphql"
    """The path, which is one of this gateway's own: it is a label and in spans."""
    scheme: str = "http"
    """`http` or `https`, of the connection to this gateway."""

    def note(self, errors: Sequence[Exception]) -> None:
        """Record the errors of the response."""
        for error in errors:
            cause = (error.original_error or error) if isinstance(error, GraphQLError) else error
            code = code_of(cause)
            self.codes.append(code.value)
            self.deadline_hits += isinstance(cause, DeadlineExceededError)
            if code is ErrorCode.INTERNAL_SERVER_ERROR:
                self.unexpected.append(cause)
