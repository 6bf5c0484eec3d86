"""How kernels are compiled: cached, never stale, and right without Numba."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dpse_fast.kernels import _source_digest
from dpse_fast.kernels._source_digest import source_digest
from other_process import lines_of

COMPUTE = """
import numpy as np, naive
from random_model import random_model, random_structure
import dpse_fast
from dpse_fast.kernels.cpu import moments
model, s = random_model(embedding=(4, 9), sel=(6, 5)), random_structure("wire", 2, 1, 5)
for precision, limit in (("double", 1e-9), ("mixed", 1e-4)):
    pot = dpse_fast.load(model, precision=precision, sel_overflow="truncate", threads=1)
    result = pot.compute(*s[:3], pbc=s.pbc, atomic=True)
    expected = naive.evaluate(model, *s)
    assert abs(result.energy - expected.energy) < 1e-5, result.energy
    assert np.abs(result.forces - expected.forces).max() < 1e-4
stats = getattr(moments.moments, "stats", None)
print("hits", sum(stats.cache_hits.values()) if stats else None)
print("folder", stats.cache_path if stats else None)
"""


def run(cache: Path, **environment: str) -> dict[str, str]:
    lines = lines_of(COMPUTE, cache, **environment)
    return dict(line.split(" ", 1) for line in lines)


def test_the_second_process_compiles_nothing(tmp_path: Path) -> None:
    first, second = run(tmp_path), run(tmp_path)
    assert first["hits"] == "0"
    assert second["hits"] == "2"
    assert Path(first["folder"]).is_relative_to(tmp_path)


def test_right_without_a_compiler(tmp_path: Path) -> None:
    """The kernels are Python: with JIT off they give the same numbers."""
    assert run(tmp_path, NUMBA_DISABLE_JIT="1")["hits"] == "None"


def test_the_cache_folder_depends_on_every_kernel_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "kernels"
    shutil.copytree(_source_digest.SOURCES, folder)
    monkeypatch.setattr(_source_digest, "SOURCES", folder)
    before = source_digest()
    assert before == source_digest()
    for path in sorted(folder.rglob("*.py")):
        source = path.read_text()
        path.write_text(source + "\n# changed\n")
        assert source_digest() != before
        path.write_text(source)
    assert source_digest() == before
