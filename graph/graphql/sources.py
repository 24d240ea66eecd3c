"""What an object of an answer is made of, and the one place where its secrets are opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from schema.secrets import IdentityNo, PersonalText, Secret

if TYPE_CHECKING:
    from graph.context import RequestContext
    from graph.security.card_refs import Subject

_PERSONAL: Final = (PersonalText, IdentityNo)


class Source:
    """A record, with what is needed to show it.

    Args:
        record: the data of the object; None at the root.
        key: what the record was asked for by.
        subject: whose data it is, as far as the audit log is concerned.
        context: of the request.
        kind: the name of its type, where its field could give several.
    """

    __slots__ = ("context", "key", "kind", "record", "subject")

    def __init__(
        self, record: Any, key: Any, subject: Subject | None, context: RequestContext, kind: str | None = None
    ) -> None:
        self.record = record
        self.key = key
        self.subject = subject
        self.context = context
        self.kind = kind


def opened(source: Source, name: str, value: Any) -> Any:
    """Open a secret on its way into the answer: the one place where an answer's clear text leaves its type.

    Personal data is noted as read here, so that what a query selects but skips is not.

    Args:
        source: the object that shows it.
        name: the field's name.
        value: what the field shows; anything that is no secret passes as it is.
    """
    if isinstance(value, Secret):
        if isinstance(value, _PERSONAL):
            refusal = source.context.note(source.subject, name)
            if refusal is not None:
                return refusal
        return value.reveal()
    if isinstance(value, list):
        return [opened(source, name, item) for item in value]
    return value
