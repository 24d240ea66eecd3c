"""The settings and their rules."""
