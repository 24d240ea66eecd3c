"""Compiled plans, which execute nearly every operation in place of graphql-core.

A component of its own: it knows schemas and `graph.graphql.fields`, and nothing of cards. A plan does the
clean case. For anything else it raises `FallbackToGraphQLCore`, and graphql-core executes the operation; its data,
errors and paths are authoritative.
"""


class FallbackToGraphQLCore(Exception):  # noqa: N818 - a signal, not an error
    """Only graphql-core can do or judge this."""
