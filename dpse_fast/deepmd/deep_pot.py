"""``DeepPot`` of deepmd-kit's Python interface, evaluated by dpse-fast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Doubles
from ..inputs.structure import check_flag
from ..results import Result
from .deep_eval import DeepEval
from .frames import Frames, naming_frames, refuse_other_inputs

__all__ = ["DeepEval", "DeepPot"]


class DeepPot(DeepEval):
    """A potential energy model with the methods of deepmd-kit's ``DeepPot``.

    Energies are in eV, lengths in Å. All arrays that it returns are float64.

    Parameters and what is raised are those of `DeepEval`.

    Examples
    --------
    >>> dp = DeepPot("graph.pb")
    >>> coord = np.array([[1, 0, 0], [0, 0, 1.5], [1, 0, 3]]).reshape([1, -1])
    >>> cell = np.diag(10 * np.ones(3)).reshape([1, -1])
    >>> e, f, v = dp.eval(coord, cell, [1, 0, 1])
    """

    def eval(
        self,
        coords: ArrayLike,
        cells: ArrayLike | None,
        atom_types: ArrayLike | Sequence[int],
        atomic: bool = False,
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
        mixed_type: bool = False,
        **kwargs: Any,
    ) -> tuple[Doubles, ...]:
        """Energies, forces and virials of F frames of N atoms.

        Parameters
        ----------
        coords : (F, N, 3) or (F, 3 N) Å
        cells : (F, 9) or (F, 3, 3) Å, rows a, b, c; None for open boundaries
        atom_types : (N,) indices of types; with `mixed_type` (F, N)
            The index −1 is a virtual atom: it has no energy and is nobody's neighbour.
        atomic : also return energies and virials of the atoms
        fparam : (F, k) frame parameters, or (k,) for all frames
        aparam : (F, N, k) atomic parameters, (N, k) for all frames, or (k,) for all
            atoms
        mixed_type : each frame has types of its own
        kwargs : ``efield``, ``spin`` and ``charge_spin``, which must be None

        Returns
        -------
        energy : (F, 1) eV
        force : (F, N, 3) eV/Å
        virial : (F, 9) eV
        atomic_energy : (F, N, 1) eV, if `atomic`
        atomic_virial : (F, N, 9) eV, if `atomic`

        Raises
        ------
        InputError
            For arguments that cannot be evaluated.
        """
        refuse_other_inputs(kwargs)
        atomic = check_flag(atomic, "atomic")
        frames = self.frames(coords, cells, atom_types, fparam, aparam, mixed_type)
        shape = (frames.n_frames, frames.n_atoms)
        energy, force = np.empty((shape[0], 1)), np.empty((*shape, 3))
        virial = np.empty((shape[0], 9))
        atomic_energy = np.empty((*shape, 1) if atomic else 0)
        atomic_virial = np.empty((*shape, 9) if atomic else 0)
        for k, result in enumerate(self._results(frames, atomic)):
            energy[k], force[k], virial[k] = (
                result.energy,
                result.forces,
                result.virial.ravel(),
            )
            if atomic:
                assert result.atomic_energies is not None
                assert result.atomic_virials is not None
                atomic_energy[k, :, 0] = result.atomic_energies
                atomic_virial[k] = result.atomic_virials.reshape(-1, 9)
        found = (energy, force, virial)
        return (*found, atomic_energy, atomic_virial) if atomic else found

    def _results(self, frames: Frames, atomic: bool) -> Iterator[Result]:
        for part in frames.parts(self.batch_atoms):
            with naming_frames(part.start):
                if len(part) > 1:
                    structures = [frames.structure(k) for k in part]
                    yield from self._batch.compute(structures, atomic=atomic)
                    continue
                one = frames.structure(part.start)._asdict()
                yield self._session.compute(**one, atomic=atomic)
