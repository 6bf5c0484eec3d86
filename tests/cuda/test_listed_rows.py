"""A caller's list in the order of rows, incoming pairs, evaluation in pieces."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.cuda.layout import PairGradients, Tile
from random_model import random_model

import dpse_fast
from dpse_fast.cuda.arrays import CudaArrays
from dpse_fast.cuda.device import Device
from dpse_fast.cuda.force_sums import VIRIAL, ForceSums
from dpse_fast.cuda.listed_rows import ListedRows
from dpse_fast.cuda.neighbour_list_check import check_device_list
from dpse_fast.inputs.neighbour_list import ListArguments
from tests.cuda.test_listed_session import (
    ALL,
    ghosts_of,
    on_cpu,
    on_device,
    same,
    small,
)
from tests.cuda.test_pipeline import TINY, least_memory, running_out

N, N_ALL, N_TYPES = 9, 50, 40  # more types than a warp has lanes


class Given:
    """A list of random pairs, with rows and neighbours that do not count."""

    def __init__(self, n_types: int) -> None:
        rng = np.random.default_rng(n_types)
        self.positions = rng.uniform(0, 3, (N_ALL, 3))
        self.types = rng.integers(-1, n_types, N_ALL)
        self.centres = rng.permutation(N_ALL)[:N]
        self.types[self.centres] = rng.integers(0, n_types, N)
        self.types[self.centres[3]] = -1
        lengths = rng.integers(0, 45, N)
        lengths[[1, 4]] = 0, 45
        self.first = np.cumsum([0, *lengths])
        self.neighbours = rng.integers(0, N_ALL, self.first[-1])
        self.numbers = rng.permutation(n_types).astype(np.int32)

    def rows(self, device: Device, deterministic: bool = True) -> ListedRows:
        n_types = self.numbers.size
        names = tuple(map(str, range(n_types)))
        lists = self.types, self.first, self.neighbours, self.centres
        came = ListArguments(*lists, None, N_ALL, names)
        given = check_device_list(CudaArrays(device), came)
        at, numbers = device.upload(self.positions), device.upload(self.numbers)
        return ListedRows(device, given, at, numbers, n_types, deterministic)


@pytest.mark.parametrize("n_types", [1, 3, N_TYPES])
def test_rows_by_type_and_their_neighbours_by_type(
    device: Device, n_types: int
) -> None:
    given = Given(n_types)
    rows = given.rows(device)
    order = device.download(rows.order)
    assert sorted(order) == list(range(N_ALL))
    kinds = np.where(given.types < 0, -1, given.numbers[given.types])
    counting = given.centres[given.types[given.centres] >= 0]
    expected = sorted(counting, key=lambda atom: (kinds[atom], atom))
    np.testing.assert_array_equal(order[: rows.n], expected)
    np.testing.assert_array_equal(
        given.centres[device.download(rows.rows)], order[: rows.n]
    )
    starts = np.searchsorted(kinds[expected], np.arange(n_types + 1))
    np.testing.assert_array_equal(rows.starts, starts)
    located = device.download(rows.located).reshape(-1, 4)
    np.testing.assert_array_equal(located[:, :3], given.positions[order])
    np.testing.assert_array_equal(located[:, 3], kinds[order])
    first, neighbours = (
        device.download(a) for a in (rows.hood.first, rows.hood.neighbours)
    )
    for place in range(rows.n):
        row = int(np.flatnonzero(given.centres == order[place])[0])
        own = given.neighbours[given.first[row] : given.first[row + 1]]
        for t in range(n_types):
            begin, end = first[place * n_types + t : place * n_types + t + 2]
            of_type = own[kinds[own] == t]
            np.testing.assert_array_equal(order[neighbours[begin:end]], of_type)
    assert first[-1] == len(neighbours)


def test_pairs_by_their_neighbour(device: Device) -> None:
    rows = Given(3).rows(device)
    assert rows.incoming is not None
    first, sources, places = (device.download(a) for a in rows.incoming)
    listed = device.download(rows.hood.neighbours)
    starts = device.download(rows.hood.first)[::3]
    assert first[0] == 0
    assert first[-1] == len(listed)
    for place in range(N_ALL):
        here = slice(first[place], first[place + 1])
        entries = starts[sources[here]] + places[here]
        np.testing.assert_array_equal(entries, np.flatnonzero(listed == place))
        assert (entries < starts[sources[here] + 1]).all()


@pytest.mark.parametrize("bounds", [(0, 8), (0, 3, 4, 8)])
@pytest.mark.parametrize("atomic", [True, False])
@pytest.mark.parametrize("deterministic", [True, False])
def test_forces_on_rows_and_ghosts(
    device: Device,
    deterministic: bool,
    atomic: bool,
    bounds: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dpse_fast.cuda.force_sums.rows_per_warp", lambda n: 7)
    rows = Given(3).rows(device, deterministic)
    assert rows.n == bounds[-1]
    listed = device.download(rows.hood.neighbours)
    starts = device.download(rows.hood.first)[::3]
    own = np.repeat(np.arange(rows.n), np.diff(starts))
    at = device.download(rows.located).reshape(-1, 4)[:, :3]
    g = np.random.default_rng(7).normal(size=(len(listed), 3))
    g[::5] = 0
    sums = ForceSums(device, 3, 6.0, deterministic)
    sums.start(rows.n, atomic, rows.n_places)
    for begin, end in pairwise(bounds):
        base = int(starts[begin])
        values = device.upload(g[base : starts[end]].reshape(-1))
        tile, gradients = Tile(begin, end), PairGradients(values, base)
        sums.add(rows.hood, rows.located, tile, gradients, rows.incoming)
    sums.total(device.upload(np.zeros(rows.n)))
    forces, virials = np.zeros((N_ALL, 3)), np.zeros((N_ALL, 3, 3))
    np.add.at(forces, own, g)
    np.add.at(forces, listed, -g)
    np.add.at(virials, listed, -g[:, :, None] * (at[listed] - at[own])[:, None])
    close = {"rtol": 0, "atol": 1e-12}
    found = device.download(sums.forces).reshape(-1, 3)
    np.testing.assert_allclose(found, forces, **close)
    virial = device.download(sums.totals)[VIRIAL:].reshape(3, 3)
    np.testing.assert_allclose(virial, virials.sum(axis=0), **close)
    found = device.download(sums.virials).reshape(-1, 3, 3)
    np.testing.assert_allclose(found, virials if atomic else found[:0], **close)


def test_rows_that_are_too_long(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dpse_fast.cuda.listed_rows.NO_REVERSE", 9)
    with pytest.raises(dpse_fast.InputError, match=r"fewer than 9 in a row, got \d\d"):
        Given(1).rows(device)


@pytest.mark.parametrize("deterministic", [True, False])
def test_a_list_that_does_not_fit(
    device: Device, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = Given(1)
    monkeypatch.setattr(type(device), "memory", lambda self: (10, 100))
    with pytest.raises(dpse_fast.InputError, match=r"neighbours: .* GB for") as refused:
        given.rows(device, deterministic)
    assert ("deterministic=False" in str(refused.value)) == deterministic


def test_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little memory and small batches: several tiles."""
    from dpse_fast.cuda import listed_rows, pipeline

    model = random_model(**TINY)
    g = ghosts_of(model, small("slab", 8))
    arguments = g.arguments
    monkeypatch.setattr(pipeline, "LARGEST_BATCH", 2)
    session, expected = on_device(model), on_cpu(model).compute(*arguments, **ALL)
    same(session.compute(*arguments, **ALL), expected)
    used = session._evaluator._models[0].pipeline
    least = least_memory(used)
    memory = type(session._backend.gpu)
    monkeypatch.setattr(listed_rows.ListedRows, "_check_memory", lambda *given: None)
    monkeypatch.setattr(memory, "memory", lambda self: (least, least))
    same(session.compute(*arguments, **ALL), expected)
    assert len(used._tiling.tiles) > 1
    for _ in range(2):
        same(session.compute(*arguments, same_list=True, **ALL), expected)
    monkeypatch.setattr(memory, "memory", lambda self: (least // 2, least))
    with pytest.raises(dpse_fast.InputError, match=r"need .* of the GPU are"):
        session.compute(*arguments)


def test_memory_that_runs_out_leaves_a_session_usable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = random_model(**TINY)
    g = ghosts_of(model, small("open"))
    arguments: Any = g.arguments
    session = on_device(model)
    with running_out(session._backend.gpu, monkeypatch):
        session.compute(*arguments)
    with pytest.raises(dpse_fast.InputError, match="same_list"):
        session.compute(*arguments, same_list=True)
    for step in range(3):
        found = session.compute(*arguments, same_list=step > 0, **ALL)
        same(found, on_cpu(model).compute(*arguments, **ALL))
