"""`python -m graph` runs the command `konagraph`."""

from konagraph import main

main()
