"""`python -m graph` is the command `konagraph`."""

from graph.cli import main

main()
