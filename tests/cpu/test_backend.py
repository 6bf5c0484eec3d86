"""The processors as a backend."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.cpu.pipeline import Pipeline


def test_memory_that_runs_out_leaves_a_session_usable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s = random_structure("cubic", 2, 3, 6)
    session = dpse_fast.load(random_model(), threads=1).session(skin=0.5)
    expected = session.compute(*s[:3], pbc=s.pbc)

    def short_of_memory(*arguments: Any, **options: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr(Pipeline, "evaluate", short_of_memory)
        with pytest.raises(dpse_fast.InputError, match=r"6 atoms do not fit into the"):
            session.compute(*s[:3], pbc=s.pbc)
    found = session.compute(*s[:3], pbc=s.pbc)
    np.testing.assert_array_equal(found.forces, expected.forces)
    assert session.list_builds == 2
