"""Cells and periodicity: what is read, what is refused, what the user may add."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from dpse_fast.errors import CellWarning, InputError
from dpse_fast.trajectory import (
    BadFrame,
    Frame,
    ReadingOptions,
    iterate_frames,
    read_frames,
)
from dpse_fast.trajectory.reading_options import cell_from

CELL = np.diag([4.0, 5.0, 6.0])
LATTICE = 'Lattice="4 0 0 0 5 0 0 0 6"'
NINE = '"4 0 0 0 5 0 0 0 6"'


def read(folder: Path, comment: str, **options: Any) -> Frame:
    path = folder / "t.xyz"
    path.write_text(f"1\n{comment}\nO 0 0 0\n")
    (frame,) = read_frames(path, options=ReadingOptions(**options))
    return frame


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        (f'lattice={NINE} pbc="T T T"', "periodic .*TTT.* has no cell .*'lattice'"),
        ('pbc="T T T"', "is periodic .* but has no cell"),
        ('pbc="F T F"', "pbc FTF"),
        (f"LATTICE={NINE}", "'LATTICE' looks like a cell .* --cell"),
        (f"cell={NINE}", "'cell' looks like a cell"),
        ('Cell="4 5 6"', "'Cell' looks like a cell"),
        ("box=[4,5,6]", "'box' looks like a cell"),
        ('unit_cell="4 5 6 90 90 90"', "'unit_cell' looks like a cell"),
        ("cell=10", "'cell' looks like a cell"),
        ("a=4 b=5 c=6", "'a, b, c' looks like a cell"),
        ("Lx=4 Ly=5 Lz=6", "'lx, ly, lz' looks like a cell"),
        ('Tv_1="4 0 0" Tv_2="0 5 0" Tv_3="0 0 6"', "looks like a cell"),
        ('dimensions="4 5 6"', "'dimensions' looks like a cell"),
        ("box_length=4", "'box_length' looks like a cell"),
        ('cell="4.D0 0 0 0 5.D0 0 0 0 6.D0"', "'cell' looks like a cell"),
        ("cell=4x5x6", "'cell' looks like a cell"),
        (f'note="unclosed {LATTICE}', "Lattice= is inside of something else"),
        (f"note=it's {LATTICE}", "Lattice= is inside of something else"),
        (f"step=1,{LATTICE}", "Lattice= is inside of something else"),
        (f'{LATTICE} note="unclosed pbc=F', "pbc= is inside of something else"),
        (f'{LATTICE} Lattice="5 0 0 0 5 0 0 0 5"', "Lattice: given twice"),
        (f"{LATTICE} pbc=T T F", "pbc: expected T or F for each direction, in quotes"),
        (f"{LATTICE} pbc_z=F", "pbc_z='F' is not read, and differs"),
        (f'{LATTICE} boundary="p p f"', "boundary='p p f' is not read, and differs"),
        ('periodic="T T T"', "periodic='T T T' is not read"),
        (f'{LATTICE} PBC="F F F"', "PBC='F F F' is not read, and differs"),
        (f"{LATTICE} pbc=maybe", "pbc: expected T or F for each direction"),
        ('Lattice="4 0 0 0 5 0 0 0"', "Lattice: expected 9 numbers, got 8"),
        ('Lattice="4 0 0 0 5 0 0 0 x"', "Lattice: expected 9 numbers, got no"),
        ('Lattice="4 0 0 0 5 0 0 0 nan"', "expected finite numbers"),
        ('Lattice="4 0 0 0 5 0 0 0 0"', "direction c is periodic but"),
        (f'Lattice="{"0 " * 9}"', "direction a is periodic but"),
    ],
)
def test_refused(comment: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"frame 0: .*{message}"):
        read(tmp_path, comment)


@pytest.mark.parametrize(
    ("comment", "pbc"),
    [
        (LATTICE, "TTT"),
        (f"{LATTICE} PBC=T", "TTT"),
        (f'{LATTICE} pbc="T T F"', "TTF"),
        (f"{LATTICE} pbc=[1,0,1]", "TFT"),
        (f'{LATTICE} pbc="[True, False, True]"', "TFT"),
        (f'note="" {LATTICE}', "TTT"),
        (f"note= {LATTICE} mass={{}} pbc=T", "TTT"),
        (f'{LATTICE} boundary="p p p" pbc_x=T', "TTT"),
        ("Lattice=[[4, 0, 0], [0, 5, 0], [0, 0, 6]]", "TTT"),
        ("Lattice = {4 0 0 0 5 0 0 0 6}", "TTT"),
        (f'cell={NINE} pbc="F F F"', "FFF"),
        (f'Lattice="{"0 " * 9}" pbc="F F F"', "FFF"),
        ("cell=conventional box_volume=3 supercell='2 2 2'", "FFF"),
        ("water in a box, step 3", "FFF"),
        ("i = 3, time = 1.5, charge = 1", "FFF"),
        ("", "FFF"),
    ],
)
def test_read(comment: str, pbc: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frame = read(tmp_path, comment)
    assert "".join("FT"[p] for p in frame.pbc) == pbc
    if "T" in pbc:
        np.testing.assert_array_equal(frame.cell, CELL)


@pytest.mark.parametrize(
    "comment",
    [
        "box 10 10 10",
        "Cell: 9.5, 9.5, 9.5",
        "10 0 0 0 10 0 0 0 10",
        "%PBC 9 9 9 90 90 90",
        "unitcell {9 9 9 90 90 90}",
    ],
)
def test_words_that_look_like_a_cell(comment: str, tmp_path: Path) -> None:
    with pytest.warns(CellWarning, match=f"'{comment}' looks like a cell"):
        assert read(tmp_path, comment).cell is None


def test_nine_numbers_of_an_unknown_name(tmp_path: Path) -> None:
    with pytest.warns(CellWarning, match="'basis' looks like a cell"):
        assert read(tmp_path, f"basis={NINE}").cell is None


def test_given_cell_and_pbc(tmp_path: Path) -> None:
    given = {"cell": CELL}
    for comment in ("", f"cell={NINE}", 'pbc="T T T"', LATTICE, 'pbc="F F F"'):
        frame = read(tmp_path, comment, **given)
        np.testing.assert_array_equal(frame.cell, CELL)
        assert frame.pbc == (True, True, True)
    assert read(tmp_path, "", **given, pbc=(True, True, False)).pbc[2] is False
    assert read(tmp_path, LATTICE, pbc=(True, True, False)).pbc[2] is False
    assert read(tmp_path, f"cell={NINE}", pbc=(False, False, False)).cell is None
    zeros = f'Lattice="{"0 " * 9}"'
    assert read(tmp_path, zeros, pbc=(False, False, False)).cell is None
    for comment, options, message in (
        (LATTICE, {"cell": 2 * CELL}, "has its own cell"),
        (f"{LATTICE} pbc=T", {"pbc": (True, True, False)}, "states its own pbc TTT"),
        ("", {"pbc": (True, True, True)}, "has no cell"),
    ):
        with pytest.raises(InputError, match=message):
            read(tmp_path, comment, **options)
    with pytest.raises(InputError, match="cell: has no effect"):
        ReadingOptions(cell=CELL, pbc=(False, False, False))
    with pytest.raises(InputError, match="three vectors other than zero"):
        ReadingOptions(cell=np.diag([4.0, 5.0, 0.0]))


def test_cell_from_edges_and_angles() -> None:
    from ase.geometry import cellpar_to_cell

    np.testing.assert_array_equal(cell_from([4, 5, 6]), CELL)
    np.testing.assert_array_equal(cell_from([4, 5, 6, 90, 90, 90]), CELL)
    for angles in ((90, 90, 120), (70, 80, 95)):
        expected = cellpar_to_cell([4, 5, 6, *angles])
        np.testing.assert_allclose(cell_from([4, 5, 6, *angles]), expected, atol=1e-12)
    with pytest.raises(InputError, match="no cell has the angles"):
        cell_from([4, 5, 6, 10, 10, 170])
    with pytest.raises(InputError, match="got 4 numbers"):
        cell_from([4, 5, 6, 90])


@pytest.mark.parametrize("name", ["t.traj", "t.json", "t.xsf", "t.extxyz"])
def test_one_periodic_frame_without_a_cell(name: str, tmp_path: Path) -> None:
    good = Atoms("O", cell=CELL, pbc=True)
    write(
        tmp_path / name, [good, Atoms("O", pbc=True), good][: 2 if "xsf" in name else 3]
    )
    if "xsf" in name:
        write(tmp_path / name, Atoms("O", pbc=True))
    frames = list(iterate_frames(tmp_path / name))
    bad = frames[-1] if "xsf" in name else frames[1]
    assert isinstance(bad, BadFrame)
    assert "is periodic (pbc TTT) but has no cell" in str(bad.error)
    assert sum(isinstance(frame, Frame) for frame in frames) == len(frames) - 1


def test_models_of_a_pdb_share_its_cell(tmp_path: Path) -> None:
    atom = (
        "ATOM      1  OW  HOH A   1       1.000   2.000   3.000  1.00  0.00          "
    )
    model = f"MODEL\n{atom} O\nENDMDL\n"
    head = "CRYST1    4.000    5.000    6.000  90.00  90.00  90.00 P 1           1\n"
    (tmp_path / "t.pdb").write_text(head + 2 * model)
    for frame in read_frames(tmp_path / "t.pdb"):
        np.testing.assert_array_equal(frame.cell, CELL)
        assert frame.names == ("O",)
        assert frame.positions.tolist() == [[1, 2, 3]]
    (tmp_path / "t.pdb").write_text(model)
    (frame,) = read_frames(tmp_path / "t.pdb", options=ReadingOptions(names=("OW",)))
    assert (frame.cell, frame.names) == (None, ("OW",))
