"""The HTTP side: request in, response out."""
