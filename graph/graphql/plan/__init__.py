"""Compiled plans of operations."""
