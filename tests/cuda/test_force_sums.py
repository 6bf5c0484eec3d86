"""Forces, virials and sums on the device against their definitions in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from dpse_fast.kernels.cuda.layout import NO_REVERSE, PairGradients, Tile
from dpse_fast.kernels.cuda.sums import PER_SUM, sum_parts
from numpy.typing import NDArray

from dpse_fast.cuda.device import Device
from dpse_fast.cuda.force_sums import ENERGY, VIRIAL, ForceSums, rows_per_warp
from tests.cuda.small_list import SmallList, small_list

CUTOFF, SKIN = 5.5, 0.6  # Å; about 36 neighbours, more than a warp has lanes
CELL = np.array([[4.9, 0.0, 0.0], [0.7, 5.1, 0.0], [-0.4, 0.3, 5.3]])
TYPES = np.array([1, 0, 2, 1, 0], np.int32)
N = len(TYPES)
ONE, TWO, THREE = [0, N], [0, 2, N], [0, 1, 3, N]  # tiles


class Case(NamedTuple):
    """A list with pair gradients, and what they add up to."""

    some: SmallList
    gradients: NDArray[np.floating]  # (n_list, 3)
    forces: NDArray[np.float64]  # (n, 3)
    virial: NDArray[np.float64]  # (3, 3)
    virials: NDArray[np.float64]  # (n, 3, 3)


def make_case(dtype: Any, n: int = N) -> Case:
    rng = np.random.default_rng(5)
    some = small_list(rng.uniform(0, 5, (n, 3)), TYPES[:n], CELL, CUTOFF + SKIN)
    d = some.differences()
    gradients = rng.normal(size=d.shape).astype(dtype)
    gradients[np.linalg.norm(d, axis=1) >= CUTOFF] = 0
    return Case(some, gradients, *expected(some, gradients))


def expected(some: SmallList, gradients: NDArray[np.floating]) -> tuple[Any, Any, Any]:
    g, d = gradients.astype(np.float64), some.differences()
    owners = some.hood.owners[some.hood.neighbours]
    forces, virials = np.zeros((some.n, 3)), np.zeros((some.n, 3, 3))
    np.add.at(forces, some.rows_of(), g)
    np.add.at(forces, owners, -g)
    np.add.at(virials, owners, -g[:, :, None] * d[:, None])
    return forces, virials.sum(axis=0), virials


class Found(NamedTuple):
    forces: NDArray[np.float64]
    virial: NDArray[np.float64]
    virials: NDArray[np.float64]
    energy: float


def run(
    device: Device,
    case: Case,
    bounds: Sequence[int],
    *,
    atomic: bool = True,
    sums: ForceSums | None = None,
    deterministic: bool = True,
) -> Found:
    some = case.some
    if sums is None:
        sums = ForceSums(device, some.n_types, CUTOFF, deterministic)
    hood, located = device.upload_all(some.hood), device.upload(some.located)
    sums.start(some.n, atomic)
    for begin, end in pairwise(bounds):
        base, last = (int(some.hood.first[k * some.n_types]) for k in (begin, end))
        values = device.upload(case.gradients[base:last].reshape(-1))
        tile = Tile(begin, end)
        sums.add(hood, located, tile, PairGradients(values, base))
    sums.total(device.upload(np.arange(1.0, some.n + 1)))
    totals = device.download(sums.totals)
    return Found(
        device.download(sums.forces).reshape(-1, 3),
        totals[VIRIAL:].reshape(3, 3),
        device.download(sums.virials).reshape(-1, 3, 3),
        float(totals[ENERGY]),
    )


def close(found: Any, exact: Any) -> None:
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12)


def check(found: Found, case: Case) -> None:
    close(found.forces, case.forces)
    close(found.virial, case.virial)
    close(found.virials, case.virials)


@pytest.mark.parametrize(
    ("bounds", "dtype"),
    [(ONE, np.float64), (THREE, np.float64), (TWO, np.float32)],
    ids=["one tile", "three tiles", "single"],
)
def test_gathered_forces(device: Device, bounds: list[int], dtype: Any) -> None:
    case = make_case(dtype)
    found = run(device, case, bounds)
    check(found, case)
    assert found.energy == N * (N + 1) / 2


def test_scattered_forces(device: Device) -> None:
    case = make_case(np.float64)
    found = run(device, case, TWO, deterministic=False)
    check(found, case)


@pytest.mark.parametrize("deterministic", [True, False])
def test_without_virials_of_atoms(device: Device, deterministic: bool) -> None:
    case = make_case(np.float64)
    found = run(device, case, ONE, atomic=False, deterministic=deterministic)
    close(found.forces, case.forces)
    close(found.virial, case.virial)
    assert found.virials.size == 0


def test_same_bits_and_fresh_sums_in_every_run(device: Device) -> None:
    case, smaller = make_case(np.float64), make_case(np.float64, 3)
    sums = ForceSums(device, 3, CUTOFF)
    first = run(device, case, TWO, sums=sums)
    few = run(device, smaller, [0, 3], sums=sums, atomic=False)
    close(few.forces, smaller.forces)
    close(few.virial, smaller.virial)
    again = run(device, case, TWO, sums=sums)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)


def test_pairs_without_reverse_are_left_out(device: Device) -> None:
    case = make_case(np.float64)
    some = case.some
    near = np.linalg.norm(some.differences(), axis=1) < CUTOFF
    e = int(np.flatnonzero(near)[4])
    lone = some.hood.reverse.copy()
    lone[e] = NO_REVERSE
    owner = some.hood.owners[some.hood.neighbours[e]]
    back = some.hood.first[owner * some.n_types] + some.hood.reverse[e]
    changed = some._replace(hood=some.hood._replace(reverse=lone))
    found = run(device, case._replace(some=changed), ONE, atomic=False)
    forces = case.forces.copy()
    forces[some.rows_of()[e]] += case.gradients[back]
    close(found.forces, forces)


def test_pairs_beyond_the_cutoff_are_not_read(device: Device) -> None:
    case = make_case(np.float64)
    far = np.linalg.norm(case.some.differences(), axis=1) >= CUTOFF
    assert far.any()
    gradients = case.gradients.copy()
    gradients[far] = 1e3
    found = run(device, case._replace(gradients=gradients), ONE, atomic=False)
    own_only = case.forces.copy()
    np.add.at(own_only, case.some.rows_of()[far], gradients[far])
    close(found.forces, own_only)


def test_several_rows_of_a_warp(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dpse_fast.cuda.force_sums.rows_per_warp", lambda n: 3)
    case = make_case(np.float64)
    for deterministic in (True, False):
        found = run(device, case, [0, 2, N], deterministic=deterministic)
        check(found, case)


def test_rows_per_warp_depend_on_their_number() -> None:
    assert [rows_per_warp(n) for n in (1, 20_000, 70_000, 10**8)] == [1, 1, 4, 8]


@pytest.mark.parametrize("n", [1, 31, PER_SUM, PER_SUM + 1])
def test_sums_of_columns(device: Device, n: int) -> None:
    values = np.random.default_rng(n).normal(size=(n, 2))
    n_parts = -(-n // PER_SUM)
    sums = device.upload(np.full(1 + 2 * n_parts, -7.0))
    flat = device.upload(values.reshape(-1))
    device.launch(sum_parts, 2 * n_parts, flat, n, 2, sums, 1)
    found = device.download(sums)
    assert found[0] == -7.0
    np.testing.assert_allclose(
        found[1:].reshape(n_parts, 2),
        [values[k * PER_SUM : (k + 1) * PER_SUM].sum(axis=0) for k in range(n_parts)],
        rtol=1e-13,
        atol=1e-13,
    )


def test_sums_in_several_steps(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dpse_fast.cuda.force_sums.PER_SUM", 2)
    monkeypatch.setattr("dpse_fast.kernels.cuda.sums.PER_SUM", 2)
    case = make_case(np.float64)
    found = run(device, case, ONE, atomic=False)
    assert found.energy == N * (N + 1) / 2
    close(found.virial, case.virial)


class TestCallersOrder:
    """Rows go back to the atoms that the caller knows."""

    def handed_over(
        self, device: Device, case: Case, *, atomic: bool, real: Any = None, n: int = N
    ) -> tuple[Any, int]:
        sums = ForceSums(device, case.some.n_types, CUTOFF)
        run(device, case, ONE, atomic=atomic, sums=sums)
        energies = device.upload(np.arange(N) + 0.5)
        outputs = sums.outputs(n, real is None)
        order = device.upload(case.some.order)
        where = None if real is None else device.upload(real)
        sums.hand_over(order, energies, outputs, where)
        found = [device.download(values) for values in outputs]
        return found, int(device.download(sums.n_non_finite)[0])

    @pytest.mark.parametrize("atomic", [True, False])
    def test_all_atoms(self, device: Device, atomic: bool) -> None:
        case = make_case(np.float64)
        found, n_bad = self.handed_over(device, case, atomic=atomic)
        forces, energies, virials = found
        order = case.some.order
        close(forces.reshape(-1, 3)[order], case.forces)
        assert n_bad == 0
        if atomic:
            np.testing.assert_array_equal(energies[order], np.arange(N) + 0.5)
            close(virials.reshape(-1, 3, 3)[order], case.virials)
        else:
            assert energies.size == virials.size == 0

    def test_virtual_atoms_get_zeros(self, device: Device) -> None:
        case = make_case(np.float64)
        real = np.array([1, 2, 4, 5, 8], np.int32)
        found, _ = self.handed_over(device, case, atomic=True, real=real, n=10)
        forces, energies, virials = found
        places = real[case.some.order]
        close(forces.reshape(-1, 3)[places], case.forces)
        close(energies[places], np.arange(N) + 0.5)
        close(virials.reshape(-1, 3, 3)[places], case.virials)
        virtual = np.setdiff1d(np.arange(10), real)
        for values, width in ((forces, 3), (energies, 1), (virials, 9)):
            assert not values.reshape(-1, width)[virtual].any()

    def test_numbers_that_are_not_finite_are_counted(self, device: Device) -> None:
        case = make_case(np.float64)
        gradients = case.gradients.copy()
        near = np.linalg.norm(case.some.differences(), axis=1) < CUTOFF
        e = int(np.flatnonzero(near)[2])
        gradients[e] = [0.0, np.nan, 0.0]
        hood = case.some.hood
        touched = {int(case.some.rows_of()[e]), int(hood.owners[hood.neighbours[e]])}
        _, n_bad = self.handed_over(
            device, case._replace(gradients=gradients), atomic=False
        )
        assert n_bad == len(touched)
