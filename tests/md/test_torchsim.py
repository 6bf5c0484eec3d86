"""torch-sim: batches of systems, its own validation, and runs of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase_structures import as_atoms
from engines import needs
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.errors import InputError

torch = needs("torch", "torch")
ts = needs("torch_sim", "torch-sim-atomistic")
interface = needs("torch_sim.models.interface", "torch-sim-atomistic")
DeepPotentialModel = needs("dpse_fast.md.torchsim", "dpse-fast").DeepPotentialModel

CPU = torch.device("cpu")
KINDS = ("triclinic", "cubic", "tiny")


@pytest.fixture(scope="module")
def potential() -> dpse_fast.Potential:
    return dpse_fast.load(random_model(), tol=0.0, threads=1)


def state_of(atoms: list[Atoms], dtype: Any = torch.float64) -> Any:
    return ts.io.atoms_to_state(atoms, CPU, dtype)


def test_is_what_compute_gives(potential: dpse_fast.Potential) -> None:
    structures = [random_structure(kind) for kind in KINDS]
    model = DeepPotentialModel(potential)
    found = model(state_of([as_atoms(s) for s in structures]))
    expected = [potential.compute(*s[:3]) for s in structures]
    np.testing.assert_allclose(found["energy"], [e.energy for e in expected])
    forces = np.concatenate([e.forces for e in expected])
    np.testing.assert_allclose(found["forces"], forces, atol=1e-10)
    stresses = [
        -e.virial / np.linalg.det(s.cell)
        for e, s in zip(expected, structures, strict=True)
    ]
    np.testing.assert_allclose(found["stress"], stresses, atol=1e-10)


def test_stress_has_the_sign_of_ase(potential: dpse_fast.Potential) -> None:
    from dpse_fast.ase import DeepPotential

    atoms = as_atoms(random_structure("triclinic"))
    found = DeepPotentialModel(potential)(state_of([atoms]))["stress"][0]
    atoms.calc = DeepPotential(potential)
    np.testing.assert_allclose(found, atoms.get_stress(voigt=False), atol=1e-10)


def test_its_own_validation() -> None:
    # It asks for silicon and iron.
    potential = dpse_fast.load(random_model(), type_map=["Si", "Fe"], threads=1)
    model = DeepPotentialModel(potential)
    interface.validate_model_outputs(model, CPU, torch.float64)


def test_dtype_and_what_is_left_out(potential: dpse_fast.Potential) -> None:
    atoms = as_atoms(random_structure("cubic"))
    model = DeepPotentialModel(potential, dtype=torch.float32, compute_stress=False)
    found = model(state_of([atoms], torch.float32))
    assert set(found) == {"energy", "forces"}
    assert {tensor.dtype for tensor in found.values()} == {torch.float32}
    model.compute_stress, model.compute_forces = True, False
    assert set(model(state_of([atoms]))) == {"energy", "stress"}
    assert (model.device, model.memory_scales_with) == (CPU, "n_atoms_x_density")


def test_open_systems(potential: dpse_fast.Potential) -> None:
    structure = random_structure("open")
    atoms = as_atoms(structure)
    found = DeepPotentialModel(potential)(state_of([atoms]))
    expected = potential.compute(*structure[:2])
    np.testing.assert_allclose(found["forces"], expected.forces, atol=1e-10)
    assert np.isnan(found["stress"].numpy()).all()


def propagators(model: Any, dt: Any, kt: Any) -> Any:
    """NVE's start and step, whose place in torch-sim has changed."""
    if hasattr(ts, "nve_init"):
        return (
            lambda state: ts.nve_init(state, model, kT=kt),
            lambda state: ts.nve_step(state, model, dt=dt),
        )
    return ts.integrators.nve(model, dt=dt, kT=kt, seed=1)


def test_energy_is_conserved_in_a_batch(potential: dpse_fast.Potential) -> None:
    atoms = [as_atoms(random_structure("cubic", seed=seed)) for seed in (1, 2)]
    model = DeepPotentialModel(potential)
    femtosecond = float(ts.units.MetalUnits.time) * 1e-3
    start, step = propagators(
        model, torch.tensor(0.1 * femtosecond), torch.tensor(300 * 8.617333262e-5)
    )
    state = start(state_of(atoms))
    totals, kinetic = [], []
    for _ in range(60):
        state = step(state)
        heat = (state.momenta**2 / (2 * state.masses[:, None])).sum(dim=1)
        each = torch.zeros(2, dtype=heat.dtype).index_add(0, state.system_idx, heat)
        kinetic.append(each)
        totals.append(state.energy + each)
    conserved, moved = np.ptp(torch.stack(totals), 0), np.ptp(torch.stack(kinetic), 0)
    assert (moved > 0.05).all()
    assert (conserved < 0.02 * moved).all()
    assert model._batch.list_builds < 10


def test_batches_that_change(potential: dpse_fast.Potential) -> None:
    model = DeepPotentialModel(potential)
    atoms = [as_atoms(random_structure(kind)) for kind in KINDS]
    for chosen in ([0, 1, 2], [2, 0], [1], [0, 1, 2]):
        found = model(state_of([atoms[k] for k in chosen]))
        for energy, k in zip(found["energy"], chosen, strict=True):
            one = model.potential.compute(*random_structure(KINDS[k])[:3])
            assert float(energy) == pytest.approx(one.energy, rel=1e-11)


def test_unknown_element(potential: dpse_fast.Potential) -> None:
    atoms = Atoms("OHe", positions=[[0, 0, 0], [0, 0, 1.5]], cell=[9] * 3, pbc=True)
    with pytest.raises(InputError, match=r"no He; its types are O, H"):
        DeepPotentialModel(potential)(state_of([atoms]))
