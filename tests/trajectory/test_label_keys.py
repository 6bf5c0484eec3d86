"""Where labels are looked for, and what is taken from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from dpse_fast.errors import InputError
from dpse_fast.trajectory import from_atoms, read_frames

VIRIAL = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0], [3.0, 5.0, 6.0]])
VOIGT = np.array([1.0, 4.0, 6.0, 5.0, 3.0, 2.0])


@pytest.mark.parametrize(
    ("energy", "forces", "virial"),
    [
        ({"REF_energy": 1.5}, "REF_forces", {"REF_virial": VIRIAL.ravel()}),
        ({"energy": 1.5, "dft_energy": 9.0}, "force", {"virial": VIRIAL}),
        ({"DFT_energy": 1.5}, "DFT_forces", {"DFT_stress": -VIRIAL / 8}),
        ({"REF_energy": 1.5, "energy": 9.0}, "REF_force", {"stress": -VOIGT / 8}),
        ({"dft_energy": [1.5]}, "dft_force", {"virials": VOIGT}),
    ],
)
def test_labels(energy: dict[str, Any], forces: str, virial: dict[str, Any]) -> None:
    atoms = Atoms("OH", positions=np.eye(3)[:2], cell=[2, 2, 2], pbc=True)
    atoms.info.update(energy | virial)
    atoms.arrays[forces] = np.arange(6.0).reshape(2, 3)
    labels = from_atoms(atoms, "labelled").labels
    assert labels.energy == 1.5
    assert labels.forces is not None
    assert labels.forces.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert labels.virial is not None
    np.testing.assert_allclose(labels.virial, VIRIAL, rtol=1e-14)


def test_labels_of_a_calculator_survive_extxyz(tmp_path: Path) -> None:
    atoms = Atoms("OH", positions=np.eye(3)[:2], cell=[2, 2, 2], pbc=True)
    results = {"energy": 1.5, "forces": np.ones((2, 3)), "stress": -VOIGT / 8}
    atoms.calc = SinglePointCalculator(atoms, **results)
    write(tmp_path / "t.xyz", atoms)
    (frame,) = read_frames(tmp_path / "t.xyz")
    assert frame.labels.energy == 1.5
    np.testing.assert_allclose(frame.labels.forces, np.ones((2, 3)))
    np.testing.assert_allclose(frame.labels.virial, VIRIAL, atol=1e-7)


def test_labels_that_are_none() -> None:
    atoms = Atoms("OH", positions=np.eye(3)[:2])
    atoms.info.update(energy=np.nan, stress=VOIGT)
    labels = from_atoms(atoms, "bare").labels
    assert (labels.energy, labels.forces, labels.virial) == (None, None, None)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("energy", [1.0, 2.0], "expected shape"),
        ("energy", "low", "expected numbers, got 'low'"),
        ("virial", np.ones(5), "expected shape"),
        ("forces", np.ones((3, 3)), "expected shape"),
    ],
)
def test_wrong_labels(key: str, value: Any, message: str) -> None:
    atoms = Atoms("OH", positions=np.eye(3)[:2], cell=[2, 2, 2], pbc=True)
    atoms.info[key] = value
    with pytest.raises(InputError, match=f"here: label '{key}': {message}"):
        from_atoms(atoms, "here")
