"""LAMMPS' unit styles in ours: Å, eV, eV/Å and g/mol.

The definitions are LAMMPS' (https://docs.lammps.org/units.html). The constants are
CODATA 2018; a calorie is 4.184 J.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import InputError

ELEMENTARY_CHARGE = 1.602176634e-19  # C
AVOGADRO = 6.02214076e23  # 1/mol
BOHR = 0.529177210903  # Å
HARTREE = 27.211386245988  # eV
JOULE = 1 / ELEMENTARY_CHARGE  # eV
KCAL_PER_MOL = 4184 / AVOGADRO * JOULE  # eV
DALTONS_IN_A_KILOGRAM = 1e3 * AVOGADRO


@dataclass(frozen=True)
class UnitStyle:
    """What 1 of a style is in Å, eV, eV/Å and g/mol."""

    length: float
    energy: float
    force: float
    mass: float


def _style(length: float, energy: float, mass: float) -> UnitStyle:
    return UnitStyle(length, energy, energy / length, mass)


STYLES = {
    "metal": _style(1.0, 1.0, 1.0),
    "real": _style(1.0, KCAL_PER_MOL, 1.0),
    "electron": _style(BOHR, HARTREE, 1.0),
    "si": _style(1e10, JOULE, DALTONS_IN_A_KILOGRAM),
    "cgs": _style(1e8, 1e-7 * JOULE, 1e-3 * DALTONS_IN_A_KILOGRAM),
    # pg·µm²/µs² and ag·nm²/ns²
    "micro": _style(1e4, 1e-15 * JOULE, 1e-15 * DALTONS_IN_A_KILOGRAM),
    "nano": _style(10.0, 1e-21 * JOULE, 1e-21 * DALTONS_IN_A_KILOGRAM),
}
ASSUMED = "metal"


def check_style(name: str) -> str:
    """The name, if it is one of a style with units.

    Raises
    ------
    InputError
        If it is lj, whose numbers have no units, or no style.
    """
    if name in STYLES:
        return name
    why = " (lj has no units of length and energy)" if name == "lj" else ""
    raise InputError(
        f"units: expected LAMMPS' {', '.join(STYLES)}, got {name[:40]!r}{why}"
    )
