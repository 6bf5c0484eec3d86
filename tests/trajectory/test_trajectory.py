"""Frames from every kind of trajectory file, and the labels in them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import write
from ase_structures import as_atoms
from random_model import random_structure

from dpse_fast.errors import (
    InputError,
    NumberedTypesWarning,
    TruncatedTrajectoryWarning,
)
from dpse_fast.trajectory import (
    Frame,
    ReadingOptions,
    from_atoms,
    model_types,
    parse_index,
    read_frames,
)

DUMP_ROWS = "2 2 0.5 0.25 1.5\n1 1 1 2 3\n"


def dump(columns: str, rows: str, n: int = 2, before: str = "") -> str:
    return (
        f"{before}ITEM: TIMESTEP\n7\nITEM: NUMBER OF ATOMS\n{n}\n"
        "ITEM: BOX BOUNDS pp ff pp\n0 4\n0 5\n0 6\n"
        f"ITEM: ATOMS {columns}\n{rows}"
    )


def frames_of(path: Path, index: str = ":", **options: Any) -> list[Frame]:
    return list(read_frames(path, index, ReadingOptions(**options)))


def some_atoms(n_frames: int = 5) -> list[Atoms]:
    kinds = ("cubic", "open", "slab")
    return [as_atoms(random_structure(kinds[k % 3], seed=k)) for k in range(n_frames)]


@pytest.mark.parametrize("name", ["t.extxyz", "t.xyz", "t.traj", "t.extxyz.gz", "t.db"])
def test_formats_with_many_frames(name: str, tmp_path: Path) -> None:
    expected = some_atoms()
    write(tmp_path / name, expected)
    for k, (frame, atoms) in enumerate(
        zip(frames_of(tmp_path / name), expected, strict=True)
    ):
        assert frame.index == k
        assert frame.name == f"{name}, frame {k}"
        assert frame.symbols is not None
        assert frame.symbols.tolist() == list(atoms.symbols)
        assert frame.pbc == tuple(atoms.pbc.tolist())
        np.testing.assert_allclose(frame.positions, atoms.positions, atol=1e-7)
        if any(frame.pbc):
            np.testing.assert_allclose(frame.cell, atoms.cell.array, atol=1e-7)


@pytest.mark.parametrize("name", ["POSCAR", "t.cif", "t.lammps-data"])
def test_formats_of_one_frame(name: str, tmp_path: Path) -> None:
    atoms = as_atoms(random_structure("cubic"))
    atoms = atoms[np.argsort(atoms.numbers, kind="stable")]
    atoms.wrap()
    options = {"format": "lammps-data", "masses": True} if "lammps" in name else {}
    write(tmp_path / name, atoms, **options)
    (frame,) = frames_of(tmp_path / name)
    assert frame.pbc == (True, True, True)
    assert frame.symbols is not None
    assert frame.symbols.tolist() == list(atoms.symbols)
    np.testing.assert_allclose(frame.positions, atoms.positions, atol=1e-4)
    assert frame.volume == pytest.approx(8.7**3)


@pytest.mark.parametrize("name", ["t.extxyz", "t.traj"])
@pytest.mark.parametrize(
    "index", ["0", "-1", ":2", "1:", "::2", "1:4:2", "-2:", ":-3", "-3:-1"]
)
def test_index_selects_as_a_list_does(name: str, index: str, tmp_path: Path) -> None:
    write(tmp_path / name, some_atoms())
    got = [frame.index for frame in read_frames(tmp_path / name, index)]
    assert got == list(range(5))[parse_index(index)]


@pytest.mark.parametrize("index", ["", "a", "1:2:3:4", "::0", "::-1", "1.5"])
def test_bad_index(index: str) -> None:
    with pytest.raises(InputError, match="index: expected"):
        parse_index(index)


def test_xyz_streams(tmp_path: Path) -> None:
    path = tmp_path / "t.xyz"
    path.write_text("1\nHe flies\nO 1 2 3\n\n1\n\nH 4 5 6\n99999999999999\n\nO 0 0 0\n")
    frames = read_frames(path)
    assert next(frames).positions.tolist() == [[1, 2, 3]]
    second = next(frames)
    assert second.names == ("H",)
    assert second.cell is None
    assert second.pbc == (False, False, False)
    with pytest.raises(InputError, match=r"frame 2: the file ends after 1 of 999"):
        next(frames)


# Python takes 1_0 as 10.
POSCAR_OF_10 = b"O\n1\n1_0 0 0\n0 9 0\n0 0 9\nO\n1\nDirect\n0 0 0\n"
DATA_OF_10 = (
    b"\n1 atoms\n0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi\n\nAtoms\n\n1 1 0 1_0 0\n"
)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.xyz", b"", "empty"),
        ("t.xyz", b"two\n\nO 0 0 0\n", "expected the number of atoms, got 'two'"),
        ("t.xyz", b"-1\n\n", "expected the number of atoms"),
        ("t.xyz", b"1\n\nO 0 zero 0\n", "cannot be read as extxyz"),
        ("t.xyz", b"1\n\nO 0 \xff 0\n", "cannot be read as extxyz"),
        ("t.xyz.gz", b"not gzip", "cannot be opened"),
        ("t.foo", b"nothing known", "not a trajectory format"),
        ("t.traj", b"- of Ulm\0\0\0", "t.traj"),
        ("POSCAR", POSCAR_OF_10, "cannot be read as vasp"),
        ("POSCAR", b"only a title", "cannot be read as vasp"),
        ("t.dump", b"ITEM: TIMESTEP\n0\n", "ITEM: NUMBER OF ATOMS"),
        ("t.dump", dump("id type x y z", "1 1 0 0 0\n").encode(), "1 of 2 atoms"),
        ("t.dump", dump("type x y z", "1 0 1_0 0\n", 1).encode(), "cannot be read"),
        ("t.data", DATA_OF_10, "cannot be read"),
        ("t.dump", dump("id x y z", "1 0 0 0\n", 1).encode(), "cannot be read"),
        ("t.data", b"\n2 atoms\n0 5 xlo xhi\n\nAtoms\n\n1 1 0 0 0\n", "cannot be read"),
    ],
)
def test_damaged_files(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        frames_of(path)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_and_empty_places(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_frames(tmp_path / "none.xyz")
    with pytest.raises(InputError, match=r"no type\.raw"):
        frames_of(tmp_path)
    write(tmp_path / "t.xyz", some_atoms(2))
    with pytest.raises(InputError, match="index 5 selects no frame"):
        frames_of(tmp_path / "t.xyz", index="5")
    with pytest.raises(InputError, match="no format 'wishful'"):
        frames_of(tmp_path / "t.xyz", format="wishful")


def test_lammps_dump_of_type_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.dump"
    rows = "2 2 0.5 0.25 1.5 9 8 7\n1 1 1 2 3 6 5 4\n"
    path.write_text(2 * dump("id type x y z fx fy fz", rows))
    frames = frames_of(path)
    assert [frame.index for frame in frames] == [0, 1]
    for frame in frames:
        assert frame.names is None
        assert frame.symbols is None
        assert frame.types.tolist() == [0, 1]
        assert frame.positions.tolist() == [[1, 2, 3], [0.5, 0.25, 1.5]]
        assert frame.pbc == (True, False, True)
        assert frame.labels.energy is None
        assert frame.labels.forces is not None
        assert frame.labels.forces.tolist() == [[6, 5, 4], [9, 8, 7]]


def test_lammps_dump_of_elements_and_units(tmp_path: Path) -> None:
    path = tmp_path / "t.dump"
    rows = "1 1 O 1 2 3 1 0 0\n2 1 H 0 0 0 0 0 0\n"
    units = "ITEM: UNITS\nreal\n"
    columns = "id type element x y z fx fy fz"
    path.write_text(dump(columns, rows, before=units) + dump(columns, rows))
    for frame in frames_of(path):
        assert frame.symbols is not None
        assert frame.symbols.tolist() == ["O", "H"]
        assert frame.labels.forces is not None
        kcal_per_mol = 0.0433641
        assert frame.labels.forces[0, 0] == pytest.approx(kcal_per_mol, rel=1e-5)


@pytest.mark.parametrize("comment", ["", "  # metal", " # atomic"])
@pytest.mark.parametrize("named", [False, True])
def test_lammps_data(comment: str, named: bool, tmp_path: Path) -> None:
    path = tmp_path / "water.lmp"
    masses = "Masses\n\n1 15.999\n2 1.008\n\n" if named else ""
    path.write_text(
        "title\n2 atoms\n2 atom types\n0 4 xlo xhi\n0 5 ylo yhi\n0 6 zlo zhi\n\n"
        f"{masses}Atoms{comment}\n\n{DUMP_ROWS}"
    )
    (frame,) = frames_of(path)
    assert frame.positions.tolist() == [[1, 2, 3], [0.5, 0.25, 1.5]]
    if named:
        assert frame.symbols is not None
        assert frame.symbols.tolist() == ["O", "H"]
    else:
        assert frame.names is None
        assert frame.types.tolist() == [0, 1]


@pytest.mark.parametrize("style", ["sphere", "bpm/sphere", "hybrid full"])
def test_lammps_data_of_other_styles(style: str, tmp_path: Path) -> None:
    path = tmp_path / "water.lmp"
    path.write_text(
        "title\n1 atoms\n0 4 xlo xhi\n0 5 ylo yhi\n0 6 zlo zhi\n\n"
        f"Atoms # {style}\n\n1 2 1 1 1 2 3\n"
    )
    with pytest.raises(InputError, match=f"got 7 columns of style {style[:6]}"):
        frames_of(path, units="metal")


@pytest.mark.parametrize(("rows", "sound"), [(0, True), (1, False), (2, True)])
def test_poscar_with_more_rows_than_atoms(
    rows: int, sound: bool, tmp_path: Path
) -> None:
    path = tmp_path / "POSCAR"
    path.write_text(
        "t\n1\n4 0 0\n0 5 0\n0 0 6\nO H\n1 1\nDirect\n0 0 0\n0 .5 .5\n"
        + "0.25 0 0\n" * rows
    )
    if sound:
        assert len(frames_of(path)[0].positions) == 2
    else:
        with pytest.raises(InputError, match="states 2 atoms, but 1 more rows"):
            frames_of(path)


def test_numbers_that_are_no_counts(tmp_path: Path) -> None:
    path = tmp_path / "t.cube"
    atoms = Atoms("O", cell=[4.123456, 5, 6], pbc=True)
    write(path, atoms, format="cube", data=np.zeros((2, 2, 2)))
    text = path.read_text().split("\n", 1)[1]
    path.write_text(f"20261201\n{text}")
    np.testing.assert_allclose(frames_of(path)[0].cell, atoms.cell, atol=1e-5)


def test_dump_that_ends_in_a_number(tmp_path: Path) -> None:
    path = tmp_path / "t.dump"
    path.write_text(
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS pp pp pp\n"
        "0 4\n0 5\n0 6\nITEM: ATOMS id element x y z\n1 O 1 2 3.1"
    )
    with pytest.warns(TruncatedTrajectoryWarning, match="may be cut off"):
        frames_of(path, units="metal")


def test_boundaries() -> None:
    flat = Atoms("O", cell=[3, 4, 0], pbc=[True, True, False])
    frame = from_atoms(flat, "flat")
    assert frame.pbc == (True, True, False)
    assert frame.volume is None
    assert frame.cell is not None
    assert abs(np.linalg.det(frame.cell)) > 0
    for pbc in (True, (True, True, False)):
        with pytest.raises(InputError, match=r"none: is periodic .* but has no cell"):
            from_atoms(Atoms("O", pbc=pbc), "none")
    with pytest.raises(InputError, match="expected finite numbers"):
        from_atoms(Atoms("O", cell=[3, 4, np.nan], pbc=True), "odd")
    with pytest.raises(InputError, match="odd: direction c is periodic but"):
        from_atoms(Atoms("O", cell=[3, 4, 0], pbc=True), "odd")


def test_model_types() -> None:
    frame = Frame("f", 0, np.zeros((3, 3)), np.array([1, 0, 1]), ("H", "O", "Na"))
    assert model_types(frame, ("O", "H")).tolist() == [0, 1, 0]
    with pytest.raises(InputError, match="atom 0 is called 'O', and the model has 0 H"):
        model_types(frame, ("H", "Cl"))
    numbered = Frame("n", 0, np.zeros((3, 3)), np.array([1, 0, 1]), None)
    with pytest.warns(NumberedTypesWarning, match="taken as O, H in the model's"):
        assert model_types(numbered, ("O", "H")).tolist() == [1, 0, 1]
    assert model_types(numbered, ("O",)).tolist() == [1, 0, 1]
    assert model_types(numbered, ("O", "H"), ("H", "O")).tolist() == [0, 1, 0]
    with pytest.raises(InputError, match=r"has a type 1, .* names 0 to 0"):
        model_types(numbered, ("O", "H"), ("H",))


def test_gzip_and_plain_agree(tmp_path: Path) -> None:
    plain, packed = tmp_path / "t.xyz", tmp_path / "u.xyz.gz"
    write(plain, some_atoms(3))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    for a, b in zip(frames_of(plain), frames_of(packed), strict=True):
        assert np.array_equal(a.positions, b.positions)
