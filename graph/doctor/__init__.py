"""Looks at everything that a gateway needs, before it starts."""
