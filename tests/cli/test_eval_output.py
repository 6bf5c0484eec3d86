"""The files that `dpse-fast eval -o` writes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from ase.io import read

import dpse_fast

Run = Callable[..., Any]
Results = list[dpse_fast.Result]
DECIMALS = 1e-7  # positions pass through a file with eight decimals


def test_extxyz_output(evaluate: Run, results: Results, tmp_path: Path) -> None:
    out = tmp_path / "out.extxyz"
    assert evaluate("-o", out, "--atomic").code == 0
    for atoms, result in zip(read(out, index=":"), results, strict=True):
        n = len(atoms)
        energy = atoms.get_potential_energy()
        assert energy == pytest.approx(result.energy, abs=n * DECIMALS)
        np.testing.assert_allclose(atoms.get_forces(), result.forces, atol=1e-6)
        np.testing.assert_allclose(atoms.info["virial"], result.virial, atol=1e-5)
        energies = atoms.calc.results["energies"]
        np.testing.assert_allclose(energies, result.atomic_energies, atol=1e-6)
        virials = atoms.arrays["virials"].reshape(n, 3, 3)
        np.testing.assert_allclose(virials, result.atomic_virials, atol=1e-5)
        if atoms.pbc.all():
            stress = -result.virial / atoms.get_volume()
            np.testing.assert_allclose(atoms.get_stress(voigt=False), stress, atol=1e-7)


def test_hdf5_output(evaluate: Run, results: Results, tmp_path: Path) -> None:
    out = tmp_path / "out.h5"
    assert evaluate("-o", out, "--atomic").code == 0
    with h5py.File(out) as file:
        assert file.attrs["format"] == "dpse-fast results"
        assert list(file.attrs["type_map"]) == ["O", "H"]
        frames, atoms = file["frames"], file["atoms"]
        assert frames["pbc"][:].tolist()[1] == [1, 1, 0]
        ends = frames["end"][:]
        starts = [0, *ends[:-1]]
        for k, result in enumerate(results):
            part = slice(starts[k], ends[k])
            assert frames["energy"][k] == pytest.approx(result.energy, abs=1e-5)
            np.testing.assert_allclose(frames["virial"][k], result.virial, atol=1e-5)
            np.testing.assert_allclose(atoms["force"][part], result.forces, atol=1e-6)
            virials = atoms["virial"][part]
            np.testing.assert_allclose(virials, result.atomic_virials, atol=1e-5)


def test_types_without_names(
    run: Run, model_file: Path, anonymous_file: Path, tmp_path: Path
) -> None:
    data = tmp_path / "two.lmp"
    data.write_text(
        "title\n2 atoms\n2 atom types\n0 4 xlo xhi\n0 5 ylo yhi\n0 6 zlo zhi\n\n"
        "Atoms\n\n1 2 1 2 3\n2 1 1 2 4\n"
    )
    out = tmp_path / "out.xyz"
    assert run("eval", data, "-m", anonymous_file, "-o", out).code == 0
    atoms = read(out)
    assert list(atoms.symbols) == ["X", "X"]
    assert atoms.arrays["type"].tolist() == [1, 0]
    assert run("eval", data, "-m", model_file, "-o", out).code == 0
    atoms = read(out)
    assert list(atoms.symbols) == ["H", "O"]
    assert "type" not in atoms.arrays


@pytest.mark.parametrize("name", ["out.xyz", "out.h5"])
def test_names_that_are_no_text(
    run: Run, model_file: Path, trajectory: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / os.fsdecode(b"a\xff.xyz")
    path.write_bytes(trajectory.read_bytes())
    got = run("eval", path, "-m", model_file, "-o", tmp_path / name, "--index", "0")
    assert got.code == 0, got.error
    if name == "out.h5":
        with h5py.File(tmp_path / name) as file:
            assert file.attrs["trajectory"].endswith("a\\udcff.xyz")
