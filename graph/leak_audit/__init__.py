"""Sends every failure and every bad input through a gateway and searches what comes out for what must not."""
