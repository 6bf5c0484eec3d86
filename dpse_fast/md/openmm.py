"""A force of OpenMM that calls a Deep Potential.

::

    from dpse_fast.md.openmm import add_force
    add_force(system, "model.pb", topology)   # or a list of element symbols
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Doubles, Int32s
from ..errors import InputError, atom_name
from ..evaluation.atom_names import naming
from ..evaluation.session import DEFAULT_SKIN
from ..inputs.arrays import VIRTUAL
from ..inputs.structure import check_types
from ..potential import Potential
from ..runtime.missing import package
from .potentials import ModelLike, potential_of

NM = 10.0  # Å
# kJ/mol in an eV: e times Avogadro's number, both exact since 2019.
EV = 1.602176634e-19 * 6.02214076e23 / 1000


class Energy:
    """The function that OpenMM calls with a State; its pickle carries the model.

    Parameters
    ----------
    potential : Potential
    types : (N,) of the particles that OpenMM hands over
    periodic : whether the box repeats
    skin : Å, see `Potential.session`
    parameters : fparam and aparam, if the model takes them
    particles : OpenMM's number of each that it hands over; None: all in order
    """

    def __init__(
        self,
        potential: Potential,
        types: Int32s,
        periodic: bool,
        skin: float,
        parameters: dict[str, Any],
        particles: Sequence[int] | None = None,
    ) -> None:
        self.potential, self.types, self.particles = potential, types, particles
        self.periodic, self.skin, self.parameters = periodic, skin, parameters
        self._session = potential.session(skin)

    def __call__(self, state: Any) -> tuple[float, Doubles]:
        """The energy in kJ/mol and the forces (N, 3) in kJ/mol/nm."""
        cell = None
        if self.periodic:
            cell = np.asarray(state.getPeriodicBoxVectors(asNumpy=True)._value) * NM
        with naming(self._name):
            found = self._session.compute(
                np.asarray(state.getPositions(asNumpy=True)._value) * NM,
                self.types,
                cell,
                **self.parameters,
            )
        return found.energy * EV, found.forces * (EV * NM)

    def _name(self, atom: int) -> str:
        if self.particles is None:
            return atom_name(atom)
        return f"atom {atom} (particle {self.particles[atom]})"

    def __reduce__(self) -> tuple[Any, ...]:
        given = (self.potential, self.types, self.periodic, self.skin, self.parameters)
        return type(self), (*given, self.particles)


def add_force(
    system: Any,
    model: ModelLike = None,
    elements: Any = None,
    *,
    particles: Sequence[int] | None = None,
    periodic: bool | None = None,
    skin: float = DEFAULT_SKIN,
    group: int = 0,
    fparam: ArrayLike | None = None,
    aparam: ArrayLike | None = None,
    **options: Any,
) -> Any:
    """Add a Deep Potential to an OpenMM System.

    Parameters
    ----------
    system : openmm.System with its particles, and its box if it is periodic
    model : Potential, Model or path of a model file; None for the embedded one
    elements : the particles' element symbols, or an openmm.app.Topology
        None or "" is a particle that the model does not see (a virtual site).
    particles : the particles that the potential acts on, in the order of
        `elements`; None: all. A Topology names all and is cut to them.
    periodic : whether the box repeats; None: if another force of the system does so,
        or if there is none
    skin : Å, of the neighbour list that is kept from step to step
    group : the force group
    fparam, aparam : frame and atomic parameters of a model that takes them
    options : of `dpse_fast.load`

    Returns
    -------
    openmm.PythonForce, which is added already

    Raises
    ------
    InputError
        If elements do not fit the system or the model; and as `dpse_fast.load`.
    MissingPackageError
        If OpenMM is not installed, or too old: PythonForce came with 8.5.
    """
    openmm = package("openmm", "openmm")
    if not hasattr(openmm, "PythonForce"):
        raise InputError(
            "openmm: expected a version with PythonForce, got "
            f"{openmm.__version__}: pip install -U openmm"
        )
    potential = potential_of(model, options)
    n = system.getNumParticles()
    chosen = list(range(n) if particles is None else map(int, particles))
    if chosen and not 0 <= min(chosen) <= max(chosen) < n:
        raise InputError(
            f"particles: expected places among {n} particles, got "
            f"{min(chosen)} … {max(chosen)}"
        )
    types = _types(elements, chosen, n, potential.type_map)
    if periodic is None:
        others = system.getForces()
        periodic = not others or system.usesPeriodicBoundaryConditions()
    given = {"fparam": fparam, "aparam": aparam}
    parameters = {name: value for name, value in given.items() if value is not None}
    some = chosen if particles is not None else None
    energy = Energy(potential, types, bool(periodic), skin, parameters, some)
    force = openmm.PythonForce(energy, {}, some or [])
    force.setUsesPeriodicBoundaryConditions(bool(periodic))
    force.setForceGroup(group)
    force.setName("DeepPotential")
    system.addForce(force)
    return force


def _types(
    elements: Any, chosen: list[int], n: int, type_map: tuple[str, ...]
) -> Int32s:
    if elements is None or isinstance(elements, str):
        raise InputError(
            "elements: expected an openmm.app.Topology or the symbols of the "
            f"particles, got {elements!r}"
        )
    if hasattr(elements, "atoms"):
        named = [atom.element for atom in elements.atoms()]
        if len(named) != n:
            raise InputError(
                f"elements: expected a topology of the system's {n} particles, got "
                f"{len(named)}"
            )
        symbols = [named[p] and named[p].symbol for p in chosen]
    else:
        symbols = [getattr(e, "symbol", e) for e in elements]
    if len(symbols) != len(chosen):
        raise InputError(
            f"elements: expected one for each of {len(chosen)} particles, got "
            f"{len(symbols)}"
        )
    seen = [k for k, symbol in enumerate(symbols) if symbol]
    types = np.full(len(symbols), VIRTUAL, np.int32)
    if seen:
        types[seen] = check_types([symbols[k] for k in seen], len(seen), type_map)
    return types
