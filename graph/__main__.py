"""`python -m graph` is the command `konagraph`."""

from konagraph import main

main()
