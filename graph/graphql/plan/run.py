"""A compiled plan, and what it does: start every look-up, then complete the answer in the document's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from graph.graphql.plan.steps import Run
from graph.graphql.plan.values import UncleanError
from graph.graphql.result import Result

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from graphql.language import FieldNode

    from graph.context import RequestContext
    from graph.graphql.plan.steps import Place, Selection
    from graph.graphql.plan.values import Argument, Values
    from graph.konaplate.endpoints.card_info import CardInfo
    from graph.security.errors import RateLimitedError
    from schema.secrets import CardNo


class TypenameRoot(NamedTuple):
    """`__typename` of the query."""

    key: str
    name: str


class CardRoot(NamedTuple):
    """`card`."""

    key: str
    asked: Argument
    selection: Selection
    nodes: list[FieldNode]


class CardsRoot(NamedTuple):
    """`cards`."""

    key: str
    asked: Argument
    selection: Selection
    nodes: list[FieldNode]


Root = TypenameRoot | CardRoot | CardsRoot


class _Card:
    """One card that is asked for, and its place in the answer."""

    __slots__ = ("at", "card_no", "holder", "key", "looking_up", "refusal", "root")

    looking_up: asyncio.Future[CardInfo]

    def __init__(
        self, root: CardRoot | CardsRoot, card_no: CardNo, holder: Any, key: str | int, at: Place
    ) -> None:
        self.root = root
        self.card_no = card_no
        self.holder = holder
        self.key = key
        self.at = at
        self.refusal: RateLimitedError | None = None


class Plan:
    """What one operation does, for one choice of what its switches leave.

    Args:
        roots: the root fields in the order of the answer.
        steps: how many steps it has, as a measure of its size.
    """

    __slots__ = ("_roots", "steps")

    def __init__(self, roots: Sequence[Root], steps: int) -> None:
        self._roots = tuple(roots)
        self.steps = steps

    async def run(self, context: RequestContext, values: Values) -> Result:
        """Execute it.

        Raises:
            Exception: when this is a matter for graphql-core, which finds in the same context what was looked up.
        """
        data: dict[str, Any] = {}
        cards = self._cards(values, data, context.max_cards)
        if context.counts_cards and cards:
            await _spend(cards, context)
        context.check()
        _start(cards, context)
        run = Run(context)
        for card in cards:
            root = card.root
            try:
                if card.refusal is not None:
                    raise card.refusal  # noqa: TRY301 - it is shown as every other failure of this card
                view = context.card_view(card.card_no, await card.looking_up)
            except Exception as error:  # noqa: BLE001 - the error of this field, whatever it is
                run.fail(context.card_error(card.card_no, error), root.nodes, card.at)
            else:
                card.holder[card.key] = root.selection.complete(view, run, card.at)
        if run.waiting:
            await _fill_in(run)
        return Result(data, run.errors)

    def _cards(self, values: Values, data: dict[str, Any], max_cards: int) -> list[_Card]:
        """The cards that are asked for; `data` has all keys of the answer then."""
        cards = []
        for root in self._roots:
            key = root.key
            if isinstance(root, CardRoot):
                data[key] = None
                cards.append(_Card(root, root.asked(values), data, key, (key,)))
            elif isinstance(root, CardsRoot):
                asked = root.asked(values)
                if len(asked) > max_cards:
                    # It nulls the whole answer.
                    raise UncleanError
                places: list[Any] = [None] * len(asked)
                data[key] = places
                cards += [_Card(root, card_no, places, at, (key, at)) for at, card_no in enumerate(asked)]
            else:
                data[key] = root.name
        return cards


async def _spend(cards: Sequence[_Card], context: RequestContext) -> None:
    # All at once: one round trip where the budgets are shared.
    refusals = await context.spend([card.card_no for card in cards])
    for card, refusal in zip(cards, refusals, strict=True):
        card.refusal = refusal


def _start(cards: Sequence[_Card], context: RequestContext) -> None:
    """Begin every look-up before any is waited for."""
    for card in cards:
        if card.refusal is None:
            card.looking_up = context.start_card(card.card_no)
            if card.root.selection.looks_up and len(cards) > 1:
                # Its member need not wait for the cards before it.
                context.expect_profile(card.looking_up)


async def _fill_in(run: Run) -> None:
    for waiting in run.waiting:
        try:
            record = await waiting.looking_up
        except Exception as error:  # noqa: BLE001 - the error of this field, whatever it is
            waiting.step.null(error, run, waiting.at)
        else:
            waiting.step.finish(record, waiting, run)
