"""Evaluations with a caller's neighbour list and explicit ghosts: the second door."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from ..results import Floats, Report
from .base_session import Kept

NO_LIST = "same_list: expected a call with a list before, got none"


@dataclass(frozen=True, eq=False)
class ListedResult:
    """What `ListedSession.compute` gives; arrays are of the kind of the positions.

    Parameters
    ----------
    energy : eV, of all rows
    forces : (n_all, 3) eV/Å, also on ghosts, whose owners they belong to; the
        caller's array where there was one
    virial : (3, 3) eV, -Σ dE_i/dd_ij ⊗ d_ij of all pairs, d_ij = x_j - x_i
    atomic_energies : (n_rows,) eV, or None
    atomic_virials : (n_all, 3, 3) eV, or None
        Each pair's part on its neighbour atom, as deepmd-kit's.
    pair_gradients : (n_list, 3) eV/Å, or None
        dE_i/dd_ij in the order of the list, zero where a pair does not count.
    report : Report
    """

    energy: float
    forces: Floats
    virial: Floats
    atomic_energies: Floats | None
    atomic_virials: Floats | None
    pair_gradients: Floats | None
    report: Report


class ListedSession(Kept):
    """Computes with lists that the caller keeps; made by `Potential.listed`."""

    @abstractmethod
    def compute(
        self,
        positions: Any,
        types: Any,
        first: Any,
        neighbours: Any,
        centres: Any = None,
        *,
        type_map: Any = None,
        same_list: bool = False,
        forces: Any = None,
        atomic: bool = False,
        pair_gradients: bool = False,
        fparam: Any = None,
        aparam: Any = None,
    ) -> ListedResult:
        """Energies of the rows of a full list, and their forces on all its atoms.

        Parameters
        ----------
        positions : (n_all, 3) Å, of local atoms and ghosts (periodic images too)
        types : (n_all,) the caller's types, places in type_map; without one those of
            the model, by index or name
        first, neighbours : (n_rows + 1,) and (n_list,) integers
            The neighbours of row k are ``neighbours[first[k]:first[k + 1]]``, in any
            order: all atoms within the model's cutoff, and any beyond it.
        centres : (n_rows,) the atom of each row, each once; None: 0, 1, 2 …
        type_map : the model's type of each of the caller's types, by index or name
            −1, None or "NULL" is an atom that does not exist for the model.
        same_list : types, lists and type_map are those of the last call, left as they
            were; only positions have moved. They are not looked at again.
        forces : (n_all, 3) float64 that forces are added into; None: a new array
        atomic : also energies of rows and virials of atoms, and their report
        pair_gradients : also the gradient of each pair
        fparam : (k,) frame parameters; None for the model's default
            (n_rows, k) where rows belong to several frames.
        aparam : (n_rows, k) atomic parameters of the rows, or (k,) for all

        Raises
        ------
        InputError
            For input that cannot be evaluated; also where atoms have more
            neighbours than ``sel``, with ``sel_overflow="error"``.
        """
