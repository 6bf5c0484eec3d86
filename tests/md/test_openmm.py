"""OpenMM: units, boxes, and what a run conserves."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from engines import needs
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.errors import InputError
from dpse_fast.md.openmm import Energy, add_force

openmm = needs("openmm", "openmm")
app = needs("openmm.app", "openmm")
unit = needs("openmm.unit", "openmm")

SYMBOLS = np.array(["O", "H"])
FORCE = unit.kilojoule_per_mole / unit.nanometer
# From OpenMM's own constants; ours are the SI's.
EV = (1.602176634e-19 * unit.joule * unit.AVOGADRO_CONSTANT_NA).value_in_unit(
    unit.kilojoule_per_mole
)


def reduced(cell: Any) -> Any:
    """The same lattice with the vectors that OpenMM wants."""
    q, r = np.linalg.qr(cell.T)
    signs = np.sign(np.diag(r))
    lower = (r * signs[:, None]).T
    for i, j in ((2, 1), (2, 0), (1, 0)):
        lower[i] -= np.round(lower[i, j] / lower[j, j]) * lower[j]
    return lower, q * signs


def context_of(structure: Any, potential: Any, dt: float = 0.1, **options: Any) -> Any:
    system = openmm.System()
    if structure.cell is not None:
        system.setDefaultPeriodicBoxVectors(*(structure.cell / 10))
    for t in structure.types:
        system.addParticle([15.999, 1.008][t])
    add_force(
        system,
        potential,
        SYMBOLS[structure.types].tolist(),
        periodic=structure.cell is not None,
        **options,
    )
    return on_reference(system, structure.positions, dt)


def on_reference(system: Any, positions: Any, dt: float = 0.1) -> Any:
    """OpenMM's own code for the rest, with steps of dt (fs)."""
    integrator = openmm.VerletIntegrator(dt * unit.femtosecond)
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, integrator, platform)
    context.setPositions(positions / 10)
    return context


@pytest.fixture(scope="module")
def potential() -> dpse_fast.Potential:
    return dpse_fast.load(random_model(), tol=0.0, threads=1)


def energy_and_forces(context: Any) -> tuple[float, Any]:
    state = context.getState(energy=True, forces=True)
    energy = state.getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole) / EV
    return energy, state.getForces(asNumpy=True).value_in_unit(FORCE) / EV / 10


@pytest.mark.parametrize("kind", ["triclinic", "open"])
def test_is_what_compute_gives(kind: str, potential: dpse_fast.Potential) -> None:
    structure = random_structure(kind)
    if structure.cell is not None:
        cell, turn = reduced(structure.cell)
        structure = structure._replace(cell=cell, positions=structure.positions @ turn)
    expected = potential.compute(*structure[:3])
    context = context_of(structure, potential)
    energy, forces = energy_and_forces(context)
    assert energy == pytest.approx(expected.energy, rel=1e-7)
    np.testing.assert_allclose(forces, expected.forces, atol=2e-6)


def test_energy_is_conserved(potential: dpse_fast.Potential) -> None:
    structure = random_structure("cubic")
    context = context_of(structure, potential)
    context.setVelocitiesToTemperature(300, 3)
    totals, kinetic = [], []
    for _ in range(20):
        context.getIntegrator().step(5)
        state = context.getState(energy=True)
        kinetic.append(state.getKineticEnergy()._value / EV)
        totals.append(kinetic[-1] + state.getPotentialEnergy()._value / EV)
    assert np.ptp(kinetic) > 0.05
    assert np.ptp(totals) < 0.01 * np.ptp(kinetic)


def test_a_part_of_the_particles_and_a_pickle(potential: dpse_fast.Potential) -> None:
    structure = random_structure("open")
    n = len(structure.types)
    chosen = list(range(n - 1, 2, -1))
    system = openmm.System()
    for _ in range(n):
        system.addParticle(1.0)
    symbols = SYMBOLS[structure.types]
    add_force(
        system, potential, symbols[chosen].tolist(), particles=chosen, periodic=False
    )
    system = openmm.XmlSerializer.deserialize(openmm.XmlSerializer.serialize(system))
    context = on_reference(system, structure.positions)
    energy, forces = energy_and_forces(context)
    part = potential.compute(structure.positions[chosen], structure.types[chosen])
    assert energy == pytest.approx(part.energy, rel=1e-7)
    np.testing.assert_allclose(forces[chosen], part.forces, atol=2e-6)
    assert not forces[:3].any()


def test_topology_with_a_site_without_element(potential: dpse_fast.Potential) -> None:
    topology = app.Topology()
    residue = topology.addResidue("WAT", topology.addChain())
    oxygen, hydrogen = (app.Element.getBySymbol(s) for s in "OH")
    for name, element in (
        ("O", oxygen),
        ("H1", hydrogen),
        ("H2", hydrogen),
        ("M", None),
    ):
        topology.addAtom(name, element, residue)
    positions = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0.2, 0.2, 0.0]])
    system = openmm.System()
    for mass in (16, 1, 1, 0):
        system.addParticle(mass)
    force = add_force(system, potential, topology, periodic=False, group=3)
    assert force.getForceGroup() == 3
    assert not force.usesPeriodicBoundaryConditions()
    context = on_reference(system, positions)
    energy, forces = energy_and_forces(context)
    expected = potential.compute(positions[:3], [0, 1, 1])
    assert energy == pytest.approx(expected.energy, rel=1e-7)
    np.testing.assert_allclose(forces[:3], expected.forces, atol=2e-6)
    assert not forces[3].any()


def test_barostat_sees_the_box(potential: dpse_fast.Potential) -> None:
    structure = random_structure("cubic")
    context = context_of(structure, potential)
    wider = structure.cell * 1.02
    context.setPeriodicBoxVectors(*(wider / 10))
    context.setPositions(structure.positions * 1.02 / 10)
    expected = potential.compute(structure.positions * 1.02, structure.types, wider)
    assert energy_and_forces(context)[0] == pytest.approx(expected.energy, rel=1e-7)


def test_what_cannot_be_evaluated(potential: dpse_fast.Potential) -> None:
    system = openmm.System()
    system.addParticle(1.0)
    for elements, message in (
        (["He"], "no type 'He'"),
        (["O", "H"], "expected one for each of 1 particles, got 2"),
        (app.Topology(), "topology of the system's 1 particles, got 0"),
        (None, "expected an openmm.app.Topology or the symbols"),
    ):
        with pytest.raises(InputError, match=message):
            add_force(system, potential, elements)
    with pytest.raises(InputError, match="particles: expected places among 1"):
        add_force(system, potential, ["O"], particles=[1])
    assert not system.getNumForces()


def test_an_error_in_a_step_reaches_the_caller(potential: dpse_fast.Potential) -> None:
    structure = random_structure("open")
    context = context_of(structure, potential)
    together = structure.positions.copy()
    together[1] = together[0]
    context.setPositions(together / 10)
    with pytest.raises(Exception, match="another atom, or an image, lies on atom"):
        context.getState(energy=True)


def test_errors_name_the_particle(potential: dpse_fast.Potential) -> None:
    types = np.array([0, 1, 1], np.int32)
    energy = Energy(potential, types, False, 1.0, {}, [4, 7, 9])

    class State:
        def getPositions(self, asNumpy: bool) -> Any:
            return unit.Quantity(np.diag([1.0, np.nan, 1.0]), unit.nanometer)

    for one in (energy, pickle.loads(pickle.dumps(energy))):
        with pytest.raises(InputError, match=r"for atom 1 \(particle 7\)"):
            one(State())
