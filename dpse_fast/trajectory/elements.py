"""The chemical elements: what counts as the name of one."""

from __future__ import annotations

SYMBOLS = [
    "H",
    "He",
    "Li",
    "Be",
    "B",
    "C",
    "N",
    "O",
    "F",
    "Ne",
    "Na",
    "Mg",
    "Al",
    "Si",
    "P",
    "S",
    "Cl",
    "Ar",
    "K",
    "Ca",
    "Sc",
    "Ti",
    "V",
    "Cr",
    "Mn",
    "Fe",
    "Co",
    "Ni",
    "Cu",
    "Zn",
    "Ga",
    "Ge",
    "As",
    "Se",
    "Br",
    "Kr",
    "Rb",
    "Sr",
    "Y",
    "Zr",
    "Nb",
    "Mo",
    "Tc",
    "Ru",
    "Rh",
    "Pd",
    "Ag",
    "Cd",
    "In",
    "Sn",
    "Sb",
    "Te",
    "I",
    "Xe",
    "Cs",
    "Ba",
    "La",
    "Ce",
    "Pr",
    "Nd",
    "Pm",
    "Sm",
    "Eu",
    "Gd",
    "Tb",
    "Dy",
    "Ho",
    "Er",
    "Tm",
    "Yb",
    "Lu",
    "Hf",
    "Ta",
    "W",
    "Re",
    "Os",
    "Ir",
    "Pt",
    "Au",
    "Hg",
    "Tl",
    "Pb",
    "Bi",
    "Po",
    "At",
    "Rn",
    "Fr",
    "Ra",
    "Ac",
    "Th",
    "Pa",
    "U",
    "Np",
    "Pu",
    "Am",
    "Cm",
    "Bk",
    "Cf",
    "Es",
    "Fm",
    "Md",
    "No",
    "Lr",
    "Rf",
    "Db",
    "Sg",
    "Bh",
    "Hs",
    "Mt",
    "Ds",
    "Rg",
    "Cn",
    "Nh",
    "Fl",
    "Mc",
    "Lv",
    "Ts",
    "Og",
]
IS_SYMBOL = frozenset(SYMBOLS)
MASS_TOLERANCE = 0.3  # g/mol; LAMMPS inputs round masses


def species_name(text: str, type_map: tuple[str, ...]) -> str:
    """A name as it is, or ``CL`` as Cl unless the model has a type CL."""
    if text in type_map or text in IS_SYMBOL:
        return text
    symbol = text.capitalize()
    return symbol if symbol in IS_SYMBOL else text


def name_of_number(z: int) -> str:
    """The symbol of an atomic number, X for 0."""
    return SYMBOLS[z - 1] if 1 <= z <= len(SYMBOLS) else "X"


def name_of_mass(mass: float) -> str:
    """The element of this mass in g/mol; ``mass 2.014`` if there is none."""
    from ase.data import atomic_masses

    z = int(abs(atomic_masses[1:] - mass).argmin()) + 1
    if abs(atomic_masses[z] - mass) <= MASS_TOLERANCE:
        return name_of_number(z)
    return f"mass {mass:g}"
