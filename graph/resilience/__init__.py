"""Waiting and failing with bounds. Knows nothing of Konaplate, HTTP or GraphQL."""
