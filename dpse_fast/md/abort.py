"""Ending all ranks when one of them fails inside of a callback.

Engines ignore the exceptions of their callbacks, or raise them on one rank while the
others wait for it.
"""

from __future__ import annotations

import ctypes
import os
import sys
import time
import traceback
from typing import Any, NoReturn

from ..errors import DpseError

FAILED = 1  # the exit status
PASSED_ON = 0.5  # seconds in which launchers pass on what a rank wrote
MPICH_WORLD = 0x44000000  # MPI_COMM_WORLD in MPICH's ABI, which Intel and Cray share


def abort(where: str, error: BaseException) -> NoReturn:
    """Say what went wrong, and end the process and all ranks beside it.

    Without MPI the process exits with status 1, at which launchers end the rest.

    Parameters
    ----------
    where : the callback, for the message
    error : what it raised; anything but our own errors with its traceback
    """
    if not isinstance(error, DpseError):
        traceback.print_exception(error)
    message = f"{where}: {type(error).__name__}: {error}"
    print(f"dpse-fast stops the run in {message}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    if ranks() > 1:
        time.sleep(PASSED_ON)
        library, world = _started()
        library.MPI_Abort(world, FAILED)
    os._exit(FAILED)


def ranks() -> int:
    """How many ranks run this program; 1 without MPI."""
    library, world = _started()
    size = ctypes.c_int(1)
    if library is not None:
        library.MPI_Comm_size(world, ctypes.byref(size))
    return size.value


def _started() -> tuple[Any, Any]:
    """The MPI that the process has loaded and started, and its MPI_COMM_WORLD.

    Not by mpi4py: importing it makes ASE run in parallel, and starts MPI.
    """
    try:
        library = ctypes.CDLL(None)
        initialized, started = library.MPI_Initialized, ctypes.c_int(0)
    except (AttributeError, OSError, TypeError):
        return None, None
    initialized(ctypes.byref(started))
    if not started.value:
        return None, None
    try:  # Open MPI
        world = ctypes.c_char.in_dll(library, "ompi_mpi_comm_world")
    except ValueError:
        return library, ctypes.c_int(MPICH_WORLD)
    return library, ctypes.c_void_p(ctypes.addressof(world))
