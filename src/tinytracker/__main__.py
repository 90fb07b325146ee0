"""`python -m tinytracker` (and `torchrun -m tinytracker`) is the command `tinytracker`."""

from tinytracker.cli.app import main

if __name__ == "__main__":  # processes that are spawned import this file under another name
    main()
