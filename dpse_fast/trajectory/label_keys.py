"""Reference energies, forces and virials: where trajectories keep them.

Looked for under these prefixes, in this order, in the results of the calculator
stored with the structure, in its header and in its columns: ``REF_``, ``ref_``,
none, ``DFT_``, ``dft_``. The names are ``energy``, else ``free_energy``; ``forces``
or ``force``; ``virial`` or ``virials``, else ``stress`` (virial = -stress·volume).
Nine numbers are a tensor, six its components xx, yy, zz, yz, xz, xy.

A label that is damaged, or that has no meaning for its structure, is left out with a
warning. If the user named its key, it is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..array_types import Doubles
from ..errors import InputError, LabelWarning
from .notices import Notices
from .numbers_in_text import numbers_in
from .reading_options import ReadingOptions

PREFIXES = ("REF_", "ref_", "", "DFT_", "dft_")
NAMES = {
    "energy": ("energy", "Energy", "free_energy"),
    "forces": ("forces", "force"),
    "virial": ("virial", "virials"),
    "stress": ("stress",),
}
KEYS = {
    quantity: tuple(prefix + name for prefix in PREFIXES for name in names)
    for quantity, names in NAMES.items()
}
# Read and written by ASE and others beside the labels.
NO_LABELS = frozenset(
    {key for keys in KEYS.values() for key in keys} | {"energies", "stresses"}
)
LIKE_FORCES = re.compile(r"force|frc|^f$|gradient", re.IGNORECASE)
LIKE_VIRIAL = re.compile(r"virial", re.IGNORECASE)
LIKE_STRESS = re.compile(r"stress", re.IGNORECASE)
LIKE_ENERGY = re.compile(
    r"energy|^e$|^e_?(0|tot|total|pot|dft|ref|fr|wo_entrp)$|toten|^etot|^epot|^pe$"
    r"|^u_?0?$",
    re.IGNORECASE,
)
NOT_COMPARED = re.compile(
    r"weight|kinetic|ekin|cut|sigma|std|var|uncert|error|rmse|mae|max|per_?atom"
    r"|formation|binding|hull|unit|tol|shift|magn|fermi|gap_energy|zero_?point",
    re.IGNORECASE,
)
NONE = frozenset({"", "none", "null"})
_VOIGT = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])

Store = Mapping[str, Any]


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


class LabelReader:
    """Finds the labels of frame after frame.

    Parameters
    ----------
    options : may name the keys
    notices : receives what is left out
    """

    def __init__(self, options: ReadingOptions, notices: Notices) -> None:
        asked = {
            "energy": options.energy_key,
            "forces": options.forces_key,
            "virial": options.virial_key,
            "stress": options.stress_key,
        }
        self._asked = {k: key for k, key in asked.items() if key is not None}
        self._unseen = dict(self._asked)
        self._wanted = options.labels
        self._notices = notices
        self._named: set[str] = set()

    @property
    def asked(self) -> tuple[str, ...]:
        """The keys that the user named."""
        return tuple(self._asked.values())

    @property
    def asked_quantities(self) -> dict[str, str]:
        """The quantity of each key that the user named."""
        return {key: quantity for quantity, key in self._asked.items()}

    def check_all_found(self, path: str) -> None:
        """At the end of a trajectory.

        Raises
        ------
        InputError
            If no frame had a label that the user named.
        """
        for quantity, key in self._unseen.items():
            raise InputError(f"{path}: no frame has {key!r} (--{quantity}-key)")

    def read(
        self, stores: Sequence[Store], n_atoms: int, volume: float | None
    ) -> Labels:
        """The labels of a frame, whose name the notices know.

        Parameters
        ----------
        stores : where to look, in this order; values are arrays or texts
        volume : Å³, or None unless periodic in three dimensions

        Raises
        ------
        InputError
            If a label that the user named is bad.
        """
        if not self._wanted:
            return Labels()
        self._name_unused(stores, n_atoms)
        energy = self._find("energy", stores, [(), (1,)])
        return Labels(
            None if energy is None else float(energy.reshape(-1)[0]),
            self._find("forces", stores, [(n_atoms, 3)]),
            self._virial(stores, volume),
        )

    def _virial(self, stores: Sequence[Store], volume: float | None) -> Doubles | None:
        kinds = ["virial", "stress"]
        if not {"virial", "stress"}.isdisjoint(self._asked):
            kinds = [kind for kind in kinds if kind in self._asked]
        for kind in kinds:
            if self._first(kind, stores) is None:
                continue
            array = self._find(kind, stores, [(3, 3), (9,), (6,)])
            if array is None:
                continue
            if volume is None:
                self._leave_out(
                    kind,
                    self._first(kind, stores),
                    "has no meaning for a structure that is not periodic along a, b "
                    "and c",
                )
                return None
            tensor = array[_VOIGT] if array.shape == (6,) else array.reshape(3, 3)
            return tensor if kind == "virial" else -tensor * volume
        return None

    def _first(self, quantity: str, stores: Sequence[Store]) -> tuple[str, Any] | None:
        """The first key of the quantity that the frame has, with its value."""
        asked = self._asked.get(quantity)
        for key in KEYS[quantity] if asked is None else (asked,):
            for store in stores:
                value = store.get(key)
                if _is_none(value) and asked is None:
                    self._say_left_out(key, f"expected numbers, got {value!r}")
                elif value is not None:
                    self._unseen.pop(quantity, None)
                    return key, value
        return None

    def _find(
        self, quantity: str, stores: Sequence[Store], shapes: Sequence[tuple[int, ...]]
    ) -> Doubles | None:
        found = self._first(quantity, stores)
        if found is None:
            return None
        array = numbers_in(found[1])
        if array is None:
            self._leave_out(
                quantity, found, f"expected numbers, got {str(found[1])[:40]!r}"
            )
            return None
        if array.shape not in shapes:
            expected = " or ".join(map(str, shapes))
            self._leave_out(
                quantity, found, f"expected shape {expected}, got {array.shape}"
            )
            return None
        if not np.isfinite(array).all():
            self._leave_out(quantity, found, "is not finite")
            return None
        return array

    def _leave_out(
        self, quantity: str, found: tuple[str, Any] | None, why: str
    ) -> None:
        key = "" if found is None else found[0]
        if quantity in self._asked:
            raise InputError(f"{self._notices.where}: label {key!r}: {why}")
        self._say_left_out(key, why)

    def _say_left_out(self, key: str, why: str) -> None:
        self._notices.once(
            f"{key} {why[:12]}", f"label {key!r}: {why}; left out", LabelWarning
        )

    def _name_unused(self, stores: Sequence[Store], n_atoms: int) -> None:
        """Say what looks like a label and is not read."""
        for store in stores:
            for key, value in store.items():
                quantity = looks_like(key)
                if quantity is None or key in NO_LABELS or key in self._named:
                    continue
                if key in self.asked or not _has_shape(quantity, value, n_atoms):
                    continue
                self._named.add(key)
                self._notices.once(
                    f"unused {key}",
                    f"{key!r} looks like a label and is not used; name it with "
                    f"--{quantity}-key {key}",
                    LabelWarning,
                )


def _is_none(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() in NONE


@lru_cache(maxsize=4096)
def looks_like(key: str) -> str | None:
    """The quantity that a key seems to name, if it does."""
    if NOT_COMPARED.search(key):
        return None
    for quantity, pattern in (
        ("forces", LIKE_FORCES),
        ("virial", LIKE_VIRIAL),
        ("stress", LIKE_STRESS),
        ("energy", LIKE_ENERGY),
    ):
        if pattern.search(key):
            return quantity
    return None


def _has_shape(quantity: str, value: Any, n_atoms: int) -> bool:
    array = numbers_in(value)
    if array is None:
        return False
    if quantity == "energy":
        return array.size == 1
    if quantity == "forces":
        return array.shape == (n_atoms, 3)
    return array.shape in ((3, 3), (9,), (6,))
