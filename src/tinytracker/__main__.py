"""`python -m tinytracker` (and `torchrun -m tinytracker`) is the command `tinytracker`."""

from tinytracker.cli.app import main

main()
