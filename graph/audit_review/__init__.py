"""Reads the audit log again: whether it was changed, and who saw what."""
