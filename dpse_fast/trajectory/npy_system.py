"""deepmd npy systems: type.raw, type_map.raw, set.*/coord.npy, box.npy, …"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..array_types import AnyArray, Bools, Doubles, Int64s
from ..errors import InputError, LabelWarning
from .boundaries import StatedBoundaries, boundaries
from .dpdata_systems import advice_for
from .file_reading import FileReading
from .frame import BadFrame, Frame, volume_of
from .label_keys import looks_like
from .npy_array import npy_array, raw_names, raw_types
from .reading_options import OPEN, PERIODIC

ABSENT = -1  # in real_atom_types.npy: no atom there
INPUTS = ("coord", "box", "real_atom_types", "fparam", "aparam")


def reject_parts(path: Path) -> None:
    """Refuse what is inside of a system in the place of the system.

    Raises
    ------
    InputError
        If the path is a set.* folder, or a file of a system; it names the folder.
    """
    if path.is_dir():
        numbered = path.absolute().name.startswith("set.")
        inside = numbered and not (path / "type.raw").is_file()
        system, what = path.absolute().parent, "a folder of frames"
    else:
        suffix = path.suffix.lower()
        inside = suffix in (".npy", ".raw") or path.name == "nopbc"
        system, what = path.absolute().parent, "one file"
        if suffix == ".npy" and system.name.startswith("set."):
            system = system.parent
    if inside and (system / "type.raw").is_file():
        raise InputError(
            f"{path}: {what} of a deepmd npy system; give the folder above, which has "
            f"type.raw and set.* folders ({system})"
        )


def system_folders(path: Path) -> list[Path]:
    """The systems at and below a directory, sorted, as deepmd-kit finds them.

    A link to the folder of a system counts; what is below a linked folder does not.
    """
    places = (path, *path.rglob("*"))
    return sorted(one for one in places if (one / "type.raw").is_file())


def is_part_of_system(path: Path) -> bool:
    """Whether a file of this name and place is read as a part of a system."""
    if path.suffix == ".npy" and path.parent.name.startswith("set."):
        return path.stem in INPUTS or looks_like(path.stem) is not None
    return path.name in ("type.raw", "type_map.raw", "nopbc")


def iterate_systems(
    reading: FileReading, choose: Callable[[int], Sequence[int]]
) -> Iterator[Frame | BadFrame]:
    """The chosen frames of a system, or of all the systems below a directory.

    Frames of several systems are numbered through, systems in sorted order.

    Parameters
    ----------
    choose : how many frames there are → the numbers of those that come
    """
    path = reading.path
    is_one = (path / "type.raw").is_file()
    roots = [path] if is_one else system_folders(path)
    if not roots:
        raise InputError(
            f"{path}: expected a deepmd npy system; the directory has no type.raw"
            f"{advice_for(path)}"
        )
    sets = [block for root in roots for block in _sets(root, reading)]
    ends = np.cumsum([block.n_frames for block in sets])
    for number in choose(int(ends[-1])):
        k = int(np.searchsorted(ends, number, side="right"))
        block = sets[k]
        row = number - int(ends[k]) + block.n_frames
        try:
            yield block.frame(row, number, reading)
        except InputError as error:
            yield BadFrame(f"{block.name}, frame {row}", number, error)


@dataclass(frozen=True, eq=False)
class FrameSet:
    """One set.* directory; the arrays are maps of the files.

    Parameters
    ----------
    box : None if the boundaries are open, or left to the user
    is_open : whether a file called nopbc says so
    labels : by the names of their files, one row for each frame
    """

    name: str
    names: tuple[str, ...] | None
    types: Int64s
    coord: Doubles
    box: Doubles | None
    is_open: bool
    labels: Mapping[str, Doubles]
    fparam: Doubles | None
    aparam: Doubles | None

    @property
    def n_frames(self) -> int:
        return len(self.coord)

    def frame(self, k: int, number: int, reading: FileReading) -> Frame:
        """Frame k of the set.

        Raises
        ------
        InputError
            If it is periodic without a cell.
        """
        reading.notices.where = name = f"{self.name}, frame {k}"
        types = self.types if self.types.ndim == 1 else self.types[k]
        real = types != ABSENT
        cell, pbc = boundaries(self._stated(k), name, reading.options)
        return Frame(
            name=name,
            index=number,
            positions=_row(self.coord, k).reshape(-1, 3)[real],
            types=types[real].astype(np.int64),
            names=self.names,
            cell=cell,
            pbc=pbc,
            labels=reading.labels.read(
                [self._labels(k, real)], int(real.sum()), volume_of(cell, pbc)
            ),
            fparam=None if self.fparam is None else _row(self.fparam, k),
            aparam=None
            if self.aparam is None
            else _row(self.aparam, k).reshape(len(real), -1)[real],
        )

    def _stated(self, k: int) -> StatedBoundaries:
        if self.is_open:
            return StatedBoundaries(None, OPEN)
        if self.box is None:
            return StatedBoundaries()
        cell = _row(self.box, k).reshape(3, 3)
        return StatedBoundaries(cell, PERIODIC if cell.any() else None)

    def _labels(self, k: int, real: Bools) -> dict[str, Doubles]:
        found = {}
        for key, array in self.labels.items():
            row = _row(array, k)
            if row.size == 3 * len(real) and looks_like(key) not in (
                "virial",
                "stress",
            ):
                row = row.reshape(-1, 3)[real]
            found[key] = row
        return found


def _row(array: Doubles, k: int) -> Doubles:
    return np.array(array[k], np.float64).reshape(-1)


def _sets(root: Path, reading: FileReading) -> Iterator[FrameSet]:
    types = raw_types(root / "type.raw")
    names = raw_names(root / "type_map.raw")
    directories = sorted(d for d in root.glob("set.*") if d.is_dir())
    if not directories:
        raise InputError(f"{root}: expected set.* directories with coord.npy")
    is_open = (root / "nopbc").exists()
    options = reading.options
    if is_open and (options.cell is not None or any(options.pbc or OPEN)):
        raise InputError(
            f"{root}: has open boundaries, as its file nopbc says; --cell and --pbc "
            f"contradict it"
        )
    for directory in directories:
        yield _frame_set(directory, types, names, is_open, reading)


def _frame_set(
    directory: Path,
    types: Int64s,
    names: tuple[str, ...] | None,
    is_open: bool,
    reading: FileReading,
) -> FrameSet:
    name = f"{directory.parent.name}/{directory.name}"
    n = len(types)
    if not n:
        raise InputError(f"{directory.parent / 'type.raw'}: expected atoms, got none")
    coord = _array(directory / "coord.npy", None, 3 * n)
    if coord is None:
        raise InputError(f"{directory}: has no coord.npy")
    n_frames = len(coord)
    box = None if is_open else _array(directory / "box.npy", n_frames, 9)
    options = reading.options
    if box is None and not is_open and options.cell is None and options.pbc is None:
        raise InputError(
            f"{directory}: has no box.npy; a system with open boundaries is marked "
            f"by a file called nopbc"
        )
    each = _array(directory / "real_atom_types.npy", n_frames, n)
    types = types if each is None else np.asarray(each).astype(np.int64)
    _check_types(types, names, 0 if each is None else ABSENT, name)
    return FrameSet(
        name=name,
        names=names,
        types=types,
        coord=coord,
        box=box,
        is_open=is_open,
        labels=_labels(directory, n_frames, n, reading) if options.labels else {},
        fparam=_parameters(directory / "fparam.npy", n_frames, 1),
        aparam=_parameters(directory / "aparam.npy", n_frames, n),
    )


def _labels(
    directory: Path, n_frames: int, n: int, reading: FileReading
) -> dict[str, Doubles]:
    """The files that hold labels, or seem to; bad ones are left out with a warning.

    Raises
    ------
    InputError
        If the user named a bad one.
    """
    widths = {"energy": 1, "forces": 3 * n, "virial": 9, "stress": 9}
    asked = reading.labels.asked_quantities
    found = {}
    for path in sorted(directory.glob("*.npy")):
        key = path.stem
        quantity = asked.get(key) or looks_like(key)
        if quantity is None or key in INPUTS:
            continue
        try:
            array = _array(path, n_frames, widths[quantity])
        except InputError as error:
            if key in asked:
                raise
            reading.notices.where = str(directory.parent.name)
            reading.notices.once(str(path), f"label {error}; left out", LabelWarning)
            continue
        if array is not None:
            found[key] = array
    return found


def _check_types(
    types: Int64s, names: tuple[str, ...] | None, lowest: int, name: str
) -> None:
    if not types.size:
        return
    least, most = int(types.min()), int(types.max())
    if least < lowest or (names is not None and most >= len(names)):
        last = "" if names is None else f" to {len(names) - 1} (type_map.raw)"
        raise InputError(
            f"{name}: expected types from {lowest}{last}, got {least} to {most}"
        )


def _parameters(path: Path, n_frames: int, n: int) -> Doubles | None:
    """(n_frames, n·k) with any k."""
    array = npy_array(path)
    if array is None:
        return None
    if array.ndim == 1 and n_frames == 1:
        array = array.reshape(1, -1)
    if not array.ndim or len(array) != n_frames or array.size % max(n_frames * n, 1):
        raise InputError(
            f"{path}: expected {n_frames} frames with a multiple of {n} numbers each, "
            f"got shape {array.shape}"
        )
    return array.reshape(n_frames, -1)


def _array(path: Path, n_frames: int | None, width: int) -> Doubles | None:
    array: AnyArray | None = npy_array(path)
    if array is None:
        return None
    if array.shape == (width,) and n_frames in (None, 1):
        array = array.reshape(1, width)  # one frame, as deepmd-kit takes it
    rows = len(array) if n_frames is None and array.ndim else n_frames
    if not array.ndim or len(array) != rows or array.size != len(array) * width:
        raise InputError(
            f"{path}: expected shape ({'frames' if rows is None else rows}, {width}), "
            f"got {array.shape}"
        )
    return array.reshape(len(array), width)
