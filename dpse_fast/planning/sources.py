"""The code on which plans depend: those on disk are void when it changes.

Kernels, Numba and NumPy are not here: `kernels._jit.source_digest` covers them.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parents[1]

# In the package; whole folders where nearly all of it counts. What planning imports
# is here, or in tests/planning/test_sources.py with the reason why it is not.
PATTERNS = (
    "model/*.py",  # the nets that are tabulated
    "plan/*.py",  # the arrays that are chosen among
    "planning/*.py",  # how they are chosen
    "cpu/*.py",  # evaluates what is measured
    "inputs/arrays.py",
    "inputs/cell_geometry.py",  # the neighbour lists of sampled structures
    "inputs/lattice.py",
    "inputs/structure.py",
    "runtime/blas_threads.py",  # products on several threads add up in another order
    "formats/exchange/stored_plan.py",  # how a plan is written
    "formats/exchange/datasets.py",
    "formats/exchange/layout.py",
)


def plan_sources() -> list[Path]:
    """The files, in a fixed order."""
    return [path for name in PATTERNS for path in sorted(PACKAGE.glob(name))]
