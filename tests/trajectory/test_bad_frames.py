"""After a bad frame the next one is read, wherever it can be found."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpse_fast.errors import InputError, TruncatedTrajectoryWarning
from dpse_fast.trajectory import BadFrame, Frame, iterate_frames, read_frames

ROWS = "O 0.00 0.00 0.00\nH 1.00 0.00 0.25\n"


def xyz(rows: str = ROWS, n: Any = 2, comment: str = "") -> str:
    return f"{n}\n{comment}\n{rows}"


def dump(rows: str = "1 1 0 0 0\n2 2 1 1 1\n", n: Any = 2) -> str:
    return (
        f"ITEM: TIMESTEP\n7\nITEM: NUMBER OF ATOMS\n{n}\n"
        f"ITEM: BOX BOUNDS pp pp pp\n0 4\n0 5\n0 6\nITEM: ATOMS id type x y z\n{rows}"
    )


def shape_of(path: Path, **options: Any) -> str:
    """``.`` for a good frame, x for a bad one, T for one that is cut off."""
    letters = ""
    for frame in iterate_frames(path, **options):
        if isinstance(frame, Frame):
            assert frame.n_atoms == 2
            letters += "."
        else:
            assert frame.name in str(frame.error)
            letters += "T" if frame.truncated else "x"
            last = frame.last
    if letters.endswith(("T", "x")):
        assert last
    return letters


@pytest.mark.parametrize(
    ("middle", "expected"),
    [
        (xyz("O 0 0 zero\nH 1 0 0\n"), ".x.."),
        (xyz("O 0 0\nH 1 0 0\n"), ".x.."),
        (xyz("O 0 0 1_0.5\nH 1 0 0\n"), ".x.."),  # Python takes it as 10.5
        (xyz("O 0 0 1\nH 1 0 0\nVEC1 1_2 0 0\n"), ".x.."),
        (xyz("O 0 \udcff 0\nH 1 0 0\n"), ".x.."),
        (xyz(n=3), ".x.."),  # a line is missing, or the number is wrong
        (xyz(n=10**12), ".x.."),
        (xyz(n=10**30), ".x.."),
        (xyz(n="2x"), ".x.."),
        (xyz(n="-2"), ".x.."),
        (xyz(n="2 3"), ".x.."),
        (xyz(n=1), "..x.."),  # the first row is a frame, the second none
        (xyz(comment='Lattice="1 2 3"'), ".x.."),
        (xyz(comment="Properties=species:S:1:pos:R"), ".x.."),
        (xyz(comment="Properties=species:S:1:pos:R:99999999999999"), ".x.."),
        (xyz(comment="Properties=pos:R:3:x:S:1"), ".x.."),
        ("", "..."),
    ],
)
def test_xyz(middle: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "t.xyz"
    text = xyz() + middle + xyz() + xyz()
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    if expected == "..x..":
        letters = "".join(
            "." if isinstance(frame, Frame) else "x" for frame in iterate_frames(path)
        )
        assert letters == expected
        return
    assert shape_of(path) == expected
    n = len(expected)
    for start in range(n):
        assert shape_of(path, index=f"{start}:") == expected[start:]
        assert shape_of(path, skip=start) == expected[start:]
    assert shape_of(path, index="-1") == "."


@pytest.mark.parametrize("cut", range(1, len(xyz())))
def test_every_cut_of_the_last_xyz_frame(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "t.xyz"
    path.write_text((xyz() + xyz())[:-cut])
    if cut == 1:  # only the line break is missing
        assert shape_of(path) == ".."
    elif cut <= len("0.25"):  # a number that lost digits, and is still one
        with pytest.warns(TruncatedTrajectoryWarning, match="may be cut off"):
            assert shape_of(path) == ".."
    else:
        assert shape_of(path) == ".T"


@pytest.mark.filterwarnings("ignore::dpse_fast.errors.UnitsWarning")
@pytest.mark.parametrize(
    ("middle", "expected"),
    [
        (dump("1 1 0 0 x\n2 2 1 1 1\n"), ".x.."),
        (dump("1 1 0 0\n2 2 1 1 1\n"), ".x.."),
        (dump("1 1 0 0 0\n1 2 1 1 1\n"), ".x.."),  # one id twice
        (dump("1 0 0 0 0\n2 2 1 1 1\n"), ".x.."),  # type 0
        (dump("\n\n"), ".x.."),
        (dump(n=3), ".x.."),
        (dump(n=10**9), ".x.."),
        (dump(n="many"), ".x.."),
        (dump().replace("ITEM: NUMBER", "ITEM: NUMB"), ".x.."),
        (dump().replace("0 4\n", "0\n"), ".x.."),
        (dump().replace("0 4\n", "0 0\n"), ".x.."),
        (dump().replace(" pp pp pp", ""), ".x.."),
        (dump().replace("x y z", "a b c"), ".x.."),
        ("garbage\n", "..."),
    ],
)
def test_lammps_dump(middle: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "t.dump"
    path.write_text(dump() + middle + dump() + dump())
    assert shape_of(path) == expected
    assert shape_of(path, skip=2) == expected[2:]
    path.write_text(dump() + dump()[:-4])
    assert shape_of(path) == ".T"
    path.write_text(dump() + dump()[:40])
    assert shape_of(path) == ".T"


@pytest.mark.parametrize("lost", [4, 30])
def test_damaged_gzip(lost: int, tmp_path: Path) -> None:
    path = tmp_path / "t.xyz.gz"
    rng = np.random.default_rng(0)
    rows = [f"O {x} {y} {z}\nH 0 0 0\n" for x, y, z in rng.normal(size=(20, 3))]
    path.write_bytes(gzip.compress("".join(map(xyz, rows)).encode())[:-lost])
    *good, bad = iterate_frames(path)
    assert len(good) > 15
    assert all(isinstance(frame, Frame) for frame in good)
    assert isinstance(bad, BadFrame)
    assert bad.truncated
    assert bad.last
    assert "damaged or cut off" in str(bad.error)


def test_read_frames_raises_the_error_of_the_first_bad_frame(tmp_path: Path) -> None:
    path = tmp_path / "t.xyz"
    path.write_text(xyz() + xyz("O 0 0 zero\nH 1 0 0\n") + xyz())
    frames = read_frames(path)
    next(frames)
    with pytest.raises(InputError, match=r"frame 1: cannot be read .*line 7: .*'zero'"):
        next(frames)
