"""What is missing for the plugin is said, with a remedy."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import ModuleType

import pytest
from lammps_runs import ROOT, Lammps, start


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("DPSE_LAMMPS_INCLUDE", "nowhere", "expected pair.h in nowhere"),
        ("DPSE_MPI_INCLUDE", "nowhere", "expected mpi.h in nowhere"),
        ("CXX", "no-such-compiler", "no compiler no-such-compiler"),
    ],
)
def test_what_is_missing_is_said(
    lammps: Lammps,
    building: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str,
    value: str,
    expected: str,
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(building.BuildError, match=expected):
        building.build(tmp_path)
    assert not list(tmp_path.glob("*.so"))


def test_release_of_the_headers(
    lammps: Lammps, building: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number that the running library must have."""
    assert building.lammps_version().isdigit()
    assert len(building.lammps_version()) == 8
    monkeypatch.setenv("DPSE_LAMMPS_INCLUDE", str(building.lammps_headers()))
    with pytest.raises(building.BuildError, match="DPSE_LAMMPS_VERSION"):
        building.lammps_version()


def test_plugin_of_another_release_is_left_out(
    lammps: Lammps, building: ModuleType, tmp_path: Path
) -> None:
    """Its first file alone: LAMMPS refuses the style, and says why."""
    source = building.SOURCES / "plugin.cpp"
    constructor = tmp_path / "constructor.cpp"
    constructor.write_text(
        'extern "C" void never() asm("_ZN9LAMMPS_NS8PairDPSEC1EPNS_6LAMMPSE");\n'
        "void never() {}\n"
    )
    folder = tmp_path / "plugins"
    folder.mkdir()
    include = [building.SOURCES, building.lammps_headers(), building.mpi_header()]
    include.append(ROOT / "dpse_fast" / "library")
    subprocess.run(
        [
            *(building.compiler("CXX", "c++"), "-std=c++17", "-shared", "-fPIC"),
            *("-DLAMMPS_SMALLBIG", "-DDPSE_LAMMPS_VERSION=20200101"),
            *(f"-I{path}" for path in include),
            *(str(source), str(constructor), "-o", str(folder / "otherplugin.so")),
        ],
        check=True,
    )
    other = Lammps(folder)
    found = other.run(f"{start()}\npair_style dpse demo", tmp_path, fails=True)
    assert "it was built for LAMMPS 20200101" in found.text
    assert "Unrecognized pair style 'dpse'" in found.text
