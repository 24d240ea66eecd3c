"""Sends every failure and bad input through a gateway, and searches its output for secrets."""
