"""Models of deepmd-kit that are no energy models, and what evaluates them."""

from __future__ import annotations

_GIVES = {
    "dipole": ("dipoles", "DeepDipole"),
    "polar": ("polarizabilities", "DeepPolar"),
    "global_polar": ("polarizabilities", "DeepGlobalPolar"),
    "wfc": ("Wannier centres", "DeepWFC"),
    "dos": ("densities of states", "DeepDOS"),
    "property": ("properties", "DeepProperty"),
}
LONG_RANGE = (
    "a long-range model (DPLR, with charges at Wannier centres) is not supported: its "
    "short-range part alone is no potential; run it with deepmd-kit, in LAMMPS with "
    "fix dplr and kspace_style pppm/dplr"
)
SPIN = (
    "a spin model is not supported: its energy depends on the spins of atoms too; "
    "evaluate it with deepmd-kit (deepmd.infer.DeepPot, pair_style deepspin in LAMMPS)"
)


def why_not(kind: str) -> str | None:
    """Why a model or fitting of this kind is not read, and what to do.

    None if it may be an energy model of another kind.
    """
    name = kind.lower()
    if "spin" in name:
        return SPIN
    if name not in _GIVES:
        return None
    what, evaluator = _GIVES[name]
    return (
        f"a {name} model is not supported: it gives {what}, no energies and forces; "
        f"evaluate it with deepmd-kit (deepmd.infer.{evaluator}), or give an energy "
        "model"
    )
