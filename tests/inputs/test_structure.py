"""Bad input gives one clear error that names the argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from random_model import random_model

import dpse_fast
from dpse_fast.errors import InputError
from dpse_fast.inputs.structure import check_cell, check_system

TWO = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
CELL = 9.0 * np.eye(3)


@pytest.fixture(scope="module")
def pot() -> dpse_fast.Potential:
    return dpse_fast.load(random_model())


BAD: list[tuple[dict[str, Any], str]] = [
    ({"positions": [[0, 0, 0], [1, np.nan, 0]]}, r"positions: .*finite.*nan.* atom 1 "),
    ({"positions": [[0, 0, 0], [np.inf, 0, 0]]}, r"positions: .*inf.* atom 1 "),
    ({"positions": [[0, 0, 0], [1e30, 0, 0]]}, r"positions: .*1e\+30.* atom 1 "),
    ({"positions": [0, 0, 0]}, r"positions: expected shape \(N, 3\) .* got \(3,\)"),
    ({"positions": np.zeros((2, 2))}, r"positions: expected shape .* got \(2, 2\)"),
    ({"positions": np.zeros((0, 3)), "types": []}, "positions: expected at least one"),
    ({"positions": [[0, 0, 0], [1, 0]]}, "positions: .*ragged"),
    ({"positions": [["a", "b", "c"]] * 2}, "positions: .*of numbers, got dtype <U1"),
    ({"positions": np.zeros((2, 3), complex)}, "positions: .*got dtype complex128"),
    ({"positions": None}, "positions: .*got dtype object"),
    ({"positions": np.zeros((2, 3))}, "positions: another atom.*lies on atom"),
    ({"positions": [[0, 0, 0], [9, 0, 0]], "cell": CELL}, "lies on atom"),
    ({"types": [0]}, r"types: expected 2 types, .*got shape \(1,\)"),
    ({"types": [0, 2]}, "types: atom 1 has type 2; the model's types are 0 O, 1 H"),
    ({"types": [0, -2]}, "types: atom 1 has type -2"),
    ({"types": ["O", "He"]}, r"no type 'He'; its types are 0 O, 1 H; did you mean 'H'"),
    ({"types": ["O", "Xx"]}, r"no type 'Xx'; its types are 0 O, 1 H$"),
    ({"types": [0.0, 1.0]}, "types: expected indices .* got dtype float64"),
    ({"types": [None, "O"]}, "types: expected indices"),
    ({"types": [[0], [0, 1]]}, "types: expected 2 types, got ragged rows"),
    ({"cell": np.zeros((3, 3))}, "cell: .*singular cell.*cell=None"),
    ({"cell": [[9, 0, 0], [9, 0, 0], [0, 0, 9]]}, "cell: .*singular"),
    ({"cell": [9, 9, 9]}, r"cell: expected shape \(3, 3\)"),
    ({"cell": np.full((3, 3), np.nan)}, "cell: expected finite"),
    ({"cell": "cubic"}, "cell: .*of numbers"),
    ({"pbc": True}, "cell: expected .* pbc asks for periodic images; got none"),
    ({"pbc": (True, False), "cell": CELL}, "pbc: expected one bool or three"),
    ({"pbc": "TTF", "cell": CELL}, "pbc: expected one bool or three"),
    ({"pbc": 2, "cell": CELL}, "pbc: expected one bool or three, got 2"),
    ({"pbc": [True, [False]], "cell": CELL}, "pbc: .*got ragged rows"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_structures(
    pot: dpse_fast.Potential, change: dict[str, Any], message: str
) -> None:
    arguments: dict[str, Any] = {"positions": TWO, "types": [0, 1], **change}
    with pytest.raises(InputError, match=message):
        pot.compute(**arguments)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"device": "tpu"}, "device: expected auto, cpu, cuda or cuda:N, got 'tpu'"),
        ({"device": "cuda:"}, "device: expected auto, cpu, cuda or cuda:N"),
        ({"gemm": "float16"}, "gemm: expected one of float32, tf32x3, tf32, got"),
        ({"deterministic": 1}, "deterministic: expected a bool, got 1"),
        (
            {"precision": "half"},
            "precision: expected one of double, mixed, single, got 'half'",
        ),
        ({"tol": -1.0}, "tol: expected a force"),
        ({"tol": float("nan")}, "tol: expected a force"),
        ({"threads": 0}, "threads: expected a number from 1"),
        ({"threads": 1.5}, "threads: expected a number from 1"),
        ({"threads": True}, "threads: expected a number from 1"),
        ({"sel_overflow": "ignore"}, "sel_overflow: expected one of warn, error"),
        ({"type_map": ["O"]}, "type_map: expected 2 distinct names"),
        ({"type_map": ["O", "O"]}, "type_map: expected 2 distinct names"),
        ({"type_map": "OH"}, "type_map: expected 2 distinct names"),
        ({"type_map": 3}, "type_map: expected 2 distinct names"),
        ({"type_map": [["O"], ["H", "C"]]}, "type_map: expected 2 .*ragged rows"),
        ({"precision": ["mixed"]}, "precision: expected one of double, mixed"),
        ({"device": None}, "device: expected auto, cpu, cuda or cuda:N, got None"),
    ],
)
def test_bad_options(option: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dpse_fast.load(random_model(), **option)


def test_bad_skin(pot: dpse_fast.Potential) -> None:
    with pytest.raises(InputError, match="skin: expected a length"):
        pot.session(skin=-1.0)


def test_unnamed_types_say_how_to_name_them() -> None:
    model = random_model()
    unnamed = dpse_fast.load(model, type_map=["type_0", "type_1"])
    with pytest.raises(InputError, match=r"type_map=\[...\] \(--type-map"):
        unnamed.compute(TWO, ["O", "H"])
    named = dpse_fast.load(unnamed.model, type_map=["H", "O"])
    by_name, by_index = named.compute(TWO, ["O", "H"]), named.compute(TWO, [1, 0])
    assert by_name.energy == by_index.energy


NUMBERS = st.one_of(
    st.floats(width=64), st.floats(-20, 20), st.sampled_from([0.0, 1.0, 1e7, -1e-300])
)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
@pytest.mark.filterwarnings("ignore::dpse_fast.ShortDistanceWarning")
def test_anything_gives_finite_numbers_or_an_input_error(
    pot: dpse_fast.Potential, data: st.DataObject
) -> None:
    shape = data.draw(st.sampled_from([(1, 3), (2, 3), (4, 3), (0, 3), (3,), (2, 2)]))
    positions = data.draw(hnp.arrays(np.float64, shape, elements=NUMBERS))
    n = shape[0]
    kinds = st.one_of(st.integers(-1, 2), st.sampled_from(["O", "H", "C"]))
    types = data.draw(st.lists(kinds, min_size=n, max_size=n))
    cells = hnp.arrays(np.float64, (3, 3), elements=NUMBERS)
    cell = data.draw(st.one_of(st.none(), cells))
    pbc = data.draw(st.one_of(st.none(), st.tuples(*[st.booleans()] * 3)))
    try:
        result = pot.compute(positions, types, cell, pbc=pbc, atomic=True)
    except InputError as refused:
        argument = str(refused).split(":")[0]
    else:
        argument = None
    if argument is not None:
        assert argument in {"positions", "types", "cell", "pbc"}
        return
    assert np.isfinite(result.energy)
    assert np.isfinite(result.forces).all()
    assert np.isfinite(result.virial).all()


def test_input_is_not_modified(pot: dpse_fast.Potential) -> None:
    positions, cell = np.array(TWO) - 20.0, CELL.copy()
    pot.compute(positions, [0, 1], cell)
    np.testing.assert_array_equal(positions, np.array(TWO) - 20.0)
    np.testing.assert_array_equal(cell, CELL)


def test_results_do_not_share_memory(pot: dpse_fast.Potential) -> None:
    first = pot.compute(TWO, [0, 1], atomic=True)
    kept = first.forces.copy(), first.virial.copy(), first.atomic_virials.copy()
    pot.compute([[0, 0, 0], [0, 1.4, 0]], [1, 1], atomic=True)
    np.testing.assert_array_equal(first.forces, kept[0])
    np.testing.assert_array_equal(first.virial, kept[1])
    np.testing.assert_array_equal(first.atomic_virials, kept[2])


def test_float32_and_integer_positions(pot: dpse_fast.Potential) -> None:
    expected = pot.compute(TWO, [0, 1]).energy
    for dtype in (np.float32, np.int64):
        assert pot.compute(np.array(TWO, dtype), [0, 1]).energy == expected


def test_open_axes_need_no_cell_vector() -> None:
    cell = check_cell([[5, 0, 0], [0, 0, 0], [0, 0, 0]], (True, False, False))
    np.testing.assert_allclose(np.abs(np.linalg.det(cell)), 5.0)
    cell = [[5, 1, 0], [0, 4, 0], [0, 0, 0]]
    system = check_system(TWO, [0, 0], cell, (True, True, False), ("O",)).system
    np.testing.assert_allclose(system.cell[2] @ system.cell[:2].T, 0, atol=1e-12)
