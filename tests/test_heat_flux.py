"""The heat flux is the rate of the moment of energy, Σ r_i (K_i + U_i)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from random_model import Structure, random_model, random_structure

import dpse_fast
from dpse_fast.model import Model

TINY: dict[str, Any] = {"embedding": (4, 8), "fitting": (6, 6), "rcut": 3.1}
HYBRID = ({"kind": "se_e2_r", "rcut": 2.5},)
MODELS: dict[str, dict[str, Any]] = {
    "se_e2_a": {},
    "hybrid with a pair table": {"hybrid": HYBRID, "pair_table": True},
}
PARTS = ("potential", "kinetic", "virial", "convective", "total")
Array = NDArray[np.float64]


def tiny(seed: int = 1, **options: Any) -> Model:
    return random_model(seed=seed, **{**TINY, "rcut_smth": 1.2, **options})


def exact(model: Model | list[Model], **options: Any) -> Any:
    return dpse_fast.load(model, tol=0.0, threads=1, **options)


def moving(n: int, seed: int = 5) -> tuple[Array, Array]:
    """Velocities (n, 3) and masses (n,), in units in which ½ m v² is in eV."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), rng.uniform(1.0, 3.0, n)


def kinetic(masses: Array, v: Array) -> Array:
    found: Array = 0.5 * masses * (v**2).sum(axis=1)
    return found


def rate_of_moment(
    pot: dpse_fast.Potential, s: Structure, v: Array, masses: Array, step: float
) -> Array:
    """d/dt Σ r_i (K_i + U_i) of atoms in an open box, by central differences.

    Atoms without velocity are held: their kinetic energy has no rate.
    """
    moved = (v != 0).any(axis=1)[:, None]
    a = moved * pot.compute(*s[:3], pbc=s.pbc).forces / masses[:, None]

    def moment(t: float) -> Array:
        x = s.positions + t * v + 0.5 * t**2 * a
        potential = pot.compute(x, s.types, atomic=True).atomic_energies
        energies = potential + kinetic(masses, v + t * a)
        found: Array = (energies - energies.mean()) @ (x - s.positions.mean(axis=0))
        return found

    def slope(h: float) -> Array:
        return (moment(h) - moment(-h)) / (2 * h)

    # The mean energy that moment() leaves out, for digits, moves with all atoms.
    energies = pot.compute(*s[:3], pbc=s.pbc, atomic=True).atomic_energies
    whole = energies.mean() + kinetic(masses, v).mean()
    found: Array = (4 * slope(step) - slope(2 * step)) / 3 + whole * v.sum(axis=0)
    return found


@pytest.mark.parametrize("name", MODELS)
def test_is_the_rate_of_the_moment_of_energy(name: str) -> None:
    """Total energy is constant, so that its mean may be left out of the moment."""
    pot = exact(tiny(**MODELS[name]))
    s = random_structure("open", 2, 3)
    v, masses = moving(len(s.types))
    result = pot.compute(*s[:3], pbc=s.pbc, atomic=True)
    flux = result.heat_flux(v, kinetic(masses, v))
    expected = rate_of_moment(pot, s, v, masses, 1e-3)
    np.testing.assert_allclose(flux.total, expected, rtol=0, atol=1e-6)
    # It matters which index of the virial the velocity goes with.
    transposed = np.einsum("jfd,jd->f", result.atomic_virials, v)
    assert np.abs(transposed - flux.virial).max() > 1e-3
    assert np.abs(flux.virial).max() > 0.01


def test_of_a_periodic_cell_is_that_of_one_cell_in_a_crystal() -> None:
    """All atoms of a large cluster are held but those of one cell in the middle."""
    pot = exact(tiny())
    s = random_structure("tiny", 2, 3)
    inside = s.positions @ np.linalg.inv(s.cell) % 1 @ s.cell
    cells = list(itertools.product(range(-4, 5), repeat=3))
    at = np.concatenate([inside + np.array(c) @ s.cell for c in cells])
    cluster = Structure(at, np.tile(s.types, len(cells)), None, (False,) * 3)
    v, masses = moving(3)
    first = 3 * cells.index((0, 0, 0))
    of_all = np.zeros_like(at)
    of_all[first : first + 3] = v
    everywhere = np.tile(masses, len(cells))
    result = pot.compute(*s[:3], pbc=s.pbc, atomic=True)
    flux = result.heat_flux(v, kinetic(masses, v))
    expected = rate_of_moment(pot, cluster, of_all, everywhere, 1e-3)
    assert np.abs(flux.virial).max() > 0.01
    np.testing.assert_allclose(flux.total, expected, rtol=0, atol=1e-6)


def test_parts_of_a_committee_and_of_virtual_atoms() -> None:
    s = random_structure("triclinic", 2, 3, 9)
    v, masses = moving(9)
    k = kinetic(masses, v)
    types = np.where(np.arange(9) == 4, -1, s.types)
    committee = exact([tiny(1), tiny(2)], driver="mean")
    result = committee.compute(s.positions, types, s.cell, atomic=True)
    flux = result.heat_flux(v, k)
    members = [one.heat_flux(v, k) for one in result.members]
    for part in PARTS:
        mean = np.mean([getattr(one, part) for one in members], axis=0)
        np.testing.assert_allclose(getattr(flux, part), mean, atol=1e-12)
    np.testing.assert_array_equal(flux.convective, flux.potential + flux.kinetic)
    np.testing.assert_array_equal(flux.total, flux.convective + flux.virial)

    real = types >= 0
    without = committee.compute(s.positions[real], types[real], s.cell, atomic=True)
    other = without.heat_flux(v[real], k[real])
    np.testing.assert_allclose(flux.virial, other.virial, atol=1e-12)
    np.testing.assert_allclose(flux.potential, other.potential, atol=1e-12)
    np.testing.assert_allclose(flux.kinetic - k[4] * v[4], other.kinetic, atol=1e-12)


class OnGpu:
    """An array that says it is on a GPU; nobody may touch it."""

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0


def test_errors() -> None:
    pot = exact(tiny())
    s = random_structure("open", 2, 3, 5)
    v, k = np.ones((5, 3)), np.ones(5)
    plain = pot.compute(*s[:3], pbc=s.pbc)
    with pytest.raises(dpse_fast.InputError, match=r"heat_flux: .* atomic=True"):
        plain.heat_flux(v, k)
    result = pot.compute(*s[:3], pbc=s.pbc, atomic=True)
    refused: list[tuple[Any, Any, str]] = [
        (v[:4], k, r"velocities: expected 5 × 3 finite numbers, got shape \(4, 3\)"),
        (v, masses := k[:, None], r"kinetic_energies: expected 5 .*\(5, 1\)"),
        (
            np.where(np.eye(5, 3) > 0, np.nan, v),
            k,
            r"velocities: .*\[nan, 1.0, 1.0\] for atom 0",
        ),
        (v, -k, "kinetic_energies: expected no negative ones, got -1 for atom 0"),
        (v.astype(str), k, "velocities: expected 5 × 3 finite numbers"),
        (None, masses, "velocities: expected 5 × 3 finite numbers"),
    ]
    refused.append((OnGpu(), k, "velocities: expected an array of the host"))
    with pytest.raises(dpse_fast.InputError, match=r"heat_flux: .* NumPy array"):
        replace(result, atomic_virials=OnGpu()).heat_flux(v, k)
    for velocities, energies, message in refused:
        with pytest.raises(dpse_fast.InputError, match=message):
            result.heat_flux(velocities, energies)
