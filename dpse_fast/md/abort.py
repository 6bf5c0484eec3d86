"""Ending all ranks when one of them fails inside of a callback.

Engines ignore the exceptions of their callbacks, or raise them on one rank while the
others wait for it.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any, NoReturn

FAILED = 1  # the exit status


def abort(where: str, error: BaseException, communicator: Any = None) -> NoReturn:
    """Say what went wrong, and end the process and all ranks beside it.

    Parameters
    ----------
    where : the callback, for the message
    error : what it raised; anything but our own errors with its traceback
    communicator : of mpi4py, or None: that of the process if MPI is in use
        Without mpi4py the process exits with status 1, at which mpirun ends the rest.
    """
    from ..errors import DpseError

    if not isinstance(error, DpseError):
        traceback.print_exception(error)
    message = f"{where}: {type(error).__name__}: {error}"
    print(f"dpse-fast stops the run in {message}", file=sys.stderr, flush=True)
    sys.stdout.flush()
    world = communicator or _world()
    if world is not None and world.Get_size() > 1:
        world.Abort(FAILED)
    os._exit(FAILED)


def ranks() -> int:
    """How many ranks there are; 1 where mpi4py does not know of any."""
    world = _world()
    return 1 if world is None else int(world.Get_size())


def _world() -> Any:
    """MPI's communicator if MPI was started; it is not started by asking."""
    try:
        if "mpi4py.MPI" not in sys.modules:
            import mpi4py

            mpi4py.rc.initialize = False
        from mpi4py import MPI
    except (ImportError, RuntimeError):
        return None
    return MPI.COMM_WORLD if MPI.Is_initialized() else None
