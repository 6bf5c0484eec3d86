"""Several threads that call one object, with and without Python's lock."""

from __future__ import annotations

import ctypes as c
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
from library.deepmd_binding import Deepmd, pointer
from other_process import HERE, output, users_environment
from random_model import random_model, random_structure

from dpse_fast.formats.exchange.writer import write

N_THREADS, N_CALLS = 4, 30


def energies_of_threads(folder: str, file: str, with_lock: bool) -> None:
    """Prints how far energies are from those of one thread."""
    deepmd = Deepmd(Path(folder))
    called = c.PyDLL(str(Path(folder) / "libdeepmd_c.so")) if with_lock else deepmd.c
    structure = random_structure("cubic")
    n = len(structure.positions)
    types = structure.types.astype(np.int32)
    cell = structure.cell.astype(np.float32)
    shifts = np.linspace(0, 0.2, n * 3).reshape(n, 3)
    given = [
        (structure.positions + k * shifts).astype(np.float32) for k in range(N_THREADS)
    ]
    apart: list[float] = []

    def energy(model: Any, k: int) -> float:
        found = np.full(1, np.nan)
        called.DP_DeepPotComputef(
            *(model, n, pointer(given[k]), pointer(types), pointer(cell)),
            *(pointer(found), *(None,) * 4),
        )
        return float(found[0])

    with deepmd.model(Path(file)) as model:
        alone = [energy(model, k) for k in range(N_THREADS)]
        assert len(set(alone)) == N_THREADS

        def work(k: int) -> None:
            found = [energy(model, k) for _ in range(N_CALLS)]
            apart.extend(abs(one - alone[k]) for one in found)

        threads = [Thread(target=work, args=(k,)) for k in range(N_THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert deepmd.error(model) == ""
    print(len(apart), max(apart) < 1e-9 * abs(alone[0]))


def test_threads_wait_for_each_other(deepmd_library: Path, tmp_path: Path) -> None:
    write(random_model(), tmp_path / "model.h5")
    code = (
        "from library.test_deepmd_threads import energies_of_threads as run\n"
        f"run({str(deepmd_library)!r}, {str(tmp_path / 'model.h5')!r}, {{}})"
    )
    environment = users_environment(PYTHONPATH=str(HERE), DPSE_THREADS="1")
    for with_lock in (False, True):
        said = output(
            *(sys.executable, "-c", code.format(with_lock)),
            env=environment,
            timeout=100,
        )
        assert said.split() == [str(N_THREADS * N_CALLS), "True"]
