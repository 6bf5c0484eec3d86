"""The processes that a command runs in, if an MPI launcher started several."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from ..errors import DpseError, reason
from ..md.abort import FAILED, PASSED_ON
from ..runtime.missing import MissingPackageError, package

LAUNCHED = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),  # Open MPI
    ("PMI_SIZE", "PMI_RANK"),  # MPICH, Intel MPI, Cray
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID"),  # srun
)  # what launchers tell a process: how many there are, and which one it is


class RanksError(DpseError):
    """Processes that cannot work together."""


class Ranks:
    """All ranks of the command, and messages between them.

    Parameters
    ----------
    mpi : the module mpi4py.MPI

    Attributes
    ----------
    rank, size : this one, and how many there are
    """

    def __init__(self, mpi: Any) -> None:
        self._mpi, self._world = mpi, mpi.COMM_WORLD
        self.rank = int(self._world.Get_rank())
        self.size = int(self._world.Get_size())

    def threads(self) -> int:
        """What each rank gets of the processors that the ranks of its node share."""
        from ..devices import check_threads

        local = self._world.Split_type(self._mpi.COMM_TYPE_SHARED)
        affinity = getattr(os, "sched_getaffinity", lambda _: ())
        mine = tuple(sorted(affinity(0)))
        sharing = local.allgather(mine).count(mine)
        local.Free()
        return max(1, check_threads(None) // int(sharing))

    def send(self, value: Any, to: int, tag: int) -> Any:
        """Begin to send; the request ends when the other rank has taken the value."""
        return self._world.issend(value, dest=to, tag=tag)

    def received(self, tag: int, rank: int | None = None) -> tuple[int, Any] | None:
        """The next message of the tag, after the rank it is from; None without one."""
        status = self._mpi.Status()
        source = self._mpi.ANY_SOURCE if rank is None else rank
        message = self._world.improbe(source=source, tag=tag, status=status)
        return None if message is None else (status.Get_source(), message.recv())

    def abort(self, why: str) -> None:
        """End all ranks, when launchers have passed on what was said."""
        print(f"Error: {why}", file=sys.stderr, flush=True)
        time.sleep(PASSED_ON)
        self._world.Abort(FAILED)


@cache
def started_ranks() -> Ranks | None:
    """The ranks of this run; None if the process is the only one.

    MPI starts only if a launcher says that there are several.

    Raises
    ------
    RanksError
        If mpi4py is missing, or knows nothing of the other processes.
    """
    launched = launched_ranks(os.environ)
    if launched is None:
        return None
    _, size = launched
    from ase.parallel import world

    _ = world.size  # with mpi4py, ASE would share the reading of each file
    try:
        mpi = package("mpi4py.MPI", "mpi4py")
    except MissingPackageError:
        raise RanksError(
            f"{size} processes were started, which share the frames by mpi4py, and it "
            "is not installed: pip install mpi4py; or start one process, with --threads"
        ) from None
    except (ImportError, RuntimeError) as error:
        raise RanksError(
            f"{size} processes were started, but mpi4py cannot load an MPI library "
            f"({reason(error)})"
        ) from None
    ranks = Ranks(mpi)
    if ranks.size != size:
        raise RanksError(
            f"{size} processes were started, but mpi4py knows of {ranks.size}: its MPI "
            "is not that of the launcher; start them with the mpirun that belongs to it"
        )
    return ranks


def launched_ranks(environment: Mapping[str, str]) -> tuple[int, int] | None:
    """Which process this is, and of how many; None if it is the only one.

    With ``DPSE_FAST_MPI=0`` it is the only one, for programs that a launcher started
    several of, and that run a command from one of them.
    """
    if environment.get("DPSE_FAST_MPI") == "0":
        return None
    for size, rank in LAUNCHED:
        try:
            n, number = int(environment[size]), int(environment[rank])
        except (KeyError, ValueError):
            continue
        return (number, n) if n > 1 else None
    return None
