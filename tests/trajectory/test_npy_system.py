"""deepmd npy systems: sets, open boundaries, mixed types, and damage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dpse_fast.errors import InputError, LabelWarning
from dpse_fast.trajectory import (
    BadFrame,
    Frame,
    ReadingOptions,
    iterate_frames,
    read_frames,
)

Array = NDArray[Any]
TYPES = (0, 1, 1)


def system(root: Path, n_frames: tuple[int, ...] = (2, 3), **changes: Array) -> Path:
    """A system of three atoms; changes replace files of the first set."""
    root.mkdir()
    (root / "type.raw").write_text("\n".join(map(str, TYPES)))
    (root / "type_map.raw").write_text("O\nH\n")
    rng = np.random.default_rng(3)
    for k, n in enumerate(n_frames):
        folder = root / f"set.{k:03d}"
        folder.mkdir()
        arrays = {
            "coord": rng.normal(size=(n, 9)),
            "box": np.tile(np.diag([4.0, 5.0, 6.0]).ravel(), (n, 1)),
            "energy": rng.normal(size=n).astype(np.float32),
            "force": rng.normal(size=(n, 9)),
            "virial": rng.normal(size=(n, 9)),
        }
        for name, array in (arrays | (changes if k == 0 else {})).items():
            np.save(folder / f"{name}.npy", array)
    return root


def test_frames(tmp_path: Path) -> None:
    root = system(tmp_path / "water")
    frames = list(read_frames(root))
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert frames[3].name == "water/set.001, frame 1"
    frame = frames[3]
    assert frame.symbols is not None
    assert frame.symbols.tolist() == ["O", "H", "H"]
    assert frame.pbc == (True, True, True)
    assert frame.volume == pytest.approx(120)
    files = {p.stem: np.load(p) for p in (root / "set.001").iterdir()}
    np.testing.assert_array_equal(frame.positions, files["coord"][1].reshape(3, 3))
    assert frame.labels.energy == files["energy"][1]
    np.testing.assert_array_equal(frame.labels.forces, files["force"][1].reshape(3, 3))
    virial = files["virial"][1].reshape(3, 3)
    np.testing.assert_array_equal(frame.labels.virial, virial)
    assert [f.index for f in read_frames(root, "-2:")] == [3, 4]


def test_flat_arrays_are_one_frame(tmp_path: Path) -> None:
    root = system(tmp_path / "water", n_frames=(1,), fparam=np.ones((1, 2)))
    (expected,) = read_frames(root)
    for path in (root / "set.000").iterdir():
        np.save(path, np.load(path).reshape(-1))
    (frame,) = read_frames(root)
    for name in ("positions", "cell", "fparam"):
        np.testing.assert_array_equal(getattr(frame, name), getattr(expected, name))
    np.testing.assert_array_equal(frame.labels.forces, expected.labels.forces)


def test_without_labels_names_and_box(tmp_path: Path) -> None:
    root = system(tmp_path / "s", n_frames=(1,))
    for name in ("box", "energy", "force", "virial"):
        (root / "set.000" / f"{name}.npy").unlink()
    (root / "type_map.raw").unlink()
    with pytest.raises(InputError, match="nopbc"):
        list(read_frames(root))
    (root / "nopbc").touch()
    (frame,) = read_frames(root)
    assert frame.names is None
    assert frame.types.tolist() == list(TYPES)
    assert frame.cell is None
    assert frame.pbc == (False, False, False)
    labels = frame.labels
    assert (labels.energy, labels.forces, labels.virial) == (None, None, None)


@pytest.mark.parametrize("n", [0, 3, 6])
def test_a_box_with_zero_vectors_is_refused(n: int, tmp_path: Path) -> None:
    box = np.tile(np.diag([4.0, 5.0, 6.0]).ravel(), (2, 1))
    box[1, n:] = 0
    root = system(tmp_path / "s", n_frames=(2, 1), box=box)
    good, bad, other = iterate_frames(root)
    assert isinstance(good, Frame)
    assert isinstance(other, Frame)
    assert isinstance(bad, BadFrame)
    assert "cell vector is zero" in str(bad.error)
    if not n:
        given = ReadingOptions(cell=np.diag([4.0, 5.0, 6.0]))
        _, frame, _ = read_frames(root, options=given)
        assert frame.cell is not None


def test_options_for_a_system_without_box(tmp_path: Path) -> None:
    root = system(tmp_path / "s", n_frames=(1,))
    (root / "set.000" / "box.npy").unlink()
    (frame,) = read_frames(root, options=ReadingOptions(pbc=(False,) * 3))
    assert frame.cell is None
    (frame,) = read_frames(root, options=ReadingOptions(cell=np.eye(3) * 9))
    assert frame.pbc == (True, True, True)
    (root / "nopbc").touch()
    with pytest.raises(InputError, match="nopbc says"):
        list(read_frames(root, options=ReadingOptions(cell=np.eye(3) * 9)))
    with pytest.raises(InputError, match="units: has no effect"):
        list(read_frames(root, options=ReadingOptions(units="real")))


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("force", np.zeros((2, 6)), r"force\.npy: expected shape \(2, 9\)"),
        ("energy", np.zeros(3), r"energy\.npy: expected shape \(2, 1\)"),
        ("energy", np.array([{}, {}], dtype=object), "not an array that NumPy reads"),
        ("energy", np.array([1, np.nan]), "'energy': is not finite"),
        ("virial", np.array(["a"] * 18), "expected numbers, got dtype"),
        ("energy_dft", np.zeros(2), "'energy_dft' looks like a label"),
    ],
)
def test_bad_labels_are_left_out(
    name: str, array: Array, message: str, tmp_path: Path
) -> None:
    root = system(tmp_path / "s", (2,), **{name: array})
    with pytest.warns(LabelWarning, match=message):
        frames = list(read_frames(root))
    assert len(frames) == 2
    if name == "energy_dft":
        asked = ReadingOptions(energy_key=name)
        assert next(read_frames(root, options=asked)).labels.energy == 0
    elif name != "virial":
        key = "forces_key" if name == "force" else "energy_key"
        with pytest.raises(InputError, match=message):
            list(read_frames(root, options=ReadingOptions(**{key: name})))


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 9)",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 9), ",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 9)}",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, -9)}",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (%d, 9)}" % 10**30,
        b"{'descr': ['<f8'], 'fortran_order': False, 'shape': (2, 9)}",
        b"{'descr': 3, 'fortran_order': False, 'shape': (2, 9)}",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': 'x'}",
        b"(" * 5000,
        b"'" * 3,
        b"\0" * 9,
        b"{[]: 1}",
    ],
)
def test_damaged_npy_headers(header: bytes, tmp_path: Path) -> None:
    root = system(tmp_path / "s")
    length = len(header).to_bytes(2, "little")
    content = b"\x93NUMPY\x01\x00" + length + header + bytes(144)
    (root / "set.000" / "coord.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"coord\.npy: not an array that NumPy reads"):
        list(read_frames(root))


def test_mixed_types(tmp_path: Path) -> None:
    real = np.array([[1, 0, -1], [0, 0, 1]])
    frames = list(read_frames(system(tmp_path / "s", (2,), real_atom_types=real)))
    assert [frame.n_atoms for frame in frames] == [2, 3]
    assert frames[0].symbols is not None
    assert frames[0].symbols.tolist() == ["H", "O"]
    assert frames[0].labels.forces is not None
    assert frames[0].labels.forces.shape == (2, 3)


def test_several_systems(tmp_path: Path) -> None:
    for name in ("b", "a"):
        system(tmp_path / name, n_frames=(2,))
    names = [frame.name for frame in read_frames(tmp_path)]
    assert names == [f"{s}/set.000, frame {k}" for s in "ab" for k in (0, 1)]
    assert [f.name for f in read_frames(tmp_path, "2")] == ["b/set.000, frame 0"]


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("coord", np.zeros((2, 8)), r"coord\.npy: expected shape \(2, 9\)"),
        ("coord", np.array(3.0), r"coord\.npy: expected shape"),
        ("coord", np.array([["a"] * 9] * 2), "expected numbers"),
        ("coord", np.array([{}, {}], dtype=object), "not an array that NumPy reads"),
        ("box", np.zeros((1, 9)), r"box\.npy: expected shape \(2, 9\), got \(1, 9\)"),
        ("real_atom_types", np.full((2, 3), 2), "expected types from -1 to 1"),
        ("real_atom_types", np.full((2, 3), -2), "got -2 to -2"),
    ],
)
def test_wrong_arrays(name: str, array: Array, message: str, tmp_path: Path) -> None:
    root = system(tmp_path / "s", **{name: array})
    with pytest.raises(InputError, match=message):
        list(read_frames(root))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("type.raw", b"0 1 x", r"type\.raw: expected type numbers"),
        ("type.raw", b"0 1 \xff", r"type\.raw: expected type numbers"),
        ("type.raw", b"0 1 2", r"expected types from 0 to 1 \(type_map.raw\)"),
        ("type.raw", b"0 1 -1", "got -1 to 1"),
        ("type.raw", b"", r"type\.raw: expected atoms, got none"),
        ("type_map.raw", b"\xff\xfe", r"type_map\.raw: expected names"),
        ("set.000/coord.npy", b"", "not an array that NumPy reads"),
        ("set.000/coord.npy", b"\x93NUMPY\x01\x00", "not an array that NumPy reads"),
    ],
)
def test_damaged_files(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    root = system(tmp_path / "s")
    (root / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(read_frames(root))


def test_missing_parts(tmp_path: Path) -> None:
    root = system(tmp_path / "s", n_frames=(1,))
    (root / "set.000" / "coord.npy").unlink()
    with pytest.raises(InputError, match=r"has no coord\.npy"):
        list(read_frames(root))
    empty = system(tmp_path / "t", n_frames=())
    with pytest.raises(InputError, match=r"expected set\.\* directories"):
        list(read_frames(empty))


@pytest.mark.parametrize(
    "part",
    ["set.000", "set.000/coord.npy", "set.001/box.npy", "type.raw", "type_map.raw",
     "box.raw", "nopbc"],
)  # fmt: skip
def test_a_part_of_a_system_names_the_folder_above(part: str, tmp_path: Path) -> None:
    root = system(tmp_path / "water")
    (root / "nopbc").touch()
    (root / "box.raw").write_text("4 0 0 0 5 0 0 0 6\n")
    with pytest.raises(InputError, match="give the folder above") as caught:
        next(read_frames(root / part))
    assert str(caught.value).endswith(f"({root})")


def test_a_system_may_be_called_like_a_set(tmp_path: Path) -> None:
    assert len(list(read_frames(system(tmp_path / "set.water")))) == 5
