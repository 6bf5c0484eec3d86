"""Measured differences to the exact nets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..array_types import Floats


@dataclass(frozen=True)
class Accuracy:
    """Differences to the exact nets.

    Parameters
    ----------
    energy, energy_rms : eV per atom, largest and root of the mean square (of several
        structures: of the worst)
    force, force_rms : eV/Å, of a component
    virial, virial_rms : eV, of a component of one atom's
    n_atoms : whose surroundings were compared
    energy_rounding, force_rounding, virial_rounding : what rounding to float32 adds
        to the largest differences, for each unit of the structure's `strength`
    """

    energy: float
    energy_rms: float
    force: float
    force_rms: float
    virial: float
    virial_rms: float
    n_atoms: int
    energy_rounding: float = 0.0
    force_rounding: float = 0.0
    virial_rounding: float = 0.0

    def bounds(self, strength: float) -> tuple[float, float, float]:
        """Largest differences of energy (eV/atom), force (eV/Å) and virial (eV/atom).

        Parameters
        ----------
        strength : of the structure, see `strength`
        """
        return (
            self.energy + self.energy_rounding * strength,
            self.force + self.force_rounding * strength,
            self.virial + self.virial_rounding * strength,
        )

    @classmethod
    def of(cls, energies: Floats, forces: Floats, virials: Floats) -> Accuracy:
        """From differences: (n_atoms,), and any shapes."""
        energy, energy_rms = _largest_and_rms(energies)
        force, force_rms = _largest_and_rms(forces)
        virial, virial_rms = _largest_and_rms(virials)
        return cls(
            energy, energy_rms, force, force_rms, virial, virial_rms, energies.size
        )

    @classmethod
    def worst(cls, found: Sequence[Accuracy]) -> Accuracy:
        """The largest numbers of several structures."""
        names = [name for name in asdict(found[0]) if name != "n_atoms"]
        return cls(
            **{name: max(getattr(one, name) for one in found) for name in names},
            n_atoms=sum(one.n_atoms for one in found),
        )

    def __add__(self, other: Accuracy) -> Accuracy:
        """A bound on both, one after the other."""
        sums = {
            name: value + getattr(other, name)
            for name, value in asdict(self).items()
            if name != "n_atoms"
        }
        return Accuracy(**sums, n_atoms=max(self.n_atoms, other.n_atoms))

    def with_margin(self, factor: float) -> Accuracy:
        """The largest differences times a factor; what is a mean stays."""
        means = ("energy_rms", "force_rms", "virial_rms", "n_atoms")
        return Accuracy(
            **{k: v if k in means else factor * v for k, v in asdict(self).items()}
        )

    def summary(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "energy_max_ev_per_atom": self.energy,
            "energy_rms_ev_per_atom": self.energy_rms,
            "force_max_ev_per_angstrom": self.force,
            "force_rms_ev_per_angstrom": self.force_rms,
            "virial_max_ev_per_atom": self.virial,
            "virial_rms_ev_per_atom": self.virial_rms,
            "energy_rounding_angstrom": self.energy_rounding,
            "force_rounding": self.force_rounding,
            "virial_rounding_angstrom": self.virial_rounding,
            "atoms": self.n_atoms,
        }

    def numbers(self) -> dict[str, float]:
        """Every field, for a file."""
        return asdict(self)


def strength(forces: Floats, virial: Floats) -> float:
    """How strong a structure's interactions are: rounding grows with it.

    The largest component of a force (eV/Å) or of the virial per atom (eV), whichever
    is more: in a perfect crystal forces cancel.

    Parameters
    ----------
    forces : (N, 3) eV/Å
    virial : (3, 3) eV, of the structure
    """
    n = max(len(forces), 1)
    parts = (np.abs(forces).max(initial=0.0), np.abs(virial).max() / n)
    return float(max(parts))


def _largest_and_rms(values: Floats) -> tuple[float, float]:
    if not values.size:
        return 0.0, 0.0
    return float(np.abs(values).max()), float(np.sqrt(np.mean(values**2)))
