"""What a process loads, and how often it compiles."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from other_process import lines_of

from dpse_fast.runtime import process_state
from dpse_fast.runtime.process_state import garbage_collection_paused

HEAVY = ("numpy", "numba", "h5py", "ase", "scipy")
FIRST_ENERGY = """
from random_model import random_model, random_structure
import dpse_fast, sys
model, s = random_model(embedding=(4, 9), sel=(6, 5)), random_structure("wire", 2, 1, 5)
options = {"precision": "PRECISION", "threads": 1, "sel_overflow": "all"}
pot = dpse_fast.load(model, device="cpu", **options)
for _ in range(2):
    session = pot.session()
    for atomic in (False, True):
        session.compute(*s[:3], pbc=s.pbc, atomic=atomic)
    session.compute(s.positions + 1e-3, *s[1:3], pbc=s.pbc)
"""
SIGNATURES = """
from numba.core.dispatcher import Dispatcher
for name, module in sorted(sys.modules.items()):
    if name.startswith("dpse_fast.kernels."):
        for kernel, found in vars(module).items():
            own = isinstance(found, Dispatcher) and found.__module__ == name
            if own and not found.targetoptions.get("no_cpython_wrapper"):
                print(kernel, len(found.signatures))
"""
NO_GPU = """
assert sys.modules.keys().isdisjoint({"numba_cuda", "numba.cuda", "cupy", "cuda"})
assert not [name for name in sys.modules if name.startswith("dpse_fast.kernels.cuda")]
"""
LINEAR_ALGEBRA = """
import numba, numpy as np
from numba.np import arraymath, linalg
assert arraymath._HAVE_BLAS
assert arraymath.ensure_blas is linalg.ensure_blas
assert linalg.ensure_blas.__module__ == "numba.np.linalg"
assert "scipy.linalg" not in sys.modules, "imported by the first energy"
product = numba.njit(lambda a, b: np.dot(a, b))
a = np.arange(9.0).reshape(3, 3)
assert (product(a, a) == a @ a).all()
"""


def loaded(statement: str, tmp_path: Path) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules, sep='\\n')"
    return set(lines_of(code, tmp_path))


def test_the_package_is_light(tmp_path: Path) -> None:
    names = loaded("import dpse_fast; dpse_fast.InputError", tmp_path)
    assert "dpse_fast.errors" in names
    assert names.isdisjoint(HEAVY)


def test_the_command_begins_at_once(tmp_path: Path) -> None:
    """Before `main` runs, an interrupt shows a traceback."""
    names = loaded("import dpse_fast.cli", tmp_path)
    assert names.isdisjoint({"click", *HEAVY})


def test_help_is_light(tmp_path: Path) -> None:
    main = "from dpse_fast.cli import main; assert main(['{}', '--help']) == 0"
    for command in ("eval", "bench", "info"):
        assert loaded(main.format(command), tmp_path).isdisjoint(HEAVY)


def test_evaluating_needs_no_trajectories_and_no_other_formats(tmp_path: Path) -> None:
    names = loaded(
        "import dpse_fast; from dpse_fast.formats import read_model; "
        "from importlib import resources; "
        "read_model(resources.files('dpse_fast.data') / 'water.h5'); dpse_fast.load",
        tmp_path,
    )
    assert "dpse_fast.formats.exchange" in names
    assert names.isdisjoint(
        {
            "ase",
            "dpse_fast.formats.tensorflow",
            "dpse_fast.formats.torchscript",
            "dpse_fast.formats.version3",
            "dpse_fast.trajectory",
        }
    )


def test_a_kernel_is_compiled_once_for_a_precision(tmp_path: Path) -> None:
    """Another layout or a read-only array would cost seconds more."""
    times = {
        precision: {
            name: int(n)
            for name, n in (
                line.split()
                for line in lines_of(
                    FIRST_ENERGY.replace("PRECISION", precision) + SIGNATURES, tmp_path
                )
            )
        }
        for precision in ("double", "mixed")
    }
    assert times["double"]["environments"] == 1
    assert set(times["double"].values()) <= {0, 1}
    # Plans are chosen in float64 first, whatever the precision.
    assert set(times["mixed"].values()) <= {0, 1, 2}


def test_the_first_energy_needs_no_gpu_and_leaves_numba_as_it_is(
    tmp_path: Path,
) -> None:
    code = FIRST_ENERGY.replace("PRECISION", "double")
    lines_of(code + NO_GPU, tmp_path)
    lines_of(code + LINEAR_ALGEBRA, tmp_path)


@pytest.mark.parametrize("enabled", [True, False])
def test_collection_is_as_it_was(enabled: bool) -> None:
    was = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        with garbage_collection_paused():
            assert not gc.isenabled()
            with pytest.raises(KeyError), garbage_collection_paused():
                raise KeyError
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
        assert process_state._paused.inside == 0
    finally:
        (gc.enable if was else gc.disable)()
