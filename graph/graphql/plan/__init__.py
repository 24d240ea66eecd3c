"""Compiled plans: what executes nearly every operation, in place of graphql-core.

A component of its own. It knows schemas and sources, and nothing of what they are about: whatever it needs to know
of a field is the field's resolver, a `Read` or a `LookUp`. It does the clean case. For anything else it raises
`FallbackToGraphQLCore`, and graphql-core executes the operation instead, whose data, errors and paths are the ones
that count.
"""
