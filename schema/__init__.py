"""The GraphQL contract: types, scalars, error codes, and where each field comes from."""

APPLICATION = "konagraph"
"""Tells this package from others that are called `schema`, see `konagraph.py`."""
