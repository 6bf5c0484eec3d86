"""deepmd npy systems: type.raw, type_map.raw, set.*/coord.npy, box.npy, …"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..array_types import AnyArray, Bools, Doubles, Int64s
from ..errors import InputError, reason
from .frame import Frame, Labels

ABSENT = -1  # in real_atom_types.npy: no atom there


def iterate_systems(path: Path, chosen: slice) -> Iterator[Frame]:
    """The chosen frames of a system, or of all the systems below a directory.

    Frames of several systems are numbered through, systems in sorted order.
    """
    roots = sorted(raw.parent for raw in path.rglob("type.raw"))
    if (path / "type.raw").is_file():
        roots = [path]
    if not roots:
        raise InputError(
            f"{path}: expected a deepmd npy system; the directory has no type.raw"
        )
    sets = [block for root in roots for block in _sets(root)]
    ends = np.cumsum([block.n_frames for block in sets])
    for number in range(*chosen.indices(int(ends[-1]))):
        k = int(np.searchsorted(ends, number, side="right"))
        block = sets[k]
        yield block.frame(number - int(ends[k]) + block.n_frames, number)


@dataclass(frozen=True, eq=False)
class FrameSet:
    """One set.* directory; the arrays are maps of the files."""

    name: str
    names: tuple[str, ...] | None
    types: Int64s
    coord: Doubles
    box: Doubles | None
    energy: Doubles | None
    force: Doubles | None
    virial: Doubles | None
    fparam: Doubles | None
    aparam: Doubles | None

    @property
    def n_frames(self) -> int:
        return len(self.coord)

    def frame(self, k: int, number: int) -> Frame:
        types = self.types if self.types.ndim == 1 else self.types[k]
        real = types != ABSENT
        cell = None if self.box is None else _row(self.box, k).reshape(3, 3)
        periodic = cell is not None and bool(cell.any())
        return Frame(
            name=f"{self.name}, frame {k}",
            index=number,
            positions=_row(self.coord, k).reshape(-1, 3)[real],
            types=types[real].astype(np.int64),
            names=self.names,
            cell=cell if periodic else None,
            pbc=(periodic, periodic, periodic),
            labels=self._labels(k, real),
            fparam=None if self.fparam is None else _row(self.fparam, k),
            aparam=None
            if self.aparam is None
            else _row(self.aparam, k).reshape(len(real), -1)[real],
        )

    def _labels(self, k: int, real: Bools) -> Labels:
        energy, force, virial = (
            None if a is None or not np.isfinite(a[k]).all() else _row(a, k)
            for a in (self.energy, self.force, self.virial)
        )
        return Labels(
            None if energy is None else float(energy[0]),
            None if force is None else force.reshape(-1, 3)[real],
            None if virial is None else virial.reshape(3, 3),
        )


def _row(array: Doubles, k: int) -> Doubles:
    return np.array(array[k], np.float64).reshape(-1)


def _sets(root: Path) -> Iterator[FrameSet]:
    types = _types(root / "type.raw")
    names = _names(root / "type_map.raw")
    directories = sorted(d for d in root.glob("set.*") if d.is_dir())
    if not directories:
        raise InputError(f"{root}: expected set.* directories with coord.npy")
    open_boundaries = (root / "nopbc").exists()
    for directory in directories:
        yield _frame_set(directory, types, names, open_boundaries)


def _frame_set(
    directory: Path,
    types: Int64s,
    names: tuple[str, ...] | None,
    open_boundaries: bool,
) -> FrameSet:
    name = f"{directory.parent.name}/{directory.name}"
    n = len(types)
    coord = _array(directory / "coord.npy", None, 3 * n)
    if coord is None:
        raise InputError(f"{directory}: has no coord.npy")
    n_frames = len(coord)
    box = None if open_boundaries else _array(directory / "box.npy", n_frames, 9)
    if box is None and not open_boundaries:
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
        energy=_array(directory / "energy.npy", n_frames, 1),
        force=_array(directory / "force.npy", n_frames, 3 * n),
        virial=_array(directory / "virial.npy", n_frames, 9),
        fparam=_parameters(directory / "fparam.npy", n_frames, 1),
        aparam=_parameters(directory / "aparam.npy", n_frames, n),
    )


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


def _types(path: Path) -> Int64s:
    try:
        return np.array([int(word) for word in path.read_text().split()], np.int64)
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: expected type numbers ({error})") from None


def _names(path: Path) -> tuple[str, ...] | None:
    if not path.is_file():
        return None
    try:
        return tuple(path.read_text().split())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: expected names of elements ({error})") from None


def _parameters(path: Path, n_frames: int, n: int) -> Doubles | None:
    """(n_frames, n·k) with any k."""
    array = _numbers(path)
    if array is None:
        return None
    if not array.ndim or len(array) != n_frames or array.size % max(n_frames * n, 1):
        raise InputError(
            f"{path}: expected {n_frames} frames with a multiple of {n} numbers each, "
            f"got shape {array.shape}"
        )
    return array.reshape(n_frames, -1)


def _array(path: Path, n_frames: int | None, width: int) -> Doubles | None:
    array = _numbers(path)
    if array is None:
        return None
    rows = len(array) if n_frames is None and array.ndim else n_frames
    if not array.ndim or len(array) != rows or array.size != len(array) * width:
        raise InputError(
            f"{path}: expected shape ({'frames' if rows is None else rows}, {width}), "
            f"got {array.shape}"
        )
    return array.reshape(len(array), width)


def _numbers(path: Path) -> AnyArray | None:
    """The array of a file, mapped; None without the file."""
    if not path.is_file():
        return None
    try:
        array: AnyArray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{path}: not an array that NumPy reads ({reason(error)})"
        ) from None
    if array.dtype.kind not in "fiu":
        raise InputError(f"{path}: expected numbers, got dtype {array.dtype}")
    return array
