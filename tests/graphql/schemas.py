"""The product's schema, which tests share: nothing changes it, and to build it takes long."""

from __future__ import annotations

from typing import Final

from graph.graphql.bindings import executable_schema

SCHEMA: Final = executable_schema()
