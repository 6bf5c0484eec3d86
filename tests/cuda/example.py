"""A kernel with arguments that the compile gate passes it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple, cast


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
