"""What dpdata reads: the same frames, labels and boundaries."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from engines import needs

from dpse_fast.errors import InputError, LabelWarning
from dpse_fast.runtime.missing import MissingPackageError
from dpse_fast.trajectory import ReadingOptions, read_frames
from dpse_fast.trajectory.system_list import systems_at

dpdata = needs("dpdata", "dpdata")
NAMES = ["O", "H"]


def system(n_molecules: int, seed: int, *, nopbc: bool = False):
    """Two labelled frames of molecules that do not look like water."""
    rng = np.random.default_rng(seed)
    n = 3 * n_molecules
    data = {
        "atom_names": NAMES,
        "atom_numbs": [n_molecules, 2 * n_molecules],
        "atom_types": np.array([0, 1, 1] * n_molecules),
        "coords": rng.uniform(0, 6, (2, n, 3)),
        "cells": 6 * np.eye(3) + rng.uniform(-0.5, 0.5, (2, 3, 3)),
        "orig": np.zeros(3),
        "energies": rng.normal(size=2),
        "forces": rng.normal(size=(2, n, 3)),
        "virials": rng.normal(size=(2, 3, 3)),
        "nopbc": nopbc,
    }
    if nopbc:  # a virial would be left out, with a warning
        del data["virials"]
    return dpdata.LabeledSystem(data=data)


def read(path, format):
    return list(read_frames(path, options=ReadingOptions(format=f"dpdata:{format}")))


def by_size(frames):
    return sorted(frames, key=lambda frame: (frame.n_atoms, frame.index))


def same(frame, own, k):
    """Atoms may come sorted by type."""
    data = own.data
    names = np.array(data["atom_names"])[data["atom_types"]]
    order = [np.lexsort(x.round(6).T) for x in (frame.positions, data["coords"][k])]
    pairs = [
        (frame.positions, data["coords"][k]),
        (frame.labels.forces, data["forces"][k]),
    ]
    for got, want in pairs:
        np.testing.assert_allclose(got[order[0]], want[order[1]], rtol=1e-6)
    assert list(frame.symbols[order[0]]) == list(names[order[1]])
    assert frame.labels.energy == pytest.approx(data["energies"][k])


@pytest.mark.parametrize("format", ["deepmd/npy/mixed", "deepmd/lmdb", "deepmd/npy"])
def test_systems_of_several_sizes(tmp_path, format):
    systems = [system(1, 1), system(2, 2)]
    dpdata.MultiSystems(*systems, type_map=NAMES).to(format, str(tmp_path / "data"))
    frames = read(tmp_path / "data", format)
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert len({frame.name for frame in frames}) == 4
    for k, frame in enumerate(by_size(frames)):
        own = systems[k // 2]
        same(frame, own, k % 2)
        np.testing.assert_allclose(frame.cell, own.data["cells"][k % 2], rtol=1e-6)
        assert frame.pbc == (True, True, True)
        virial = frame.labels.virial
        np.testing.assert_allclose(virial, own.data["virials"][k % 2], rtol=1e-6)


def test_what_dpdata_reads_counts_as_one_system(tmp_path):
    folder = tmp_path / "data"
    dpdata.MultiSystems(system(1, 1), type_map=NAMES).to("deepmd/npy", str(folder))
    assert systems_at(folder, "dpdata:deepmd/npy") == [str(folder)]
    assert [len(Path(one).parts) for one in systems_at(folder)] == [
        len(folder.parts) + 1
    ]


def test_one_system_in_a_file(tmp_path):
    own = system(2, 3, nopbc=True)
    own.to("deepmd/hdf5", str(tmp_path / "data.h5"))
    frames = read(tmp_path / "data.h5", "deepmd/hdf5")
    for k, frame in enumerate(frames):
        same(frame, own, k)
        assert (frame.cell, frame.pbc) == (None, (False, False, False))
    options = ReadingOptions(format="dpdata:deepmd/hdf5")
    (last,) = read_frames(tmp_path / "data.h5", "-1", options)
    np.testing.assert_array_equal(last.positions, frames[1].positions)
    assert (last.index, last.name) == (1, "data.h5, frame 1")


CP2K = """
 DBCSR| Multiplication driver                                   BLAS
 CELL| Vector a [angstrom]:    6.0   0.0   0.0   |a| =   6.0
 CELL| Vector b [angstrom]:    0.5   6.1   0.0   |b| =   6.1
 CELL| Vector c [angstrom]:    0.0   0.3   6.2   |c| =   6.2
  1. Atomic kind: O       Number of atoms:       1
  2. Atomic kind: H       Number of atoms:       2

  Atom  Kind  Element       X     Y     Z     Z(eff)   Mass

     1     1  O    8        1.0   2.0   3.0   6.00   15.9994
     2     2  H    1        1.9   2.0   3.0   1.00    1.0079
     3     2  H    1        1.0   2.9   3.1   1.00    1.0079

  *** SCF run converged in    12 steps ***

 ENERGY| Total FORCE_EVAL ( QS ) energy (a.u.):     -17.2

 ATOMIC FORCES in [a.u.]

 # Atom   Kind   Element    X      Y      Z
      1      1      O      0.01   0.02   0.03
      2      2      H     -0.01   0.00  -0.04
      3      2      H      0.00  -0.02   0.01
 SUM OF ATOMIC FORCES      0.00   0.00   0.00   0.00

 STRESS TENSOR [GPa]

            X       Y       Z
  X       1.0     0.1     0.2
  Y       0.1     2.0     0.3
  Z       0.2     0.3     3.0

"""


def test_output_of_cp2k(tmp_path):
    hartree, bohr, gpa = 27.211386, 0.52917721, 160.21766  # eV, Å, GPa Å³/eV
    file = tmp_path / "cp2k.out"
    file.write_text(CP2K)
    (frame,) = read(file, "cp2k/output")
    assert list(frame.symbols) == ["O", "H", "H"]
    assert frame.pbc == (True, True, True)
    np.testing.assert_allclose(frame.positions[1], [1.9, 2, 3])
    np.testing.assert_allclose(frame.cell, [[6, 0, 0], [0.5, 6.1, 0], [0, 0.3, 6.2]])
    labels = frame.labels
    assert labels.energy == pytest.approx(-17.2 * hartree, rel=1e-7)
    expected = np.array([0.01, 0.02, 0.03]) * hartree / bohr
    np.testing.assert_allclose(labels.forces[0], expected, rtol=1e-6)
    stress = np.array([[1, 0.1, 0.2], [0.1, 2, 0.3], [0.2, 0.3, 3]])
    virial = stress * np.linalg.det(frame.cell) / gpa
    np.testing.assert_allclose(labels.virial, virial, rtol=1e-6)
    file.write_text(CP2K.replace("converged", "not converged"))
    with pytest.raises(InputError, match="dpdata reads no frames of format 'cp2k/"):
        read(file, "cp2k/output")


def test_who_reads_it_is_said_where_we_do_not(tmp_path):
    own = dpdata.MultiSystems(system(1, 1), type_map=NAMES)
    own.to("deepmd/lmdb", str(tmp_path / "data.lmdb"))
    own.to("deepmd/hdf5", str(tmp_path / "data.h5"))
    for name, format in (("data.lmdb", "deepmd/lmdb"), ("data.h5", "deepmd/hdf5")):
        with pytest.raises(
            InputError, match=f"(is|are) read with --format .*:{format}$"
        ):
            list(read_frames(tmp_path / name))
        assert len(read(tmp_path / name, format)) == 2
    with pytest.raises(InputError, match=r"; LMDB is read with --format dpdata:"):
        systems_at(tmp_path / "data.lmdb")


def test_without_labels(tmp_path):
    own = system(1, 4)
    own.to("vasp/poscar", str(tmp_path / "POSCAR"))
    (frame,) = read(tmp_path / "POSCAR", "vasp/poscar")
    assert (frame.n_atoms, frame.labels.energy) == (3, None)
    bare = dpdata.System(data={k: own.data[k] for k in list(own.data)[:6]})
    bare.to("deepmd/hdf5", str(tmp_path / "bare.h5"))
    with pytest.warns(LabelWarning, match=r"^bare.h5: no labels are read: "):
        frames = read(tmp_path / "bare.h5", "deepmd/hdf5")
    assert [frame.labels.forces for frame in frames] == [None, None]


def test_what_cannot_be_read_is_said(tmp_path):
    file = tmp_path / "text"
    file.write_text("nothing")
    with pytest.raises(InputError, match=r"^format: dpdata has no format 'x'; it has "):
        read(file, "x")
    for format in ("deepmd/lmdb", "vasp/outcar"):
        with pytest.raises(InputError, match=f"dpdata reads no frames of .*{format}"):
            read(file, format)
    options = ReadingOptions(format="dpdata:vasp/poscar", units="real")
    with pytest.raises(InputError, match=r"^units: has no effect on what dpdata reads"):
        list(read_frames(file, options=options))


def test_without_dpdata(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "dpdata", None)
    with pytest.raises(MissingPackageError, match="pip install 'dpdata'"):
        read(tmp_path, "deepmd/lmdb")
