"""A progress bar on standard error, if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def progress_bar() -> Iterator[Any]:
    """A bar whose `update` counts a frame."""
    from tqdm import tqdm

    shown = sys.stderr.isatty()
    with tqdm(unit=" frames", disable=not shown, leave=False) as bar:
        yield bar
