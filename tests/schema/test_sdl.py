"""The committed schema is what the code builds, parses, and keeps its conventions."""

from __future__ import annotations

import re

import graphql
import pytest
from graphql import DirectiveLocation, GraphQLEnumType, GraphQLObjectType, GraphQLSchema

from graph.konaplate.views.member import MEMBER
from schema.directives import without_defaults
from schema.fields import declaration
from schema.query import build_schema, print_schema
from tests.tools import ROOT

SDL = print_schema()
PRINTED = graphql.build_schema(SDL)
BUILT = build_schema()
OBJECTS = [t for t in PRINTED.type_map.values() if isinstance(t, GraphQLObjectType) and t.name[:2] != "__"]
OUR_OWN = {"TermsLocale", "ErrorCode"}
ENUMS = [
    kind
    for name, kind in PRINTED.type_map.items()
    if isinstance(kind, GraphQLEnumType) and name[:2] != "__" and name not in OUR_OWN
]


def test_the_committed_schema_is_what_the_code_builds() -> None:
    committed = (ROOT / "schema" / "schema.graphql").read_text(encoding="utf-8")

    assert committed == SDL, "run `make schema`"


def test_the_printed_schema_is_the_one_that_answers() -> None:
    def printed_types(schema: GraphQLSchema) -> dict[str, str]:
        return {
            name: graphql.print_type(kind)
            for name, kind in schema.type_map.items()
            if not graphql.is_introspection_type(kind) and not graphql.is_specified_scalar_type(kind)
        }

    assert printed_types(BUILT) == printed_types(PRINTED)
    assert graphql.validate_schema(BUILT) == []
    assert graphql.validate_schema(PRINTED) == []


def test_the_directive_is_defined_with_its_default() -> None:
    directive = PRINTED.get_directive("semanticNonNull")

    assert directive is not None
    assert directive.locations == (DirectiveLocation.FIELD_DEFINITION,)
    assert not directive.is_repeatable
    assert list(directive.args) == ["levels"]
    assert str(directive.args["levels"].type) == "[Int!]!"
    assert "directive @semanticNonNull(levels: [Int!]! = [0]) on FIELD_DEFINITION\n" in SDL


def test_the_default_is_not_repeated_at_each_use() -> None:
    uses = re.findall(r"@semanticNonNull(?! *\(levels: \[Int!]!).*", SDL)

    assert len(uses) > 10
    assert set(uses) == {"@semanticNonNull"}


def test_levels_that_are_not_the_default_are_printed() -> None:
    types = "type A {\n  a: Int @semanticNonNull(levels: [0])\n  b: [Int] @semanticNonNull(levels: [0, 1])\n}\n"

    assert without_defaults(types) == (
        "type A {\n  a: Int @semanticNonNull\n  b: [Int] @semanticNonNull(levels: [0, 1])\n}\n"
    )


def undescribed(schema: GraphQLSchema) -> list[str]:
    """Everything visible to clients without a description."""
    places = [(f"@{directive.name}", directive.description) for directive in schema.directives]
    places += [
        (f"@{d.name}({name}:)", arg.description)
        for d in schema.directives
        for name, arg in d.args.items()
        # Strawberry cannot describe it; the directive's description does.
        if d.name != "semanticNonNull"
    ]
    for kind in schema.type_map.values():
        places.append((kind.name, kind.description))
        if isinstance(kind, GraphQLEnumType):
            places += [(f"{kind.name}.{name}", value.description) for name, value in kind.values.items()]
        if isinstance(kind, GraphQLObjectType):
            for name, field in kind.fields.items():
                places.append((f"{kind.name}.{name}", field.description))
                places += [(f"{kind.name}.{name}({arg}:)", a.description) for arg, a in field.args.items()]
    return [
        place
        for place, description in places
        # graphql-core describes the introspection types, but not all of their fields.
        if not place.startswith("__") and not (description or "").strip()
    ]


@pytest.mark.parametrize("schema", [PRINTED, BUILT], ids=["printed", "built"])
def test_everything_has_a_description(schema: GraphQLSchema) -> None:
    assert undescribed(schema) == []


def test_a_description_names_the_scope_that_its_field_needs() -> None:
    needed, named = {}, {}
    for kind in BUILT.type_map.values():
        for name, field in kind.fields.items() if isinstance(kind, GraphQLObjectType) else ():
            spec = (declaration(field) or (None, None))[1]
            needed[kind.name, name] = [scope] if (scope := getattr(spec, "scope", None)) else []
            named[kind.name, name] = re.findall(r"the scope `([\w:-]+)`", field.description or "")
    # Whoever may see any member is declared where members are looked up.
    needed["Query", "member"] = list(MEMBER.open_to)
    assert named == needed
    assert sum(map(len, needed.values())) > 5


def test_the_directives_description_explains_its_levels() -> None:
    directive = PRINTED.get_directive("semanticNonNull")

    assert directive is not None
    assert "`levels`" in (directive.description or "")


@pytest.mark.parametrize("enum", ENUMS, ids=str)
def test_every_upstream_enum_knows_words_that_it_does_not_know(enum: GraphQLEnumType) -> None:
    used = [(kind, name) for kind in OBJECTS for name, field in kind.fields.items() if field.type is enum]

    assert "UNKNOWN" in enum.values
    assert used
    for kind, name in used:
        assert str(kind.fields[f"{name}Raw"].type) == "String"
        assert f"`{name}Raw`" in (enum.values["UNKNOWN"].description or "")
        assert f"`{name}`" in (kind.fields[f"{name}Raw"].description or "")


def test_there_are_enums_for_all_coded_values() -> None:
    assert {"ApprovalDivision", "CardStatus", "Gender", "IdentityEntry", "Nationality"} <= set(map(str, ENUMS))


def test_the_national_identifier_is_nowhere() -> None:
    # Whole words, and parts of a name in camel case.
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", SDL)

    assert "balance" in words
    assert "ci" not in {word.lower() for word in words}


def test_the_schema_can_only_be_read() -> None:
    assert BUILT.query_type is not None
    assert BUILT.mutation_type is None
    assert BUILT.subscription_type is None
