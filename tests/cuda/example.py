"""A kernel with arguments that the compile gate passes it, and common arguments."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
from dpse_fast.kernels.cuda.layout import BatchPairs, FullList, PairGradients

from dpse_fast.plan.plan import PRECISIONS

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("examples_*.py"))
DOUBLES, LONGS, INTS = (np.zeros(64, t) for t in (np.float64, np.int64, np.int32))
PLACES = np.zeros(64, np.uint16)
HOOD = FullList(LONGS, INTS, PLACES, INTS, INTS, INTS)


class Example(NamedTuple):
    """What a kernel is compiled for, and what it may take."""

    name: str
    kernel: Any
    arguments: tuple[Any, ...]  # NumPy arrays, named tuples of them, numbers
    registers: int  # of a thread, at most
    wide_loads: bool  # 16-byte loads are meant
    float64: bool  # float64 instructions are meant in `single`


def examples_of(module: str, precision: str) -> list[Example]:
    """The examples of a module beside this one."""
    found = import_module(f"tests.cuda.{module}").examples(precision)
    return cast(list[Example], found)


def pairs_with(offsets: Any, differences: Any) -> BatchPairs:
    """The pairs of a batch; their precisions are those of two arrays."""
    return BatchPairs(LONGS, 0, 1, INTS, PLACES, INTS, offsets, differences, INTS)


def gradients_of(precision: str) -> PairGradients:
    return PairGradients(np.zeros(64, PRECISIONS[precision][1]), 0)
