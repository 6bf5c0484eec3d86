"""What compiled kernels and plans depend on: all kernel sources, what compiles them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import llvmlite
import numba
import numpy as np

SOURCES = Path(__file__).parent


def source_digest() -> str:
    """A digest of every kernel source and of what compiles it."""
    stamp = hashlib.sha256()
    for version in (numba.__version__, llvmlite.__version__, np.__version__):
        stamp.update(version.encode())
    for path in sorted(SOURCES.rglob("*.py")):
        stamp.update(path.relative_to(SOURCES).as_posix().encode())
        stamp.update(path.read_bytes())
    return stamp.hexdigest()[:16]
