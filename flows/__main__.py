"""`python -m flows`: the command line with the code of the current folder."""

from flows.cli import main

main()
