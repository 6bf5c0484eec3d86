"""Where a run is, on standard error."""

from __future__ import annotations

import sys
import time

_start = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - _start:6.1f} s] {text}", file=sys.stderr, flush=True)
