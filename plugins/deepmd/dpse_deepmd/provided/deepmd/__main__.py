"""``python -m deepmd``: the command ``dp``."""

import sys

from dpse_deepmd.command import main

if __name__ == "__main__":
    sys.exit(main())
