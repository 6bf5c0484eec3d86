"""The heat flux of a structure, from energies and virials of its atoms.

J = d/dt Σ_i r_i E_i with E_i = K_i + U_i is, for energies U_i of neighbours at
d_ij = r_j - r_i,

    J = Σ_i E_i v_i - Σ_ij d_ij (dU_i/dd_ij · v_j) = Σ_i E_i v_i + Σ_j W_jᵀ v_j

(Fan et al., Phys. Rev. B 92, 094301 (2015); Boone, Babaei and Wilmer, J. Chem. Theory
Comput. 15, 5579 (2019)). W_j = -Σ_i dU_i/dd_ij ⊗ d_ij has each pair's part on its
neighbour, as the atomic virials here do. In a periodic structure, the last form holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .array_types import Doubles
from .errors import InputError
from .inputs.arrays import kind_of
from .inputs.structure import floats


@dataclass(frozen=True, eq=False)
class HeatFlux:
    """What `Result.heat_flux` gives: parts of J, in eV times the unit of velocity.

    It is not divided by the volume: J/V is the energy per area and time.

    Parameters
    ----------
    potential : (3,) Σ U_i v_i
    kinetic : (3,) Σ K_i v_i
    virial : (3,) Σ W_iᵀ v_i
    """

    potential: Doubles
    kinetic: Doubles
    virial: Doubles

    @property
    def convective(self) -> Doubles:
        """(3,) Σ (U_i + K_i) v_i; the last three numbers of LAMMPS."""
        return self.potential + self.kinetic

    @property
    def total(self) -> Doubles:
        """(3,) all parts; the first three numbers of LAMMPS."""
        return self.convective + self.virial


def heat_flux(
    energies: Doubles | None,
    virials: Doubles | None,
    velocities: Any,
    kinetic_energies: Any,
) -> HeatFlux:
    """See `Result.heat_flux`.

    Parameters
    ----------
    energies, virials : (N,) and (N, 3, 3) eV; None if they were not asked for
    """
    if energies is None or virials is None:
        raise InputError(
            "heat_flux: expected a result with energies and virials of atoms, got one "
            "without; evaluate with atomic=True"
        )
    of_result = kind_of(virials, "atomic_virials")
    if of_result.on_device:
        raise InputError(
            f"heat_flux: expected a result on the host, got {of_result}; evaluate with "
            "positions in a NumPy array"
        )
    n = len(energies)
    v = _checked(velocities, "velocities", (n, 3))
    kinetic = _checked(kinetic_energies, "kinetic_energies", (n,))
    if (kinetic < 0).any():
        atom = int(np.argmax(kinetic < 0))
        raise InputError(
            f"kinetic_energies: expected no negative ones, got {kinetic[atom]:g} for "
            f"atom {atom}"
        )
    return HeatFlux(
        potential=energies @ v,
        kinetic=kinetic @ v,
        virial=np.einsum("jfd,jf->d", virials, v),
    )


def _checked(value: Any, name: str, shape: tuple[int, ...]) -> Doubles:
    """A finite array of that shape, on the host."""
    size = " × ".join(str(n) for n in shape)
    expected = f"{size} finite numbers"
    kind = kind_of(value, name)
    if kind.on_device:
        raise InputError(f"{name}: expected an array of the host, got {kind}")
    found = floats(value, name, expected)
    if found.shape != shape:
        raise InputError(f"{name}: expected {expected}, got shape {found.shape}")
    if not np.isfinite(found).all():
        atom = int(np.argwhere(~np.isfinite(found))[0, 0])
        raise InputError(
            f"{name}: expected {expected}, got {found[atom].tolist()} for atom {atom}"
        )
    return found
