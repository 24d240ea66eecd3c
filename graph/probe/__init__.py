"""Finds out by a few calls what the vendor's documentation leaves open, and which settings fit."""
