"""What the gate compiles is what runs: the same kernels with the same types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from dpse_fast.kernels.cuda._simulator import CheckedArray
from families import family, parameters
from random_model import random_structure

import dpse_fast
from dpse_fast.cuda.simulated_device import SimulatedDevice
from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import examples_of

MODULES = sorted(path.stem for path in Path(__file__).parent.glob("examples_*.py"))
NAMES = ("aparam", "hybrid", "mixed_padding", "pair_table")

Launch = tuple[str, Any]


def kind(value: Any) -> Any:
    """What Numba compiles for: the types of an argument and of its parts."""
    if isinstance(value, tuple):
        return type(value).__name__, *(kind(part) for part in value)
    if isinstance(value, CheckedArray | np.ndarray):
        return str(value.dtype), value.ndim
    return str(numba.typeof(value))


@pytest.fixture
def launches(monkeypatch: pytest.MonkeyPatch) -> set[Launch]:
    """Of the simulated device, from now on."""
    found: set[Launch] = set()
    launch = SimulatedDevice.launch

    def recorded(
        device: SimulatedDevice, kernel: Any, n_warps: int, *arguments: Any
    ) -> None:
        found.add((kernel.py_func.__name__, kind(arguments)))
        launch(device, kernel, n_warps, *arguments)

    monkeypatch.setattr(SimulatedDevice, "launch", recorded)
    return found


def shown(precision: str) -> set[Launch]:
    return {
        (example.kernel.py_func.__name__, kind(example.arguments))
        for module in MODULES
        for example in examples_of(module, precision)
    }


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
def test_what_runs_is_compiled(
    launches: set[Launch], name: str, precision: str
) -> None:
    model, s = family(name), random_structure("wire", 2, 3, 4)
    given = parameters(model, len(s.positions))
    for deterministic in (True, False):
        pot = dpse_fast.load(
            model,
            device="cuda",
            precision=precision,
            tol=0.0,
            deterministic=deterministic,
        )
        session = pot.session(skin=0.5)
        for positions in (s.positions, s.positions + 1e-3):
            session.compute(positions, *s[1:3], pbc=s.pbc, atomic=True, **given)
    assert launches - shown(precision) == set()
    assert len({function for function, _ in launches}) > 20
