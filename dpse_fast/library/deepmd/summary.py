"""What DP_PrintSummary prints: the engine, its options, and the models in use."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from ... import __version__
from ...committee import Committee
from ...evaluation.session import DEFAULT_SKIN
from ...inputs.environment import VARIABLES
from ...loading import load
from ..served import Served
from .environment import Asked

_LOAD = inspect.signature(load).parameters
DEFAULTS = {
    name: _LOAD[name].default for name in ("precision", "tol", "sel_overflow")
} | {"skin": DEFAULT_SKIN}


def _of_deviation(committee: Committee) -> str:
    """How closely a committee tells its deviation."""
    tol, certified = committee.deviation_tol, committee.deviation_certificate()
    planned = f"others planned for {tol:g} eV/Å" if tol else "all planned as the first"
    known = "not known yet"
    if certified is not None:
        known = f"{certified['force_max_ev_per_angstrom']:.1e} eV/Å of forces"
    return f"{'deviation:':<20}{planned}; certificate {known}"


def summary_lines(asked: Asked, served: Iterable[Served]) -> list[str]:
    """One line each, without ends."""
    lines = [
        f"engine:             dpse-fast {__version__}, in the place of deepmd-kit",
        "interface:          C interface of deepmd-kit 3.2 (libdeepmd_c.so)",
    ]
    for variable, name in VARIABLES.items():
        value = asked.options.get(name, DEFAULTS.get(name))
        why = asked.reasons.get(name, "" if name in asked.options else "default")
        if value is not None:
            shown = ",".join(value) if isinstance(value, list) else value
            lines.append(f"{f'{variable}:':<20}{shown}{f' ({why})' if why else ''}")
    for one in served:
        potential = one.potential
        what = "model:" if one.n_models == 1 else f"{one.n_models} models:"
        lines.append(
            f"{what:<20}{', '.join(potential.type_map)}; cutoff "
            f"{potential.rcut:g} Å; {potential.precision}, tol {potential.tol:g} eV/Å; "
            f"{potential.device}, {potential.threads} threads"
        )
        if one.n_models > 1:
            lines.append(_of_deviation(one.committee))
    return lines
