"""What a GPU run lacks is said in one sentence."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from random_model import random_model

import dpse_fast
from dpse_fast import InputError
from dpse_fast.cuda import availability
from dpse_fast.cuda.availability import missing

Patch = pytest.MonkeyPatch


class Machine:
    """One that has all that is needed, unless a test takes it away."""

    def __init__(self, patch: Patch) -> None:
        self.packages = {"numba_cuda", "cupy"}
        self.numba_cuda = "0.30.4"
        self.libraries = {"libcuda.so.1", "nvcuda.dll"}
        self.gpus: int | Exception = 1
        self.capability = (9, 0)
        patch.setattr(availability, "find_spec", self.find_spec)
        patch.setattr(availability, "version", lambda name: self.numba_cuda)
        patch.setattr(availability, "ctypes", SimpleNamespace(CDLL=self.load))
        gpu = SimpleNamespace(count=self.count, capability=lambda: self.capability)
        patch.setitem(sys.modules, "dpse_fast.cuda.cupy_device", gpu)

    def find_spec(self, name: str) -> Any:
        return name if name in self.packages else None

    def load(self, name: str) -> None:
        if name not in self.libraries:
            raise OSError(name)

    def count(self) -> int:
        if isinstance(self.gpus, Exception):
            raise self.gpus
        return self.gpus


@pytest.fixture
def machine(monkeypatch: Patch) -> Iterator[Machine]:
    missing.cache_clear()
    yield Machine(monkeypatch)
    missing.cache_clear()


def test_nothing_is_missing(machine: Machine) -> None:
    assert missing() is None


CASES: list[tuple[str, Any, str]] = [
    ("libraries", set(), "there is no NVIDIA driver"),
    ("packages", {"cupy"}, "numba-cuda is not installed; pip install"),
    ("packages", {"numba_cuda"}, "CuPy is not installed; pip install"),
    ("numba_cuda", "0.24.1", "numba-cuda is 0.24.1; expected 0.30 or more; pip"),
    ("gpus", 0, "the driver shows no GPU"),
    ("gpus", RuntimeError("too old\nmore"), "CUDA does not start: too old; pip"),
    ("gpus", ImportError(), "CUDA does not start: ImportError; pip"),
    ("capability", (6, 1), "compute capability 6.1; expected 7.0 or more"),
]


@pytest.mark.parametrize(("what", "value", "expected"), CASES)
def test_what_is_missing(
    machine: Machine, monkeypatch: Patch, what: str, value: Any, expected: str
) -> None:
    setattr(machine, what, value)
    monkeypatch.setattr(availability, "simulated", lambda: False)
    reason = missing()
    assert reason is not None
    assert expected in reason
    assert "\n" not in reason
    model = random_model()
    with pytest.raises(InputError) as error:
        dpse_fast.load(model, device="cuda")
    assert str(error.value).startswith(f"device: 'cuda' cannot be used: {reason}")
    pot = dpse_fast.load(model, device="auto", tol=0.0)
    assert pot.device == "cpu"


def test_newer_capabilities_will_do(machine: Machine) -> None:
    machine.capability = (12, 0)
    assert missing() is None
