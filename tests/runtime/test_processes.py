"""Copies, other processes and other threads get the same numbers."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.ase import DeepPotential


@pytest.fixture
def pot() -> dpse_fast.Potential:
    return dpse_fast.load(random_model(), threads=2)


def forces(pot: dpse_fast.Potential, seed: int = 1) -> Any:
    return pot.compute(*random_structure("cubic", seed=seed)[:3]).forces


def child(pot: dpse_fast.Potential, queue: Any) -> None:
    queue.put(forces(pot))


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_another_process(pot: dpse_fast.Potential, method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"{sys.platform} cannot start processes by {method}")
    expected = forces(pot)
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=child, args=(pot, queue))
    process.start()
    try:
        np.testing.assert_array_equal(queue.get(timeout=120), expected)
    finally:
        process.terminate()
        process.join()


def test_copies(pot: dpse_fast.Potential) -> None:
    expected = forces(pot)
    for twin in (copy.deepcopy(pot), pickle.loads(pickle.dumps(pot))):
        assert (twin.precision, twin.tol, twin.threads) == ("double", 1e-5, 2)
        np.testing.assert_array_equal(forces(twin), expected)


def test_copies_of_a_calculator(pot: dpse_fast.Potential) -> None:
    structure = random_structure("cubic")
    symbols = [pot.type_map[t] for t in structure.types]
    atoms = Atoms(symbols, structure.positions, cell=structure.cell, pbc=True)
    atoms.calc = DeepPotential(pot)
    expected = atoms.get_forces()
    for calculator in (
        copy.deepcopy(atoms.calc),
        pickle.loads(pickle.dumps(atoms.calc)),
    ):
        twin = atoms.copy()
        twin.calc = calculator
        np.testing.assert_array_equal(twin.get_forces(), expected)
        twin.rattle(0.01, seed=3)
        assert np.abs(twin.get_forces() - expected).max() > 1e-3


def test_many_threads_share_one_potential(pot: dpse_fast.Potential) -> None:
    expected = [forces(pot, seed) for seed in range(1, 7)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda seed: forces(pot, seed), list(range(1, 7)) * 4))
    for k, result in enumerate(found):
        np.testing.assert_array_equal(result, expected[k % 6])
