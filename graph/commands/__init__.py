"""The commands that need no folder of their own; `graph.cli` gathers all."""
