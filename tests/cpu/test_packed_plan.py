"""Plans are packed once, and as long as somebody has the plan."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.cpu import packed_plan
from dpse_fast.cpu.packed_plan import PackedPlan, packed
from dpse_fast.plan import Plan
from dpse_fast.planning import make_plan


@pytest.fixture
def count(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans that were packed."""
    found: list[Plan] = []

    class Counted(PackedPlan):
        def __init__(self, plan: Plan) -> None:
            found.append(plan)
            super().__init__(plan)

    monkeypatch.setattr(packed_plan, "PackedPlan", Counted)
    return found


def test_sessions_of_a_potential_share_what_is_packed(count: list[Plan]) -> None:
    pot = dpse_fast.load(random_model(), device="cpu")
    count.clear()  # of what planning measured
    s = random_structure("cubic")
    given = (s.positions, s.types, s.cell)
    sessions = [pot, pot.session(), pot.session(), pot.batch_session()]
    for session in sessions[:3]:
        session.compute(*given, pbc=s.pbc)
    sessions[3].compute([(*given, s.pbc)])
    pot.describe()
    assert count == [pot.plan]


def test_threads_pack_a_plan_once(count: list[Plan]) -> None:
    plan = make_plan(random_model(), tolerance=1e-2)
    count.clear()
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(packed, [plan] * 8))
    assert len(found) == len(count) == 1


def test_a_packed_plan_goes_with_the_plan() -> None:
    plan = make_plan(random_model(), tolerance=1e-2)
    other = weakref.ref(packed(plan))
    assert packed(plan) is other()
    del plan
    gc.collect()
    assert other() is None


def test_types_with_equal_weights_share_memory() -> None:
    model = random_model(2)
    model = replace(model, fitting=(model.fitting[0], model.fitting[0]))
    plan = make_plan(model, tolerance=0.0)
    weights = [plan.nets[c].layers[0].weight for c in (0, 1)]
    assert np.shares_memory(*weights)
    one, other = packed(plan).fitting.values()
    assert all(
        a.weight is b.weight for a, b in zip(one.layers, other.layers, strict=True)
    )
