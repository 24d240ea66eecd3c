"""The analysis visits each selection once, and counts as if fragments were expanded."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    parse,
)
from graphql.language import Visitor, visit
from hypothesis import given
from hypothesis import strategies as st

from graph.graphql.analysis import analyse
from graph.graphql.cost import SATURATED
from tests.graphql.schemas import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode, SelectionSetNode

    from graph.graphql.size import Size


def only(text: str) -> Size:
    ((_, size),) = analyse(parse(text), SCHEMA).operations
    return size


def doubled(levels: int, leaf: str = "__typename", on: str = "Query") -> str:
    fragments = [f"fragment F{level} on {on} {{ ...F{level + 1} ...F{level + 1} }}" for level in range(levels)]
    return " ".join([*fragments, f"fragment F{levels} on {on} {{ {leaf} }}"])


@pytest.mark.parametrize(("levels", "expected"), [(1, 2), (10, 1024), (21, 2**21), (60, SATURATED)])
def test_counters_of_doubled_fragments_are_right_until_they_saturate(levels: int, expected: int) -> None:
    size = only("{ ...F0 } " + doubled(levels, "x: a @d"))
    assert (size.fields, size.root_fields, size.aliases, size.directives) == (expected,) * 4
    hidden = only("{ __schema { ...F0 } } " + doubled(levels))
    assert min(expected + 1, SATURATED) == hidden.introspection_fields


class Counted(tuple):  # type: ignore[type-arg]  # of selections
    """Selections that count how often they are iterated."""

    __slots__ = ()
    rounds = 0

    def __iter__(self) -> Iterator[object]:
        Counted.rounds += 1
        return super().__iter__()


def rounds(text: str) -> tuple[int, int]:
    """The number of selection sets in a document, and how often they were iterated."""
    document, found = parse(text), 0

    class Replace(Visitor):
        def enter_selection_set(self, node: SelectionSetNode, *_: object) -> None:
            nonlocal found
            found += 1
            object.__setattr__(node, "selections", Counted(node.selections))

    visit(document, Replace())
    Counted.rounds = 0
    analyse(document, SCHEMA)
    return found, Counted.rounds


@pytest.mark.parametrize(
    "text",
    [
        "{ a { b ... { c } } }",
        "{ ...F0 ...F0 a { ...F0 } } " + doubled(60),
        "{ ...F } fragment F on Query { ...G ...G } fragment G on Query { ...F ...F a { ...F } }",
    ],
)
def test_each_selection_set_is_gone_through_once(text: str) -> None:
    found, gone_through = rounds(text)
    assert found == gone_through


@pytest.mark.parametrize("levels", [21, 40, 60])
def test_doubled_fragments_take_well_under_ten_milliseconds(levels: int) -> None:
    document = parse("{ ...F0 } " + doubled(levels))

    def seconds() -> float:
        # CPU time, so that a busy machine does not fail this.
        started = time.thread_time()
        analyse(document, SCHEMA)
        return time.thread_time() - started

    assert min(seconds() for _ in range(5)) < 0.01


def test_a_long_chain_of_fragments_needs_no_deep_stack() -> None:
    chain = " ".join(f"fragment F{level} on Query {{ ...F{level + 1} }}" for level in range(5_000))
    assert only("{ ...F0 } " + chain + " fragment F5000 on Query { a }").fields == 1


class Naive(NamedTuple):
    """The measures, counted by expanding all fragments; for small documents without cycles."""

    depth: int = 0
    aliases: int = 0
    root_fields: int = 0
    fields: int = 0
    directives: int = 0
    introspection_depth: int = 0
    introspection_fields: int = 0


def expanded(document: DocumentNode) -> Naive:
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    (operation,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    naive = Naive()

    def note(level: int, *, hidden: bool, **counted: int) -> None:
        nonlocal naive
        depth = "introspection_depth" if hidden else "depth"
        fields = "introspection_fields" if hidden else "fields"
        # Within introspection, directives count as fields, and aliases do not count.
        counted = {fields: sum(counted.get(name, 0) for name in ("fields", "directives"))} if hidden else counted
        counted = {name: getattr(naive, name) + count for name, count in counted.items()}
        naive = naive._replace(**counted, **{depth: max(getattr(naive, depth), level)})

    def go(selections: SelectionSetNode, level: int, *, hidden: bool) -> None:
        for node in selections.selections:
            directives = len(node.directives or ())
            if isinstance(node, FieldNode):
                inner = hidden or node.name.value in ("__schema", "__type")
                note(level + 1, hidden=inner, fields=1, aliases=int(node.alias is not None), directives=directives)
                if level == 0:
                    note(0, hidden=False, root_fields=1)
                if node.selection_set:
                    go(node.selection_set, level + 1, hidden=inner)
                continue
            note(0, hidden=hidden, directives=directives)
            if isinstance(node, InlineFragmentNode):
                go(node.selection_set, level, hidden=hidden)
            elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
                go(fragments[node.name.value].selection_set, level, hidden=hidden)

    go(operation.selection_set, 0, hidden=False)
    return naive


def selections(spreads: list[str]) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(["a", "x: b", "c @d", "__typename", *spreads])
    return st.recursive(
        leaf,
        lambda inner: st.builds(
            lambda name, body: f"{name} {{ {' '.join(body)} }}",
            st.sampled_from(["...", "... on Card @d", "card", "y: card", "__schema", "__type"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
        max_leaves=5,
    )


FRAGMENTS = [f"F{index}" for index in range(5)]


def documents(*, circular: bool) -> st.SearchStrategy[str]:
    """A document of five fragments; unless circular, each spreads only later ones."""
    heads = ["query", *(f"fragment {name} on Query" for name in FRAGMENTS)]
    bodies = [
        st.lists(
            selections([f"...{name}" for name in FRAGMENTS[0 if circular else index :]]), min_size=1, max_size=4
        )
        for index in range(len(heads))
    ]
    return st.tuples(*bodies).map(
        lambda drawn: " ".join(f"{head} {{ {' '.join(body)} }}" for head, body in zip(heads, drawn, strict=True))
    )


@given(documents(circular=False))
def test_the_walker_agrees_with_expanding_everything(text: str) -> None:
    size = only(text)
    naive = expanded(parse(text))
    assert naive == Naive(*(getattr(size, name) for name in Naive._fields))


@given(documents(circular=True))
def test_any_document_is_measured_in_one_round(text: str) -> None:
    found, gone_through = rounds(text)
    assert found == gone_through
