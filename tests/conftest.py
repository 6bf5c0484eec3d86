"""The backends and precisions that every test of the physics runs on."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

if os.environ.get("DPSE_FAST_TEST_DEVICE") != "gpu":
    # Numba reads it when it is imported. `other_process` takes it out again.
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

from dpse_fast.kernels._cache_folders import Folders

import dpse_fast
from dpse_fast.planning import cache


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


if os.environ.get("DPSE_FAST_TEST_DEVICE") == "gpu":
    # On the device: the same tests with names that have cuda in them.
    ON_GPU: dict[str, dict[str, Any]] = {
        "cuda-double": {},
        "cuda-double-any-order": {"deterministic": False},
        "cuda-double-default-tol": {"tol": 1e-5},
        "cuda-mixed": {"precision": "mixed"},
        "cuda-mixed-tf32x3": {"precision": "mixed", "gemm": "tf32x3"},
        "cuda-single": {"precision": "single"},
    }
    for name, options in ON_GPU.items():
        chosen = {"device": "cuda", "tol": 0.0, "precision": "double", **options}
        like = "double-default-tol" if options.get("tol") else chosen["precision"]
        BACKENDS[name] = (chosen, *BACKENDS[like][1:])


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Plans of one run of the tests: many load the same models."""
    return tmp_path_factory.mktemp("plans")


@pytest.fixture(autouse=True)
def _plans_of_this_run(plans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No plan of another run is used, and the user's are left alone."""
    monkeypatch.setattr(cache, "folders", lambda: Folders((plans,), plans))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT interrupts, also where a shell started the tests with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each backend and precision in turn."""
    options, energy, force = BACKENDS[request.param]

    def load(model: Any, **more: Any) -> dpse_fast.Potential:
        return dpse_fast.load(model, **{**options, **more})

    return Backend(request.param, load, energy, force)
