"""What the gate compiles is what runs: the same kernels with the same types."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from dpse_fast.kernels.cuda._simulator import CheckedArray
from families import family, parameters
from ghosts import with_ghosts
from random_model import random_structure

import dpse_fast
from dpse_fast.cuda.simulated_device import SimulatedDevice
from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.defined_kernels import defined_kernels
from tests.cuda.example import MODULES, examples_of
from tests.cuda.foreign import ByDlpack

NAMES = ("aparam", "hybrid", "mixed_padding", "pair_table")
Launch = tuple[str, Any]


def kind(value: Any) -> Any:
    """What Numba compiles for: the types of an argument and of its parts."""
    if isinstance(value, tuple):
        return type(value).__name__, *(kind(part) for part in value)
    if isinstance(value, CheckedArray | np.ndarray):
        return str(value.dtype), value.ndim
    return str(numba.typeof(value))


@pytest.fixture(scope="module")
def launches() -> dict[str, set[Launch]]:
    """What evaluating models of several families launches, by precision."""
    return {precision: launched(precision) for precision in PRECISIONS}


def launched(precision: str) -> set[Launch]:
    found: set[Launch] = set()
    launch = SimulatedDevice.launch

    def recorded(
        device: SimulatedDevice, kernel: Any, n_warps: int, *arguments: Any
    ) -> None:
        found.add((kernel.py_func.__name__, kind(arguments)))
        launch(device, kernel, n_warps, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SimulatedDevice, "launch", recorded)
        for name in NAMES:
            for deterministic, gemm in ((True, None), (False, "tf32x3")):
                evaluate(name, precision, deterministic, gemm)
        if precision == "double":  # as the unreduced plan is
            evaluate_close_atoms()
    return found


def evaluate(name: str, precision: str, deterministic: bool, gemm: str | None) -> None:
    """Two steps of a session and two lists, of the host and of the device."""
    model, s = family(name, fitting=(6, 12, 12)), random_structure("wire", 2, 3, 4)
    given = parameters(model, len(s.positions))
    pot = dpse_fast.load(
        model,
        device="cuda",
        precision=precision,
        tol=0.0,
        deterministic=deterministic,
        gemm=gemm,
        sel_overflow="all",
    )
    session = pot.session(skin=0.5)
    session.compute(*s[:3], pbc=s.pbc, atomic=True, **given)
    moved, types = ByDlpack(s.positions + 1e-3), ByDlpack(s.types)
    session.compute(moved, types, s.cell, pbc=s.pbc, atomic=True, **given)
    ghosts, session = with_ghosts(*s, reach=model.rcut), pot.listed_session()
    arrays = ghosts.arguments
    session.compute(*arrays, atomic=True, pair_gradients=True, **given)
    session.compute(*(ByDlpack(array) for array in arrays), **given)


def evaluate_close_atoms() -> None:
    """Closer than a reduced plan is certified for."""
    pot = dpse_fast.load(family("pair_table"), device="cuda", precision="double")
    result = pot.compute([[0, 0, 0], [0, 0, 0.7], [0, 2, 0]], [0, 1, 0], atomic=True)
    assert result.report.unreduced_atoms == 2


def shown(precision: str) -> set[Launch]:
    return {
        (example.kernel.py_func.__name__, kind(example.arguments))
        for module in MODULES
        for example in examples_of(module, precision)
    }


@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_runs_is_compiled(
    launches: dict[str, set[Launch]], precision: str
) -> None:
    assert launches[precision] - shown(precision) == set()


def test_every_kernel_runs(launches: dict[str, set[Launch]]) -> None:
    names = {name for found in launches.values() for name, _ in found}
    assert defined_kernels() - names == set()
