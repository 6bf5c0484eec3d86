"""Where labels are looked for, and what is taken from there."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from dpse_fast.errors import InputError, LabelWarning
from dpse_fast.trajectory import ReadingOptions, from_atoms, read_frames

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
    with pytest.warns(LabelWarning) as warned:
        labels = from_atoms(atoms, "bare").labels
    texts = [str(w.message) for w in warned]
    assert "bare: label 'energy': is not finite; left out" in texts
    assert any("'stress': has no meaning for a structure" in text for text in texts)
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
    with pytest.warns(LabelWarning, match=f"here: label '{key}': {message}"):
        frame = from_atoms(atoms, "here")
    assert frame.labels.energy is frame.labels.forces is frame.labels.virial is None
    asked = ReadingOptions(**{f"{key}_key": key})
    with pytest.raises(InputError, match=f"here: label '{key}': {message}"):
        from_atoms(atoms, "here", options=asked)


HEADER = 'Lattice="2 0 0 0 2 0 0 0 2" {} Properties=species:S:1:pos:R:3{}'


def labelled(folder: Path, header: str, columns: str = "", values: str = "") -> Path:
    path = folder / "t.xyz"
    row = f"O 0 0 0 {values}\n"
    path.write_text(f"1\n{HEADER.format(header, columns)}\n{row}")
    return path


@pytest.mark.parametrize(
    ("header", "columns", "values", "message"),
    [
        ("virial=None", "", "", "'virial': expected numbers, got 'None'"),
        ('energy="not converged"', "", "", "'energy': expected numbers, got 'not"),
        ('stress="1 2 3"', "", "", "'stress': expected shape"),
        ("energy=nan", "", "", "'energy': is not finite"),
        ("REF_energy", "", "", "'REF_energy': expected numbers, got 'T'"),
        ("", ":forces:R:2", "1 2", r"'forces': expected shape \(1, 3\)"),
        ("", ":forces:R:3", "1 **** 2", r"'forces': expected numbers, got '\*"),
        ("", ":REF_forces:R:3", "1 nan 2", "'REF_forces': is not finite"),
    ],
)
def test_a_bad_label_is_left_out(
    header: str, columns: str, values: str, message: str, tmp_path: Path
) -> None:
    path = labelled(tmp_path, header, columns, values)
    with pytest.warns(LabelWarning, match=message):
        (frame,) = read_frames(path)
    assert frame.labels.energy is frame.labels.forces is frame.labels.virial is None


def test_six_numbers_are_voigt(tmp_path: Path) -> None:
    text = " ".join(map(str, -VOIGT / 8))
    for key in ("stress", "REF_stress"):
        (frame,) = read_frames(labelled(tmp_path, f'{key}="{text}"'))
        np.testing.assert_allclose(frame.labels.virial, VIRIAL)


def test_free_energy(tmp_path: Path) -> None:
    (frame,) = read_frames(labelled(tmp_path, "free_energy=-3"))
    assert frame.labels.energy == -3
    (frame,) = read_frames(labelled(tmp_path, "free_energy=-3 energy=-2"))
    assert frame.labels.energy == -2


@pytest.mark.parametrize(
    ("key", "quantity"),
    [
        ("mace_energy", "energy"),
        ("E0", "energy"),
        ("TotEnergy", "energy"),
        ("potential_energy", "energy"),
        ("gap_force", "forces"),
        ("dft_forces_pbe", "forces"),
    ],
)
def test_keys_of_other_programs(key: str, quantity: str, tmp_path: Path) -> None:
    header, columns, values = f"{key}=2", "", ""
    if quantity == "forces":
        header, columns, values = "", f":{key}:R:3", "1 2 3"
    path = labelled(tmp_path, header, columns, values)
    with pytest.warns(
        LabelWarning, match=f"'{key}' looks like.*--{quantity}-key {key}"
    ):
        (frame,) = read_frames(path)
    assert frame.labels.energy is frame.labels.forces is None
    options = ReadingOptions(**{f"{quantity}_key": key})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (frame,) = read_frames(path, options=options)
    found = frame.labels.energy if quantity == "energy" else frame.labels.forces
    assert found is not None


def test_keys_that_are_no_labels(tmp_path: Path) -> None:
    header = "energy=1 energy_weight=2 kinetic_energy=3 config_type=water Time=0.5"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (frame,) = read_frames(labelled(tmp_path, header))
    assert frame.labels.energy == 1


def test_a_key_that_no_frame_has(tmp_path: Path) -> None:
    path = labelled(tmp_path, "energy=1")
    frames = read_frames(path, options=ReadingOptions(energy_key="E"))
    assert next(frames).labels.energy is None
    with pytest.raises(InputError, match=r"no frame has 'E' \(--energy-key\)"):
        next(frames)
    with pytest.raises(InputError, match="expected one of them"):
        ReadingOptions(virial_key="a", stress_key="b")
