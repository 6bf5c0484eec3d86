"""A caller's list in arrays of the device, and what is refused wherever it lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from families import family
from random_model import random_model

import dpse_fast
from dpse_fast.cuda.availability import simulated
from tests.cuda.foreign import ByDlpack, ByInterface, InNamespace, of
from tests.cuda.test_listed_session import (
    ALL,
    ARRAYS,
    ghosts_of,
    on_cpu,
    on_device,
    small,
)
from tests.cuda.test_pipeline import TINY

pytestmark = pytest.mark.skipif(
    not simulated(), reason="arrays of the simulator are the host's"
)

DTYPES = [np.int32, np.int64, np.uint32, np.uint64, np.int16]


def on_gpu(value: Any, kind: type = ByDlpack) -> Any:
    return None if value is None else kind(value)


def equal(found: Any, expected: Any) -> None:
    assert found.energy == pytest.approx(expected.energy, abs=1e-10)
    for name in ARRAYS:
        got = np.asarray(getattr(getattr(found, name), "values", getattr(found, name)))
        np.testing.assert_allclose(got, getattr(expected, name), rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", [ByDlpack, ByInterface])
@pytest.mark.parametrize("dtype", DTYPES)
def test_lists_of_the_device(dtype: Any, kind: type) -> None:
    model = random_model(**TINY)
    g = ghosts_of(model, small("open", 4))
    lists = [on_gpu(a.astype(dtype), kind) for a in (g.types, *g.lists, np.arange(4))]
    found = on_device(model).compute(g.positions, *lists, **ALL)
    equal(found, on_cpu(model).compute(*g.arguments, **ALL))


@pytest.mark.parametrize("there", ["types", "first", "neighbours", "centres"])
def test_lists_partly_of_the_device(there: str) -> None:
    model = random_model(**TINY)
    g = ghosts_of(model, small("open", 4))
    given = dict(zip(("first", "neighbours"), g.lists, strict=True))
    given |= {"types": g.types, "centres": np.arange(4)}
    expected = on_cpu(model).compute(g.positions, **given, **ALL)
    given[there] = on_gpu(given[there])
    equal(on_device(model).compute(g.positions, **given, **ALL), expected)


def test_names_of_types_with_a_list_of_the_device() -> None:
    model = random_model(**TINY)
    g = ghosts_of(model, small("open", 4))
    lists = [on_gpu(a) for a in g.lists]
    names = [model.type_map[t] for t in g.types]
    found = on_device(model).compute(g.positions, names, *lists, **ALL)
    equal(found, on_cpu(model).compute(*g.arguments, **ALL))


def test_results_are_arrays_as_the_positions_are() -> None:
    model = random_model(**TINY)
    g = ghosts_of(model, small("open", 4))
    session = on_device(model)
    arguments = [on_gpu(a) for a in (g.types, *g.lists)]
    before = np.random.default_rng(1).normal(size=g.positions.shape)
    sums = ByInterface(before.copy())
    expected = on_cpu(model).compute(*g.arguments, **ALL)
    found = session.compute(on_gpu(g.positions, InNamespace), *arguments, **ALL)
    assert isinstance(found.forces, InNamespace)
    equal(found, expected)
    gradients = found.pair_gradients
    moved = 0.99 * g.positions
    there = on_gpu(moved, InNamespace)
    again = session.compute(there, *arguments, same_list=True, forces=sums, **ALL)
    assert again.forces is sums
    further = on_cpu(model).compute(moved, g.types, *g.lists)
    np.testing.assert_allclose(sums.values, before + further.forces, atol=1e-9)
    # The second step has not written where the first one's results are.
    np.testing.assert_allclose(gradients.values, expected.pair_gradients, atol=1e-9)


def test_lists_of_the_device_are_not_looked_at_again() -> None:
    model = family("aparam")
    g = ghosts_of(model, small("slab", 4))
    session, positions = on_device(model), g.positions
    lists = [a.copy() for a in (g.types.astype(np.int32), *g.lists, np.arange(4))]
    arguments = [on_gpu(a) for a in lists]
    given = {"fparam": [0.3], "aparam": np.arange(4.0)}
    for step in range(3):
        found = session.compute(
            positions, *arguments, same_list=step > 0, **ALL, **given
        )
        expected = on_cpu(model).compute(positions, g.types, *g.lists, **ALL, **given)
        equal(found, expected)
        for values in lists:
            values[...] = 1
        positions = positions + 0.01 * np.sin(g.positions)


X, TYPES, FIRST, LIST = np.eye(3), [0, 1, 1], [0, 2, 4, 6], [1, 2, 0, 2, 0, 1]
REFUSED: list[dict[str, Any]] = [
    {"types": [0, 1]},
    {"types": [0, 1, 2]},
    {"types": [0, -2, 1]},
    {"types": [0.0, 1.0, 1.0]},
    {"types": [0, 1, 1], "type_map": [0]},
    {"types": [0, -1, 1], "type_map": [0, 1]},
    {"types": np.array([0, 2**32, 1])},
    {"first": [0, 2, 4, 5]},
    {"first": [0, 4, 2, 6]},
    {"first": [1, 2, 4, 6]},
    {"first": [0]},
    {"first": np.empty(0, int)},
    {"first": [[0, 2, 4, 6]]},
    {"first": [0.0, 2.0, 4.0, 6.0]},
    {"first": [0, 2, 4, 6, 6]},
    {"neighbours": [1, 2, 0, 2, 0, 3]},
    {"neighbours": [1, 2, 0, -1, 0, 1]},
    {"neighbours": np.array([1, 2, 0, 2**32, 0, 1])},
    {"neighbours": np.array([1, 2, 0, 2**64 - 1, 0, 1], np.uint64)},
    {"neighbours": [1, 2, 0, 2, 0, 2]},
    {"centres": [0, 1]},
    {"centres": [0, 1, 3]},
    {"centres": [0, -1, 2]},
    {"positions": np.full((3, 3), np.nan)},
    {"positions": np.eye(2)},
    {"type_map": [0, 7]},
    {"same_list": True},
    {"fparam": [1.0]},
]


@pytest.mark.parametrize("place", ["host", "device"])
@pytest.mark.parametrize("change", REFUSED)
def test_refused_as_on_the_processors(change: dict[str, Any], place: str) -> None:
    model = random_model(**TINY)
    good = {"positions": X, "types": TYPES, "first": FIRST, "neighbours": LIST}
    given = good | change
    with pytest.raises(dpse_fast.InputError) as expected:
        on_cpu(model).compute(**given)
    if place == "device":
        given = {
            name: value if name == "same_list" else on_gpu(value)
            for name, value in given.items()
        }
    session = on_device(model)
    with pytest.raises(dpse_fast.InputError) as found:
        session.compute(**given)
    assert str(found.value) == str(expected.value)
    session.compute(**good)


def test_no_list_is_left_of_one_that_was_refused() -> None:
    session = on_device(random_model(**TINY))
    session.compute(X, TYPES, FIRST, LIST)
    with pytest.raises(dpse_fast.InputError, match="first"):
        session.compute(X, TYPES, [0, 2, 4, 5], LIST)
    with pytest.raises(dpse_fast.InputError, match="same_list"):
        session.compute(X, TYPES, FIRST, LIST, same_list=True)


@pytest.mark.parametrize(
    "sums",
    [
        np.zeros((2, 3)),
        ByInterface(np.zeros((2, 3))),
        ByInterface(np.zeros((3, 3), np.float32)),
        of("jax", ByDlpack)(np.zeros((3, 3))),
    ],
)
def test_forces_that_nothing_can_be_added_to(sums: Any) -> None:
    session = on_device(random_model(**TINY))
    with pytest.raises(dpse_fast.InputError, match=r"forces: expected a writ.* \(3, 3"):
        session.compute(X, TYPES, FIRST, LIST, forces=sums)


@pytest.mark.parametrize("place", ["host", "device"])
def test_two_rows_of_one_atom(place: str) -> None:
    session = on_device(random_model(**TINY))
    centres: Any = [0, 2, 2]
    if place == "device":
        centres = on_gpu(centres)
    with pytest.raises(dpse_fast.InputError, match=r"centres: .* atom 2 in several"):
        session.compute(X, TYPES, FIRST, LIST, centres)


def test_a_list_that_changes_while_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "dpse_fast.cuda.neighbour_list_check.check_list", lambda given: None
    )
    session = on_device(random_model(**TINY))
    with pytest.raises(dpse_fast.InputError, match=r"neighbours: .* has changed"):
        session.compute(X, TYPES, FIRST, on_gpu([1, 2, 0, 2, 0, 9]))


def test_other_atoms_than_those_of_the_list() -> None:
    session = on_device(random_model(**TINY))
    session.compute(X, TYPES, FIRST, LIST)
    with pytest.raises(dpse_fast.InputError, match="the 3 atoms of the last list"):
        session.compute(X[:2], TYPES, FIRST, LIST, same_list=True)


def test_positions_of_the_device_that_stop_being_finite() -> None:
    """Also once launches are replayed; the caller's forces are left alone."""
    session, sums = on_device(random_model(**TINY)), np.zeros((3, 3))
    for step in range(3):
        session.compute(on_gpu(X), TYPES, FIRST, LIST, same_list=step > 0)
    bad = X.copy()
    bad[1, 2] = np.inf
    with pytest.raises(dpse_fast.InputError, match="for atom 1"):
        session.compute(on_gpu(bad), TYPES, FIRST, LIST, same_list=True, forces=sums)
    assert not sums.any()
    session.compute(on_gpu(X), TYPES, FIRST, LIST, same_list=True, forces=sums)
    assert sums.any()


def test_atoms_that_lie_on_one_another() -> None:
    session = on_device(random_model(**TINY))
    positions = np.diag([1.0, 2.0, 3.0])[[0, 1, 2, 1]]
    lists = [0, 3, 6], [1, 2, 3, 0, 1, 2], [0, 3]
    with pytest.raises(dpse_fast.InputError, match="lies on atom 3;"):
        session.compute(positions, [0, 1, 0, 0], *lists)
    with pytest.raises(dpse_fast.InputError, match="lies on atom 0;"):
        session.compute(positions, [0, 1, 0, 0], [0, 1], [0])


def test_a_pair_below_the_table() -> None:
    session = on_device(family("pair_table"))
    positions = [[0, 0, 0], [9, 0, 0], [0, 0, 0.3]]
    with pytest.raises(dpse_fast.InputError, match="atom 2 has a neighbour closer"):
        session.compute(positions, [0, 1, 0], [0, 0, 1], [0], [1, 2])
