"""Frames that dpdata reads: what ASE does not, such as LMDB, mixed systems, CP2K.

dpdata gives Å, eV and virials of deepmd-kit's sign. It reads a file as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, LabelWarning, reason
from ..runtime.missing import package
from .boundaries import StatedBoundaries, boundaries
from .file_reading import FileReading
from .frame import Frame, parameters, volume_of
from .reading_options import OPEN, PERIODIC

PREFIX = "dpdata:"  # of the name of a format
HDF5 = b"\x89HDF\r\n\x1a\n"
LABELS = {"energies": "energy", "forces": "force", "virials": "virial"}


def is_of_dpdata(format: str | None) -> bool:
    """Whether the name of a format says that dpdata is to read it."""
    return format is not None and format.startswith(PREFIX)


def advice_for(path: Path, head: bytes = b"") -> str:
    """The end of an error about what we do not read and dpdata does; or nothing.

    Parameters
    ----------
    path : of a file or directory
    head : the first bytes of the file
    """
    if path.suffix == ".lmdb" or (path / "data.mdb").is_file():
        what, format = "LMDB is", "deepmd/lmdb"
    elif head.startswith(HDF5):
        what, format = "systems in HDF5 are", "deepmd/hdf5"
    else:
        return ""
    return f"; {what} read with --format {PREFIX}{format}"


def iterate_dpdata(reading: FileReading, chosen: slice, skip: int) -> Iterator[Frame]:
    """The chosen frames of all systems that dpdata finds, numbered through.

    Raises
    ------
    InputError
        If dpdata does not know the format, or cannot read the file.
    MissingPackageError
        If dpdata is not installed.
    """
    if reading.options.units is not None:
        raise InputError("units: has no effect on what dpdata reads; it gives Å and eV")
    systems = _systems(reading)
    ends = np.cumsum([0, *(len(system) for system in systems)])
    for number in range(*chosen.indices(int(ends[-1])))[skip:]:
        s = int(np.searchsorted(ends, number, side="right")) - 1
        system, k = systems[s], number - int(ends[s])
        which = f"system {s} ({system.formula}), " if len(systems) > 1 else ""
        name = f"{reading.path.name}, {which}frame {k}"
        yield _frame(system.data, k, number, name, reading)


def _systems(reading: FileReading) -> list[Any]:
    """What dpdata makes of the file: several systems, or one; with labels if it can."""
    dpdata = package("dpdata", "dpdata")
    assert reading.options.format is not None
    format, path = reading.options.format.removeprefix(PREFIX), reading.path
    known = dpdata.format.Format.get_formats()
    if format not in known:
        names = ", ".join(sorted(known))
        raise InputError(f"format: dpdata has no format {format!r}; it has {names}")

    def several(labeled: bool) -> list[Any]:
        found = dpdata.MultiSystems()
        found.load_systems_from_file(str(path), fmt=format, labeled=labeled)
        return list(found)

    def one(kind: Any) -> list[Any]:
        return [kind(str(path), fmt=format)]

    ways: tuple[Callable[[], list[Any]], ...] = (
        partial(several, True),
        partial(one, dpdata.LabeledSystem),
        partial(several, False),
        partial(one, dpdata.System),
    )
    failures: list[Exception] = []
    for way in ways:
        try:
            systems: list[Any] = [system for system in way() if len(system)]
        except NotImplementedError:  # the format has no such method
            continue
        except Exception as error:
            failures.append(error)
            continue
        if systems and failures and "energies" not in systems[0].data:
            reading.notices.where = path.name
            matter = f"no labels are read: {_told(failures[0])}"
            reading.notices.once("dpdata", matter, LabelWarning)
        if systems:
            return systems
    why = f" ({_told(failures[-1])})" if failures else ""
    raise InputError(f"{path}: dpdata reads no frames of format {format!r}{why}")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {reason(error)}"


def _frame(
    data: dict[str, Any], k: int, number: int, name: str, reading: FileReading
) -> Frame:
    """Frame k of a system of dpdata.

    Raises
    ------
    InputError
        If it is periodic without a cell.
    """
    reading.notices.where = name
    if data.get("nopbc", False):
        stated = StatedBoundaries(None, OPEN)
    else:
        stated = StatedBoundaries(np.array(data["cells"][k], np.float64), PERIODIC)
    cell, pbc = boundaries(stated, name, reading.options)
    positions = np.array(data["coords"][k], np.float64)
    labels = {key: data[own][k] for own, key in LABELS.items() if own in data}
    own: dict[str, Any] = {
        what: data[what][k] for what in ("fparam", "aparam") if what in data
    }
    return Frame(
        name=name,
        index=number,
        positions=positions,
        types=np.array(data["atom_types"], np.int64),
        names=tuple(map(str, data["atom_names"])),
        cell=cell,
        pbc=pbc,
        labels=reading.labels.read([labels], len(positions), volume_of(cell, pbc)),
        **parameters(own, own),
    )
