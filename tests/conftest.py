"""The backends and precisions that every test of the physics runs on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import dpse_fast
from dpse_fast.planning.cache import SWITCH


class Backend(NamedTuple):
    """How to load a model, and how far its numbers may be from the exact ones."""

    name: str
    load: Callable[..., dpse_fast.Potential]
    energy: float  # eV/atom
    force: float  # eV/Å


BACKENDS = {
    "double": ({"precision": "double", "tol": 0.0, "threads": 1}, 1e-11, 1e-9),
    "double-2-threads": (
        {"precision": "double", "tol": 0.0, "threads": 2},
        1e-11,
        1e-9,
    ),
    "double-default-tol": ({"precision": "double", "threads": 1}, 1e-6, 1e-5),
    "mixed": ({"precision": "mixed", "tol": 0.0, "threads": 1}, 1e-5, 5e-5),
    "single": ({"precision": "single", "tol": 0.0, "threads": 1}, 1e-5, 1e-4),
}


@pytest.fixture(autouse=True)
def _plans_are_chosen_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test sees of plans does not depend on the tests before it."""
    monkeypatch.setenv(SWITCH, "0")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend and precision in turn."""
    options, energy, force = BACKENDS[request.param]

    def load(model: Any, **more: Any) -> dpse_fast.Potential:
        return dpse_fast.load(model, **{**options, **more})

    return Backend(request.param, load, energy, force)
