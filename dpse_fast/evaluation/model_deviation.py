"""How far the models of a committee are apart: its model deviation.

As deepmd-kit defines it (Zhang et al., Comput. Phys. Commun. 253, 107206, 2020), in
the units of the arguments. Deviations are root mean squares over the models, from
their mean or from a reference: of a force as a vector, of each component of the
virial per atom, and of the energy per atom.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Doubles
from ..errors import InputError


class ModelDeviation(NamedTuple):
    """Deviations of F frames of N atoms.

    Attributes
    ----------
    forces : (F, N) eV/Å; of each atom
    virial : (F, 9) eV/atom; of each component
    energy : (F,) eV/atom
    """

    forces: Doubles
    virial: Doubles
    energy: Doubles

    def columns(self, atomic: bool = False) -> Doubles:
        """(F, 7) what deepmd-kit tabulates of each frame.

        Largest, smallest and average deviation of the virial, the same of the forces,
        and the deviation of the energy. The average of the virial's components is
        their root mean square, that of the forces their mean.

        Parameters
        ----------
        atomic : (F, 7 + N), with the deviation of each atom's force at the end
        """
        virial, forces = self.virial, self.forces
        found = [
            virial.max(axis=1),
            virial.min(axis=1),
            np.sqrt(np.mean(virial**2, axis=1)),
            forces.max(axis=1),
            forces.min(axis=1),
            forces.mean(axis=1),
            self.energy,
        ]
        table = np.stack(found, axis=1)
        return np.concatenate([table, forces], axis=1) if atomic else table


def model_deviation(
    energies: ArrayLike,
    forces: ArrayLike,
    virials: ArrayLike,
    *,
    reference: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    relative: float | None = None,
    relative_v: float | None = None,
) -> ModelDeviation:
    """The deviations of M models in F frames of N atoms.

    Parameters
    ----------
    energies : (M, F) eV, of the whole frame
    forces : (M, F, N, 3) eV/Å
    virials : (M, F, 9) or (M, F, 3, 3) eV, of the whole frame
    reference : energies (F,), forces (F, N, 3) and virials (F, 9) or (F, 3, 3)
        Root mean square errors of the models are found instead of their deviations
        from each other.
    relative, relative_v : eV/Å and eV/atom; None: deviations as they are
        Levels of relative deviations, see `force_deviations` and `virial_deviations`.

    Raises
    ------
    InputError
        For a level that is negative or not finite.
    """
    forces = np.asarray(forces, dtype=float)
    n_models, n_frames, n_atoms = forces.shape[:3]
    energies = np.asarray(energies, dtype=float).reshape(n_models, n_frames)
    virials = np.asarray(virials, dtype=float).reshape(n_models, n_frames, 9)
    energy, force, virial = reference or (None, None, None)
    if energy is not None:
        energy = np.asarray(energy, dtype=float).reshape(n_frames) / n_atoms
    if virial is not None:
        virial = np.asarray(virial, dtype=float).reshape(n_frames, 9) / n_atoms
    return ModelDeviation(
        force_deviations(forces, force, relative),
        virial_deviations(virials / n_atoms, virial, relative_v),
        energy_deviations(energies / n_atoms, energy),
    )


def force_deviations(
    forces: ArrayLike,
    reference: ArrayLike | None = None,
    relative: float | None = None,
) -> Doubles:
    """(F, N) deviation of each atom's force, in the unit of the forces.

    Parameters
    ----------
    forces : (M, F, N, 3) of each model
    reference : (F, N, 3); None: the mean of the models
    relative : divide by the magnitude of the force plus this level
        The force is that of the reference, or the mean of the models.

    Raises
    ------
    InputError
        For a level that is negative or not finite.
    """
    spread, centre = _spread(forces, reference)
    found = np.linalg.norm(spread, axis=-1)
    return _relative(found, centre, relative, "relative")


def virial_deviations(
    virials: ArrayLike,
    reference: ArrayLike | None = None,
    relative: float | None = None,
) -> Doubles:
    """(F, 9) deviation of each component of the virial, in the unit of the virials.

    Parameters
    ----------
    virials : (M, F, 9) of each model, per atom
    reference : (F, 9) per atom; None: the mean of the models
    relative : divide by the magnitude of the virial plus this level
        The magnitude is the norm of the nine components, of the reference or of the
        mean of the models.

    Raises
    ------
    InputError
        For a level that is negative or not finite.
    """
    spread, centre = _spread(virials, reference)
    return _relative(spread, centre[..., None, :], relative, "relative_v")


def energy_deviations(
    energies: ArrayLike, reference: ArrayLike | None = None
) -> Doubles:
    """(F,) deviation of the energy, in the unit of the energies.

    Parameters
    ----------
    energies : (M, F) of each model, per atom
    reference : (F,) per atom; None: the mean of the models
    """
    return _spread(energies, reference)[0]


def _spread(values: ArrayLike, reference: ArrayLike | None) -> tuple[Doubles, Doubles]:
    """Root mean square distance of the models from a centre, and the centre."""
    values = np.asarray(values, dtype=float)
    if reference is None:
        centre = values.mean(axis=0)
    else:
        centre = np.asarray(reference, dtype=float)
    return np.sqrt(np.mean((values - centre) ** 2, axis=0)), centre


def _relative(
    found: Doubles, vectors: Doubles, level: float | None, name: str
) -> Doubles:
    if level is None:
        return found
    if not 0 <= level < np.inf:
        raise InputError(f"{name}: expected a level of 0 or more, got {level}")
    result: Doubles = found / (np.linalg.norm(vectors, axis=-1) + level)
    return result
