"""``python -m campaign``: see --help; the Makefile has it as ``make fuzz``."""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Plans of damaged models are worth no place on the user's disk.
    os.environ["DPSE_FAST_PLAN_CACHE"] = "0"
    from .command import main

    sys.exit(main())
