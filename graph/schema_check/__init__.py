"""Compares two schemas, and finds the stored operations that a change affects."""
