"""Engines that are not installed: one error that says what to install."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest
from other_process import lines_of

from dpse_fast.errors import DpseError
from dpse_fast.runtime.missing import MissingPackageError, package


@pytest.mark.parametrize(
    ("module", "engine", "install"),
    [("ipi", "ipi.pes.dummy", "ipi"), ("torchsim", "torch", "torch")],
)
def test_modules(
    module: str, engine: str, install: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, engine.partition(".")[0], None)
    monkeypatch.setitem(sys.modules, engine, None)
    monkeypatch.delitem(sys.modules, f"dpse_fast.md.{module}", raising=False)
    with pytest.raises(ImportError, match=f"pip install '{install}'") as caught:
        import_module(f"dpse_fast.md.{module}")
    assert isinstance(caught.value, DpseError)


def test_openmm(monkeypatch: pytest.MonkeyPatch) -> None:
    from dpse_fast.md.openmm import add_force

    monkeypatch.setitem(sys.modules, "openmm", None)
    with pytest.raises(MissingPackageError, match="pip install 'openmm'"):
        add_force(object(), None, ["O"])


def test_a_package_that_lacks_another_says_so_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_an_engine.py").write_text("import a_module_that_is_not_there")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there") as e:
        package("half_an_engine", "half")
    assert not isinstance(e.value, DpseError)


def test_no_engine_is_imported_before_its_time(tmp_path: Path) -> None:
    code = (
        "import sys, dpse_fast.md, dpse_fast.md.mliap, dpse_fast.md.openmm\n"
        "import dpse_fast.md.fix_external\n"
        "print([m for m in ('openmm', 'ipi', 'torch', 'torch_sim', 'mpi4py.MPI')"
        " if m in sys.modules])"
    )
    assert lines_of(code, tmp_path) == ["[]"]
