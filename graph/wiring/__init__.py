"""Builds the parts of the application from the settings; `graph.app` puts them together."""
