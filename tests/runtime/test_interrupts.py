"""Interrupts that compiled code has made into errors."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from dpse_fast.formats.hdf5 import open_file
from dpse_fast.runtime.interrupts import Terminated, raise_interrupt_behind


def test_an_interrupt_while_a_file_is_read_does_not_make_it_a_damaged_one(
    tmp_path: Path,
) -> None:
    """As Cython has it: a SystemError whose cause is the interrupt."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = 1.0
    for interrupt in (KeyboardInterrupt, Terminated):
        with pytest.raises(interrupt), open_file(tmp_path / "a.h5"):
            raise SystemError("returned a result with an exception set") from (
                interrupt()
            )


def test_other_errors_are_left_alone() -> None:
    error = ValueError("outer")
    error.__context__ = KeyError("inner")
    raise_interrupt_behind(error)
    error.__context__.__context__ = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        raise_interrupt_behind(error)
