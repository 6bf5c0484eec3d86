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
