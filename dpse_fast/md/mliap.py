"""A Deep Potential for LAMMPS's ``pair_style mliap unified``.

For a LAMMPS that was built with ML-IAP and PYTHON; with KOKKOS all arrays stay on
the GPU. Write the pickle once, and name it in the input::

    DeepPotentialMLIAP("model.pb").pickle("water.pkl")

    pair_style mliap unified water.pkl 0
    pair_coeff * * O H
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..inputs.arrays import VIRTUAL
from ..inputs.structure import check_types
from ..runtime.missing import MissingPackageError, package
from .abort import abort, ranks
from .potentials import ModelLike, potential_of


def _base() -> Any:
    """LAMMPS's class if it has one; it only names the attributes below."""
    try:
        return package("lammps.mliap.mliap_unified_abc", "lammps").MLIAPUnified
    except MissingPackageError:
        return object


_Unified: Any = _base()


class DeepPotentialMLIAP(_Unified):  # type: ignore[misc]
    """What LAMMPS calls in every step.

    Parameters
    ----------
    model : Potential, Model or path of a model file; None for the embedded one
    elements : the types that occur, which pair_coeff may name; None: all of the model
    fparam : (k,) frame parameters of a model that takes them
    options : of `dpse_fast.load`

    Attributes
    ----------
    element_types : the names that pair_coeff may use, beside NULL
    rcutfac : half the cutoff in Å, for LAMMPS doubles it
    """

    def __init__(
        self,
        model: ModelLike = None,
        *,
        elements: Sequence[str] | None = None,
        fparam: Any = None,
        **options: Any,
    ) -> None:
        potential = potential_of(model, options)
        if potential.model.aparam is not None:
            raise InputError(
                "model: expected one without atomic parameters, which LAMMPS does not "
                "hand over, got one with aparam"
            )
        names = list(potential.type_map if elements is None else elements)
        self._types = check_types(names, len(names), potential.type_map)
        self.potential = potential
        self._fparam = fparam
        self._session = self.potential.listed_session()
        self.interface: Any = None  # set by LAMMPS
        self.element_types = names
        self.ndescriptors, self.nparams = 1, 1  # LAMMPS allocates as many
        self.rcutfac = self.potential.rcut / 2

    def __getstate__(self) -> dict[str, Any]:
        kept = {
            k: v for k, v in vars(self).items() if k not in ("_session", "interface")
        }
        return kept

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._session, self.interface = self.potential.listed_session(), None

    def pickle(self, fname: str) -> None:
        """Write the file that ``pair_style mliap unified`` names; it has the model."""
        with open(fname, "wb") as file:
            pickle.dump(self, file)

    def compute_gradients(self, data: Any) -> None:
        """Nothing: `compute_forces` does all."""

    def compute_descriptors(self, data: Any) -> None:
        """Nothing: `compute_forces` does all."""

    def compute_forces(self, data: Any) -> None:
        """Energies of own atoms, and the gradient of each of their pairs.

        Parameters
        ----------
        data : LAMMPS's MLIAPData, with arrays of NumPy or, with KOKKOS, of CuPy
            Read: ntotal, nlistatoms, npairs, iatoms, ielems, pair_i, jelems and rij
            (Å, from atom i to its neighbour). Set: eatoms, energy (eV), and the
            forces by update_pair_forces.
        """
        try:
            self._compute(data)
        except BaseException as error:
            if ranks() == 1:
                raise  # LAMMPS prints it and stops
            abort("pair_style mliap", error)

    def _compute(self, data: Any) -> None:
        n_rows, n_pairs = data.nlistatoms, data.npairs
        if not n_rows:
            data.energy = 0.0
            return
        ielems = data.ielems[:n_rows]
        on_gpu = not isinstance(ielems, np.ndarray)
        xp = package("cupy", "dpse-fast[cuda13]") if on_gpu else np
        first, used = xp.zeros(n_rows + 1, np.int64), 0
        rij, jelems = xp.zeros((0, 3)), xp.zeros(0, np.int32)
        if n_pairs:
            first = _first(xp, data, n_rows)
            used = int(first[-1])
            rij, jelems = data.rij[:used], data.jelems[:used]
        # LAMMPS hands over distances: every row has its own copies of its neighbours
        # around an atom in the origin.
        found = self._session.compute(
            xp.concatenate([xp.zeros((n_rows, 3)), rij]),
            xp.concatenate([ielems, jelems]) + 1,  # NULL is -1 in LAMMPS
            first,
            xp.arange(n_rows, n_rows + used, dtype=np.int32),
            type_map=np.concatenate([[VIRTUAL], self._types]),
            atomic=True,
            pair_gradients=True,
            fparam=self._fparam,
            atom_name=lambda row: _name(data, n_rows, row),
        )
        energies = found.atomic_energies
        try:  # KOKKOS has an array to write to, the host a property to set
            own = data.eatoms
        except AttributeError:
            data.eatoms = energies
        else:
            own[:] = energies
        data.energy = float(found.energy)
        if n_pairs:
            slopes = xp.zeros((n_pairs, 3))
            slopes[:used] = found.pair_gradients
            data.update_pair_forces(slopes)


def _name(data: Any, n_rows: int, row: int) -> str:
    """Of the atom in a row: own atoms come first, then the neighbour of each pair."""
    if row < n_rows:
        return _name_of(data, int(data.iatoms[row]))
    pair = row - n_rows
    neighbour, centre = (int(data.jatoms[pair]), int(data.pair_i[pair]))
    return f"{_name_of(data, neighbour)}, a neighbour of {_name_of(data, centre)},"


def _name_of(data: Any, index: int) -> str:
    """By its ID, which newer versions of LAMMPS hand over for neighbours."""
    tags = getattr(data, "jtags", None)
    if tags is not None:
        pairs = np.flatnonzero(np.asarray(data.jatoms) == index)
        if pairs.size:
            return f"atom ID {tags[pairs[0]]}"
    return f"atom {index} of this rank (LAMMPS does not say its ID)"


def _first(xp: Any, data: Any, n_rows: int) -> Any:
    """(n_rows + 1,) where the pairs of each row begin; those of ghosts come behind.

    From pair_i: KOKKOS hands the integers of numneighs over as floats.
    """
    row_of = xp.full(data.ntotal, n_rows, np.int32)
    row_of[data.iatoms[:n_rows]] = xp.arange(n_rows, dtype=np.int32)
    rows = row_of[data.pair_i]
    if bool((rows[1:] < rows[:-1]).any()):
        raise InputError("data: expected pairs in the order of their atoms")
    return xp.searchsorted(rows, xp.arange(n_rows + 1, dtype=np.int32))
