"""DP_*ComputeNList*: the caller's list and ghosts, against Python's listed session."""

from __future__ import annotations

import ctypes as c
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from families import family, parameters
from ghosts import Ghosts, with_ghosts
from library.deepmd_binding import Deepmd, IntPointer, NeighbourList
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.formats.exchange.writer import write

SPECIAL = 1 << 30  # a bit that LAMMPS sets for bonded neighbours
MASK = 0x1FFFFFFF


@pytest.fixture
def deepmd(deepmd_library: Path, monkeypatch: pytest.MonkeyPatch) -> Deepmd:
    monkeypatch.setenv("DPSE_TOL", "0")
    monkeypatch.setenv("DPSE_THREADS", "1")
    return Deepmd(deepmd_library)


def saved(folder: Path, model: Any, name: str = "model.h5") -> Path:
    write(model, folder / name)
    return folder / name


def some(kind: str = "cubic", reach: float = 4.8, local: Any = None) -> Ghosts:
    return with_ghosts(*random_structure(kind), reach=reach, local=local)


def rows_of(ghosts: Ghosts) -> list[Any]:
    return np.split(ghosts.neighbours, ghosts.first[1:-1])


def n_local(ghosts: Ghosts) -> int:
    return len(ghosts.first) - 1


def expected(file: Path, ghosts: Ghosts, **given: Any) -> Any:
    session = dpse_fast.load(file, threads=1, tol=0).listed_session()
    return session.compute(*ghosts.arguments, atomic=True, **given)


def check(found: Any, want: Any, model: int = 0, rel: float = 1e-12) -> None:
    n = len(want.atomic_energies)
    assert found.energy[model] == pytest.approx(want.energy, rel=max(rel, 1e-12))
    for number, right in (
        (found.force[model], want.forces),
        (found.virial[model], want.virial),
        (found.atomic_energy[model, :n], want.atomic_energies),
        (found.atomic_virial[model], want.atomic_virials),
    ):
        scale = np.abs(right).max(initial=1e-3)
        np.testing.assert_allclose(number, right, rtol=rel, atol=rel * scale)
    assert not found.atomic_energy[model, n:].any()


def compute(
    deepmd: Deepmd, model: Any, ghosts: Ghosts, nlist: NeighbourList, **more: Any
) -> Any:
    return deepmd.compute(
        *(model, ghosts.positions[None], ghosts.types, np.eye(3)),
        function="ComputeNList",
        nlist=nlist,
        n_ghosts=len(ghosts.positions) - n_local(ghosts),
        **more,
    )


@pytest.mark.parametrize("name", ["hybrid", "aparam"])
@pytest.mark.parametrize("version", ["2", "3"])
def test_steps_with_the_same_list(
    name: str, version: str, deepmd: Deepmd, tmp_path: Path
) -> None:
    file, ghosts = saved(tmp_path, family(name)), some("triclinic")
    given = parameters(family(name), n_local(ghosts))
    nlist = deepmd.neighbour_list(rows_of(ghosts))
    with deepmd.model(file) as model:
        for ago in range(3):
            found = compute(
                deepmd, model, ghosts, nlist, ago=ago, version=version, **given
            )
            assert deepmd.error(model) == ""
            check(found, expected(file, ghosts, **given))
            ghosts.positions[:] += 0.01 * np.sin(
                np.arange(ghosts.positions.size)
            ).reshape(-1, 3)


@pytest.mark.parametrize("version", ["", "2"])
def test_floats(version: str, deepmd: Deepmd, tmp_path: Path) -> None:
    file, ghosts = saved(tmp_path, random_model()), some()
    ghosts.positions[:] = ghosts.positions.astype(np.float32)
    nlist = deepmd.neighbour_list(rows_of(ghosts))
    with deepmd.model(file) as model:
        found = compute(deepmd, model, ghosts, nlist, real=np.float32, version=version)
        assert deepmd.error(model) == ""
    check(found, expected(file, ghosts), rel=3e-7)


@pytest.mark.parametrize("by_atom", [False, True])
def test_rows_in_another_order(by_atom: bool, deepmd: Deepmd, tmp_path: Path) -> None:
    made = family("aparam")
    file, ghosts = saved(tmp_path, made), some()
    given = parameters(made, n_local(ghosts))
    order = np.random.default_rng(3).permutation(n_local(ghosts))
    rows = [rows_of(ghosts)[k] for k in order]
    nlist = deepmd.neighbour_list(rows, order, by_atom)
    with deepmd.model(file) as model:
        found = compute(deepmd, model, ghosts, nlist, **given)
        assert deepmd.error(model) == ""
    check(found, expected(file, ghosts, **given))


def test_masks_take_bits_off(deepmd: Deepmd, tmp_path: Path) -> None:
    file, ghosts = saved(tmp_path, random_model()), some()
    rows = [row | np.where(row % 3 == 0, SPECIAL, 0) for row in rows_of(ghosts)]
    nlist = deepmd.neighbour_list(rows)
    with deepmd.model(file) as model:
        compute(deepmd, model, ghosts, nlist)
        assert "firstneigh: expected atoms 0 to" in deepmd.error(model)
        deepmd.c.DP_NlistSetMask(nlist, MASK)
        deepmd.c.DP_NlistSetMapping(nlist, None)
        assert deepmd.text("NlistCheckOK", nlist) == ""
        found = compute(deepmd, model, ghosts, nlist)
        assert deepmd.error(model) == ""
    deepmd.c.DP_DeleteNlist(nlist)
    check(found, expected(file, ghosts))


def test_atoms_without_a_type_are_not_there(deepmd: Deepmd, tmp_path: Path) -> None:
    file, ghosts = saved(tmp_path, random_model()), some()
    left_out = np.isin(ghosts.owners, [2, 7])
    ghosts.types[left_out] = -1
    nlist = deepmd.neighbour_list(rows_of(ghosts))
    with deepmd.model(file) as model:
        found = compute(deepmd, model, ghosts, nlist)
        assert deepmd.error(model) == ""
    structure = random_structure("cubic")
    keep = np.delete(np.arange(n_local(ghosts)), [2, 7])
    whole = dpse_fast.load(file, threads=1, tol=0).compute(
        structure.positions[keep], structure.types[keep], structure.cell, atomic=True
    )
    assert found.energy[0] == pytest.approx(whole.energy, rel=1e-12)
    forces = ghosts.onto_owners(found.force[0], n_local(ghosts))
    np.testing.assert_allclose(forces[keep], whole.forces, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(
        found.atomic_energy[0][keep], whole.atomic_energies, rtol=1e-12
    )
    assert not found.force[0][left_out].any()
    assert not found.atomic_energy[0][left_out].any()


def test_rows_of_some_atoms_alone(deepmd: Deepmd, tmp_path: Path) -> None:
    file, ghosts = saved(tmp_path, random_model()), some()
    some_rows = np.arange(3, n_local(ghosts), 2)
    rows = [rows_of(ghosts)[k] for k in some_rows]
    nlist = deepmd.neighbour_list(rows, some_rows, by_atom=True)
    with deepmd.model(file) as model:
        found = compute(deepmd, model, ghosts, nlist)
        assert deepmd.error(model) == ""
    want = expected(file, ghosts).atomic_energies[some_rows]
    np.testing.assert_allclose(found.atomic_energy[0][some_rows], want, rtol=1e-12)
    assert found.energy[0] == pytest.approx(want.sum(), rel=1e-12)


def test_two_ranks_have_the_sum(deepmd: Deepmd, tmp_path: Path) -> None:
    file = saved(tmp_path, random_model())
    structure = random_structure("triclinic")
    whole = dpse_fast.load(file, threads=1, tol=0).compute(*structure[:3])
    n = len(structure.positions)
    energy, forces, virial = 0.0, np.zeros((n, 3)), np.zeros((3, 3))
    with deepmd.model(file) as model:
        for local in (np.arange(n // 3), np.arange(n // 3, n)):
            ghosts = some("triclinic", local=local)
            nlist = deepmd.neighbour_list(rows_of(ghosts))
            found = compute(deepmd, model, ghosts, nlist)
            assert deepmd.error(model) == ""
            energy += found.energy[0]
            virial += found.virial[0]
            forces += ghosts.onto_owners(found.force[0], n)
    assert energy == pytest.approx(whole.energy, rel=1e-12)
    np.testing.assert_allclose(forces, whole.forces, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(virial, whole.virial, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("n_ghosts", [0, 4])
def test_no_local_atoms(n_ghosts: int, deepmd: Deepmd, tmp_path: Path) -> None:
    x = np.arange(3.0 * n_ghosts).reshape(1, -1, 3)
    nlist = deepmd.neighbour_list([])
    with deepmd.model(saved(tmp_path, random_model())) as model:
        for ago in range(2):
            found = deepmd.compute(
                *(model, x, np.zeros(n_ghosts), np.eye(3)),
                function="ComputeNList",
                nlist=nlist,
                n_ghosts=n_ghosts,
                ago=ago,
            )
            assert deepmd.error(model) == ""
    assert found.energy[0] == 0
    assert not found.force.any()
    assert not found.virial.any()


def test_types_that_change_while_ago_says_the_same(
    deepmd: Deepmd, tmp_path: Path
) -> None:
    file, ghosts = saved(tmp_path, random_model()), some()
    nlist = deepmd.neighbour_list(rows_of(ghosts))
    with deepmd.model(file) as model:
        compute(deepmd, model, ghosts, nlist)
        ghosts.types[ghosts.owners == 4] ^= 1
        found = compute(deepmd, model, ghosts, nlist, ago=1)
        assert deepmd.error(model) == ""
    check(found, expected(file, ghosts))


def test_a_list_that_is_new_while_ago_says_the_same(
    deepmd: Deepmd, tmp_path: Path
) -> None:
    file, few, many = saved(tmp_path, random_model()), some(), some(reach=5.2)
    with deepmd.model(file) as model:
        found = compute(deepmd, model, few, deepmd.neighbour_list(rows_of(few)), ago=9)
        check(found, expected(file, few))
        nlist = deepmd.neighbour_list(rows_of(many))
        found = compute(deepmd, model, many, nlist, ago=1)
        assert deepmd.error(model) == ""
        check(found, expected(file, many))
        # With the same list, clients need not bring it again.
        empty = deepmd.neighbour_list([])
        found = compute(deepmd, model, many, empty, ago=2)
        check(found, expected(file, many))


def test_a_list_outlives_calls_without_one(deepmd: Deepmd, tmp_path: Path) -> None:
    file, ghosts = saved(tmp_path, random_model()), some()
    with deepmd.model(file) as model:
        compute(deepmd, model, ghosts, deepmd.neighbour_list(rows_of(ghosts)))
        deepmd.compute(model, ghosts.positions[None, :5], [0, 1, -1, 1, 1])
        found = compute(deepmd, model, ghosts, deepmd.neighbour_list([]), ago=1)
        assert deepmd.error(model) == ""
    check(found, expected(file, ghosts))


def test_models_and_one_list(deepmd: Deepmd, tmp_path: Path) -> None:
    files = [saved(tmp_path, random_model(seed=k), f"{k}.h5") for k in range(2)]
    ghosts, kind = some(), "DeepPotModelDevi"
    nlist = deepmd.neighbour_list(rows_of(ghosts))
    with deepmd.model(*files, kind=kind) as model:
        for ago in range(2):
            found = compute(
                deepmd, model, ghosts, nlist, ago=ago, kind=kind, n_models=2
            )
            assert deepmd.error(model, kind) == ""
    for k, file in enumerate(files):
        check(found, expected(file, ghosts), k)


def test_lists_that_are_wrong(deepmd: Deepmd, tmp_path: Path) -> None:
    file, ghosts = saved(tmp_path, random_model()), some()
    rows, n = rows_of(ghosts), n_local(ghosts)
    n_all = len(ghosts.positions)
    far = [*rows[:-1], np.array([n_all])]
    good = deepmd.neighbour_list(rows)
    too_long = deepmd.neighbour_list(rows)
    too_long.lengths[1] = -5
    absent = deepmd.neighbour_list(rows)
    absent.pointers[2] = IntPointer()
    nowhere = deepmd.neighbour_list(rows)
    nowhere._as_parameter_ = c.c_void_p(4096 * 3)
    with deepmd.model(file) as model:
        for nlist, text in (
            (
                deepmd.neighbour_list(far),
                f"firstneigh: expected atoms 0 to {n_all - 1}",
            ),
            (too_long, f"numneigh: expected 0 to {n_all} neighbours of atom 1, got -5"),
            (
                absent,
                f"firstneigh: expected {len(rows[2])} neighbours of atom 2, got NULL",
            ),
            (nowhere, "nlist: expected a place for"),
            (deepmd.neighbour_list(rows, np.arange(n) + 1), "ilist: expected local"),
            (deepmd.neighbour_list([*rows, *rows]), "inum: expected 0 to"),
        ):
            compute(deepmd, model, ghosts, nlist)
            assert text in deepmd.error(model)
            check(compute(deepmd, model, ghosts, good), expected(file, ghosts))
            assert deepmd.error(model) == ""
        deepmd.compute(
            *(model, ghosts.positions[None], ghosts.types, np.eye(3)),
            function="ComputeNList",
            nlist=good,
            n_ghosts=n_all + 1,
        )
        assert "nghost: expected 0 to" in deepmd.error(model)
