"""Reference energies, forces and virials: where trajectories keep them.

Looked for under these prefixes, in this order, in the results of the calculator
stored with the structure, in its header and in its columns: ``REF_``, ``ref_``,
none, ``DFT_``, ``dft_``. The names are ``energy``; ``forces`` or ``force``;
``virial`` or ``virials``, else ``stress`` (virial = -stress·volume).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..array_types import Doubles
from ..errors import InputError

if TYPE_CHECKING:
    from ase import Atoms


PREFIXES = ("REF_", "ref_", "", "DFT_", "dft_")
ENERGY = ("energy", "Energy")
FORCES = ("forces", "force")
VIRIAL = ("virial", "virials")
STRESS = ("stress",)

_VOIGT = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])


@dataclass(frozen=True, eq=False)
class Labels:
    """Reference values; None where there are none.

    Parameters
    ----------
    energy : eV
    forces : (N, 3) eV/Å
    virial : (3, 3) eV, -dE/d(strain)
    """

    energy: float | None = None
    forces: Doubles | None = None
    virial: Doubles | None = None


def labels_of(
    atoms: Atoms, volume: float | None, name: str, *, with_energy: bool = True
) -> Labels:
    """The labels of an ASE structure; those that are not finite are left out.

    Raises
    ------
    InputError
        If a label is not numeric or of a wrong shape.
    """
    results = getattr(atoms.calc, "results", {}) if atoms.calc is not None else {}
    stores: tuple[Mapping[str, Any], ...] = (results, atoms.info, atoms.arrays)
    energy = _find(stores, ENERGY, [(), (1,)], name) if with_energy else None
    forces = _find(stores, FORCES, [(len(atoms), 3)], name)
    return Labels(
        None if energy is None else float(energy[1].reshape(-1)[0]),
        None if forces is None else forces[1],
        _virial(_find(stores, (*VIRIAL, *STRESS), [(3, 3), (9,), (6,)], name), volume),
    )


def _find(
    stores: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    shapes: Sequence[tuple[int, ...]],
    frame: str,
) -> tuple[str, Doubles] | None:
    keys = [prefix + name for prefix in PREFIXES for name in names]
    for key in keys:
        for store in stores:
            if store.get(key) is not None:
                array = _array(key, store[key], shapes, frame)
                return (key, array) if np.isfinite(array).all() else None
    return None


def _array(
    key: str, value: Any, shapes: Sequence[tuple[int, ...]], frame: str
) -> Doubles:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"{frame}: label {key!r}: expected numbers, got {str(value)[:40]!r}"
        ) from None
    if array.shape not in shapes:
        expected = " or ".join(map(str, shapes))
        raise InputError(
            f"{frame}: label {key!r}: expected shape {expected}, got {array.shape}"
        )
    return array


def _virial(found: tuple[str, Doubles] | None, volume: float | None) -> Doubles | None:
    if found is None:
        return None
    key, array = found
    tensor = array[_VOIGT] if array.shape == (6,) else array.reshape(3, 3)
    if key.endswith(VIRIAL):
        return tensor
    return None if volume is None else -tensor * volume
