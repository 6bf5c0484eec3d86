"""Which processors ranks take if nobody says so."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from lammps_runs import Lammps

PROGRAM = r"""
#include "placement.h"
#include <cstdio>

int main(int argc, char **argv)
{
  MPI_Init(&argc, &argv);
  const dpse::Placement found = dpse::place(MPI_COMM_WORLD, argc > 1);
  printf("%d %d %d\n", found.rank, found.threads, dpse::count_gpus());
  MPI_Finalize();
}
"""
PROCESSORS = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
two_processors = pytest.mark.skipif(
    len(PROCESSORS) < 2, reason="two ranks cannot be bound to one processor each"
)


@pytest.fixture(scope="module")
def program(
    lammps: Lammps, building: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> str:
    folder = tmp_path_factory.mktemp("placement")
    (folder / "main.cpp").write_text(PROGRAM)
    mpi = building.mpi_header()
    library = lammps.environment["LD_LIBRARY_PATH"].split(os.pathsep)[0]
    subprocess.run(
        [
            *(building.compiler("CXX", "c++", "g++"), "-std=c++17"),
            *("main.cpp", str(building.SOURCES / "placement.cpp"), "-o", "placement"),
            *(f"-I{building.SOURCES}", f"-I{mpi}", f"{library}/libmpi.so.12"),
        ],
        cwd=folder,
        check=True,
    )
    return str(folder / "placement")


def placed(lammps: Lammps, command: list[str], ranks: int) -> list[list[int]]:
    found = lammps.execute(command, Path.cwd(), ranks=ranks)
    assert found.code == 0, found.text
    return sorted(
        [int(word) for word in row.split()] for row in found.text.splitlines()
    )


def test_one_rank_takes_all(lammps: Lammps, program: str) -> None:
    ((rank, threads, _),) = placed(lammps, [program], 1)
    assert (rank, threads) == (0, len(PROCESSORS))


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_share(lammps: Lammps, program: str, ranks: int) -> None:
    found = placed(lammps, [program], ranks)
    share = max(1, len(PROCESSORS) // ranks)
    assert [row[:2] for row in found] == [[k, share] for k in range(ranks)]


@two_processors
def test_bound_ranks_keep_theirs(lammps: Lammps, program: str) -> None:
    a, b = PROCESSORS[:2]
    bound = f"exec taskset -c $(({a} + MPI_LOCALRANKID * ({b} - {a}))) {program}"
    found = placed(lammps, ["sh", "-c", bound], 2)
    assert [row[:2] for row in found] == [[0, 1], [1, 1]]


@pytest.mark.parametrize(
    ("visible", "expected"), [("", 0), ("-1", 0), ("3", 1), ("0,2,5", 3)]
)
def test_gpus_that_may_be_used(
    lammps: Lammps, program: str, visible: str, expected: int
) -> None:
    command = ["env", f"CUDA_VISIBLE_DEVICES={visible}", program]
    assert placed(lammps, command, 1)[0][2] == expected
