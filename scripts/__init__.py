"""Command-line programs of a checkout. Most run before anything is installed: the standard library only."""
