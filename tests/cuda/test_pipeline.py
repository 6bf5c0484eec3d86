"""The whole pipeline on the device against the oracle: families, cells, precisions."""

from __future__ import annotations

from typing import Any

import naive
import pytest
from comparison import compare
from conftest import Backend
from families import FAMILIES, family, parameters
from random_model import Structure, random_model, random_structure

import dpse_fast

pytestmark = pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")

LIMITS = {"double": (1e-11, 1e-9), "mixed": (1e-5, 5e-5), "single": (1e-5, 1e-4)}
TINY: dict[str, Any] = {
    "embedding": (4, 8),
    "fitting": (6, 6),
    "rcut": 3.1,
    "rcut_smth": 1.2,
}


def on_device(precision: str = "double", **more: Any) -> Backend:
    def load(model: Any, **options: Any) -> dpse_fast.Potential:
        chosen = {"device": "cuda", "precision": precision, "tol": 0.0}
        return dpse_fast.load(model, **{**chosen, **more, **options})

    return Backend(f"cuda-{precision}", load, *LIMITS[precision])


def small(kind: str, n_types: int = 2, n_atoms: int = 5) -> Structure:
    return random_structure(kind, n_types, 3, n_atoms if kind != "tiny" else None)


def check(model: Any, s: Structure, backend: Backend, **options: Any) -> None:
    given = parameters(model, len(s.positions))
    pot = backend.load(model, **options)
    result = pot.compute(*s[:3], pbc=s.pbc, atomic=True, **given)
    compare(result, naive.evaluate(model, *s, **given), backend)


@pytest.mark.parametrize("name", FAMILIES)
def test_families(name: str) -> None:
    check(family(name, **TINY_OF.get(name, {})), small("wire"), on_device())


# Families with cutoffs of their own.
TINY_OF: dict[str, dict[str, Any]] = {}


@pytest.mark.parametrize("kind", ["cubic", "triclinic", "tiny", "thin", "slab", "open"])
def test_cells(kind: str) -> None:
    model = random_model(**TINY)
    check(model, small(kind, n_atoms=4), on_device())


@pytest.mark.parametrize("precision", ["mixed", "single"])
@pytest.mark.parametrize("kind", ["triclinic", "open"])
def test_precisions(kind: str, precision: str) -> None:
    check(random_model(**TINY), small(kind), on_device(precision))
