"""The share of a node that one MPI rank gets, from what its launcher tells it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

# Threads of a process, by the names that users of deepmd-kit set.
THREADS = ("DP_INTRA_OP_PARALLELISM_THREADS", "OMP_NUM_THREADS")
# Ranks on this node: MPICH and Intel MPI, Open MPI, MVAPICH, Slurm's srun.
RANKS = (
    *("MPI_LOCALNRANKS", "OMPI_COMM_WORLD_LOCAL_SIZE", "MV2_COMM_WORLD_LOCAL_SIZE"),
    "SLURM_STEP_TASKS_PER_NODE",
)
GPUS = Path("/proc/driver/nvidia/gpus")


def threads_of_rank(environment: Mapping[str, str]) -> tuple[int, str]:
    """Threads for this process, and why so many."""
    for name in THREADS:
        number = _leading_number(environment.get(name, ""))
        if number:
            return min(number, 1024), name
    own = len(_processors(0))
    for name in RANKS:
        ranks = _leading_number(environment.get(name, ""))
        if ranks > 1:
            # Ranks that are bound to processors of their own keep them.
            bound = own * ranks <= max(own, _processors_of_ancestors())
            share = own if bound else max(1, own // ranks)
            return share, f"{own} processors, {name}={ranks}"
    return own, f"{own} processors"


def device_of_rank(device: str, rank: int, environment: Mapping[str, str]) -> str:
    """The GPU of a rank, in turns, where the device has no number."""
    if device not in ("auto", "cuda") or rank < 0:
        return device
    n_gpus = _count_gpus(environment)
    if n_gpus < 2:
        return device
    if device == "auto":
        from ...cuda.availability import missing

        if missing() is not None:
            return device
    return f"cuda:{rank % n_gpus}"


def _leading_number(text: str) -> int:
    """The number that a text begins with, as in "4" and "4(x2)"; 0: none."""
    found = re.match(r"\s*(\d{1,6})", text)
    return int(found[1]) if found else 0


def _processors(process: int) -> set[int]:
    """Those that a process may use; 0: this one."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(process)
    return set(range(os.cpu_count() or 1))


def _processors_of_ancestors() -> int:
    """How many the launcher had, which is one of the processes above this one."""
    most, process = 0, os.getppid()
    for _ in range(64):
        if process < 1:
            break
        try:
            most = max(most, len(_processors(process)))
            state = Path(f"/proc/{process}/stat").read_text("utf-8", "replace")
            process = int(state.rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
    return most


def _count_gpus(environment: Mapping[str, str]) -> int:
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return 0 if visible[:1] in ("", "-") else len(visible.split(","))
    return len(list(GPUS.iterdir())) if GPUS.is_dir() else 0
