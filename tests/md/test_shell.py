"""Own atoms in a shell of ghosts: what all ranks have adds up to the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ghosts import with_ghosts
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.cpu.pipeline import Pipeline
from dpse_fast.errors import AtomError, InputError
from dpse_fast.md.shell import Shell

BOTH = np.arange(2)


@pytest.mark.parametrize("kind", ["triclinic", "slab", "open"])
@pytest.mark.parametrize("n_ranks", [1, 3])
def test_shares_add_up(kind: str, n_ranks: int) -> None:
    structure = random_structure(kind)
    potential = dpse_fast.load(random_model(), threads=1)
    n = len(structure.types)
    expected = potential.compute(*structure[:3], pbc=structure.pbc)
    energy, virial, forces = 0.0, np.zeros((3, 3)), np.zeros((n, 3))
    for rank in range(n_ranks):
        own = np.arange(rank, n, n_ranks)
        ghosts = with_ghosts(*structure, 2 * potential.rcut, own)
        shell = Shell(potential, 0.0, BOTH)
        share = shell.compute(ghosts.positions, ghosts.types, len(own))
        energy += share.energy
        virial += share.virial
        forces[own] = share.forces
    assert energy == pytest.approx(expected.energy, rel=1e-12)
    np.testing.assert_allclose(forces, expected.forces, atol=1e-10)
    np.testing.assert_allclose(virial, expected.virial, atol=1e-9)


def test_the_list_is_kept_and_renewed() -> None:
    structure = random_structure("triclinic")
    potential = dpse_fast.load(random_model(), threads=1)
    shell, reach = Shell(potential, 1.0, BOTH), 2 * potential.rcut + 1.0
    n, rng = len(structure.types), np.random.default_rng(4)
    ghosts = with_ghosts(*structure, reach)
    offsets = ghosts.positions - structure.positions[ghosts.owners]
    builds = []
    for size in (0.0, 0.1, 0.1, 2.0, 0.1):
        positions = structure.positions + size * rng.uniform(-0.2, 0.2, (n, 3))
        if len(builds) == 4:  # other ghosts, in another order
            ghosts = with_ghosts(*structure._replace(positions=positions), reach)
            offsets = ghosts.positions - positions[ghosts.owners]
        share = shell.compute(positions[ghosts.owners] + offsets, ghosts.types, n)
        expected = potential.compute(positions, *structure[1:3])
        np.testing.assert_allclose(share.forces, expected.forces, atol=1e-10)
        assert share.energy == pytest.approx(expected.energy, rel=1e-12)
        builds.append(shell._list.builds)
    assert builds[:3] == [1, 1, 1]
    assert builds[4] > builds[2]


def test_an_evaluation_that_fails_does_not_spoil_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where memory runs out, the session gives its list back."""
    potential = dpse_fast.load(random_model(), threads=1)
    s = random_structure("triclinic", 2)
    g = with_ghosts(s.positions, s.types, s.cell, s.pbc, 2 * potential.rcut + 1)
    types, n = np.asarray(g.types, np.int32), len(s.positions)
    shell = Shell(potential, 0.5, np.array([0, 1]))
    expected = shell.compute(g.positions, types, n)

    def fails(*_: Any, **__: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "evaluate", fails)
        with pytest.raises(InputError, match="do not fit into the memory"):
            shell.compute(g.positions, types, n)
    found = shell.compute(g.positions, types, n)
    assert found.energy == expected.energy
    np.testing.assert_array_equal(found.forces, expected.forces)


def test_atoms_that_do_not_count() -> None:
    structure = random_structure("open")
    potential = dpse_fast.load(random_model(), threads=1)
    types = structure.types.copy()
    types[::3] = -1
    shell = Shell(potential, 0.5, BOTH)
    share = shell.compute(structure.positions, types, len(types))
    expected = potential.compute(structure.positions, types)
    np.testing.assert_allclose(share.forces, expected.forces, atol=1e-10)
    nothing = shell.compute(structure.positions, np.full(len(types), -1), 4)
    assert (nothing.energy, nothing.forces.tolist()) == (0.0, [[0.0] * 3] * 4)


def test_errors_are_about_the_callers_atoms() -> None:
    """Whatever atoms do not count, and whichever of a pair at one place is found."""
    structure = random_structure("triclinic")
    potential = dpse_fast.load(random_model(), threads=1)
    ghosts = with_ghosts(*structure, 2 * potential.rcut + 0.5)
    types, n = ghosts.types.astype(np.int32), len(structure.types)
    types[::3] = -1
    for wrong in (1, n + 4):
        assert types[wrong] >= 0
        positions = ghosts.positions.copy()
        positions[wrong, 1] = np.nan
        with pytest.raises(AtomError, match=f"for atom {wrong} ") as caught:
            Shell(potential, 0.5, BOTH).compute(positions, types, n)
        assert caught.value.atom == wrong
    positions = ghosts.positions.copy()
    positions[4] = positions[5]
    with pytest.raises(AtomError, match=r"lies on atom [45];") as caught:
        Shell(potential, 0.5, BOTH).compute(positions, types, n)
    assert caught.value.atom in (4, 5)
