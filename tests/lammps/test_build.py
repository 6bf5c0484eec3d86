"""What is missing for the plugin is said, with a remedy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from engines import module_at
from lammps_runs import ROOT, Lammps, start


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("DPSE_LAMMPS_INCLUDE", "nowhere", "expected pair.h in nowhere"),
        ("DPSE_MPI_INCLUDE", "nowhere", "expected mpi.h in nowhere"),
        ("CXX", "no-such-compiler", "no compiler no-such-compiler"),
        ("DPSE_LAMMPS_SIZES", "big", "expected smallbig or bigbig, got big"),
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
    found = building.lammps()
    assert found.version.isdigit()
    assert len(found.version) == 8
    assert found.update >= 0
    monkeypatch.setenv("DPSE_LAMMPS_INCLUDE", str(found.headers))
    with pytest.raises(building.BuildError, match="DPSE_LAMMPS_VERSION"):
        building.lammps()
    monkeypatch.setenv("DPSE_LAMMPS_VERSION", "20300101")
    assert building.lammps()[1:] == ("20300101", -1, False)


def test_package_of_a_release(
    building: ModuleType, lammps: Lammps, tmp_path: Path
) -> None:
    """Updates and kinds of strings differ among what PyPI has."""
    include = tmp_path / "include" / "lammps"
    include.mkdir(parents=True)
    (include / "pair.h").touch()
    library = tmp_path / "liblammps.so"
    library.write_bytes(b"..._ZNK9LAMMPS_NS6Modify17get_compute_by_idERKSs...")
    found = building.lammps_of(tmp_path, "2024.8.29.3.0")
    assert found == (include, "20240829", 3, True)
    library.write_bytes(b"...get_compute_by_idERKNSt7__cxx1112basic_string...")
    assert building.lammps_of(tmp_path, "2025.7.22") == (include, "20250722", 0, False)


def test_releases_are_named_with_their_update() -> None:
    releases = module_at(ROOT / "plugins" / "lammps" / "dpse_lammps" / "releases.py")
    assert releases.asked("all") == releases.RELEASES
    some = ("2024.8.29.3", "2025.7.22.4")
    assert releases.asked(", ".join(some)) == some
    for wrong in ("2025.7.22", "2025.7.22.4,", "latest"):
        with pytest.raises(ValueError, match="expected all, or releases with"):
            releases.asked(wrong)


@pytest.mark.parametrize(
    ("version", "update", "said"),
    [
        ("20200101", 0, "it was built for LAMMPS 20200101 with"),
        (None, 99, "update 99 with"),
    ],
)
def test_plugin_of_another_release_is_left_out(
    lammps: Lammps,
    building: ModuleType,
    tmp_path: Path,
    version: str | None,
    update: int,
    said: str,
) -> None:
    """Its first file alone: LAMMPS refuses the style, and says why."""
    source = building.SOURCES / "plugin.cpp"
    constructor = tmp_path / "constructor.cpp"
    constructor.write_text(
        'extern "C" void never() asm("_ZN9LAMMPS_NS8PairDPSEC1EPNS_6LAMMPSEb");\n'
        "void never() {}\n"
    )
    folder = tmp_path / "plugins"
    folder.mkdir()
    target = building.lammps()
    include = [building.SOURCES, target.headers, building.mpi_header()]
    include.append(ROOT / "dpse_fast" / "library")
    subprocess.run(
        [
            *(building.compiler("CXX", "c++"), "-std=c++17", "-shared", "-fPIC"),
            *("-DLAMMPS_SMALLBIG", f"-DDPSE_LAMMPS_UPDATE={update}"),
            f"-DDPSE_LAMMPS_VERSION={version or target.version}",
            *(f"-I{path}" for path in include),
            *(str(source), str(constructor), "-o", str(folder / "otherplugin.so")),
        ],
        check=True,
    )
    other = Lammps(folder)
    found = other.run(f"{start()}\npair_style dpse demo", tmp_path, fails=True)
    assert said in found.text
    assert "Unrecognized pair style 'dpse'" in found.text


def test_wheel_has_a_plugin_for_the_installed_release(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    package = module_at(ROOT / "plugins" / "lammps" / "dpse_lammps" / "__init__.py")
    monkeypatch.setattr(package, "HERE", tmp_path)
    monkeypatch.setattr(package.metadata, "version", lambda name: "2025.7.22.4.0")
    for variable in ("DPSE_LAMMPS_PYTHON", "LD_LIBRARY_PATH"):
        monkeypatch.setenv(variable, "before")
    other, own = (tmp_path / "prebuilt" / f"2025.7.22.{k}" for k in (2, 4))
    other.mkdir(parents=True)
    (other / "dpseplugin.so").touch()
    assert package.plugin_folder() == str(tmp_path)
    said = capsys.readouterr().err
    assert "it was built for LAMMPS 2025.7.22.2, and this is 2025.7.22.4.0" in said
    own.mkdir()
    (own / "dpseplugin.so").touch()
    assert package.plugin_folder() == str(own)
    assert os.environ["DPSE_LAMMPS_PYTHON"] == sys.executable
    assert os.environ["LD_LIBRARY_PATH"].startswith("before")
    (tmp_path / "dpseplugin.so").touch()  # compiled by the user
    assert package.plugin_folder() == str(tmp_path)
