"""Units of LAMMPS files: stated by the file, by the user, or assumed aloud."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from dpse_fast.errors import InputError, UnitsWarning
from dpse_fast.trajectory import Frame, ReadingOptions, iterate_frames, read_frames
from dpse_fast.trajectory.lammps_units import STYLES


def dump(folder: Path, units: str = "") -> Path:
    """One atom at 1, 2, 3 with force 4, 5, 6 in a box of edge 7; two frames."""
    path = folder / "t.dump"
    frame = (
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS pp pp pp\n"
        "0 7\n0 7\n0 7\nITEM: ATOMS type x y z fx fy fz\n1 1 2 3 4 5 6\n"
    )
    path.write_text((f"ITEM: UNITS\n{units}\n" if units else "") + 2 * frame)
    return path


def data(folder: Path, head: str, mass: float) -> Path:
    path = folder / "t.data"
    path.write_text(
        f"{head}\n\n1 atoms\n1 atom types\n0 7 xlo xhi\n0 7 ylo yhi\n0 7 zlo zhi\n\n"
        f"Masses\n\n1 {mass!r}\n\nAtoms # charge\n\n1 1 0.5 1 2 3 1 0 0\n"
    )
    return path


def quiet(path: Path, units: str | None = None) -> list[Frame]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return list(read_frames(path, options=ReadingOptions(units=units)))


@pytest.mark.parametrize("style", list(STYLES))
def test_styles_agree_with_ase(style: str, tmp_path: Path) -> None:
    from ase.calculators.lammps import convert

    length, force, mass = (
        convert(1.0, quantity, style, "ASE")
        for quantity in ("distance", "force", "mass")
    )
    for frames in (quiet(dump(tmp_path), style), quiet(dump(tmp_path, style))):
        assert len(frames) == 2
        for frame in frames:
            expected = length * np.array([[1, 2, 3]])
            np.testing.assert_allclose(frame.positions, expected, rtol=1e-6)
            np.testing.assert_allclose(frame.cell, 7 * length * np.eye(3), rtol=1e-6)
            expected = force * np.array([[4, 5, 6]])
            np.testing.assert_allclose(frame.labels.forces, expected, rtol=1e-6)
    heads = (f"made by write_data, units = {style}", "made by hand")
    for head, units in zip(heads, (None, style), strict=True):
        (frame,) = quiet(data(tmp_path, head, 15.9994 / mass), units)
        expected = length * np.array([[8, 2, 3]])  # with its image flags
        np.testing.assert_allclose(frame.positions, expected, rtol=1e-6)
        assert frame.names == ("O",)


def test_definitions_of_lammps() -> None:
    """docs.lammps.org/units: kcal/mol, Hartree and Bohr, J and m, erg and cm, …"""
    assert 1 / STYLES["real"].force == pytest.approx(23.060549, rel=1e-7)
    assert STYLES["electron"].force == pytest.approx(27.211386 / 0.529177249, rel=1e-7)
    for style, newtons in (("si", 1), ("cgs", 1e-5), ("micro", 1e-9), ("nano", 1e-12)):
        ev_per_angstrom = newtons / 1.602176634e-9
        assert STYLES[style].force == pytest.approx(ev_per_angstrom, rel=1e-12)


def test_what_is_assumed_is_said(tmp_path: Path) -> None:
    for path in (dump(tmp_path), data(tmp_path, "by hand", 15.9994)):
        with pytest.warns(UnitsWarning, match=r"frame 0: does not state .* metal") as w:
            list(read_frames(path))
        assert len(w) == 1


@pytest.mark.parametrize("skip", [0, 1])
def test_units_of_the_first_frame_hold_for_all(skip: int, tmp_path: Path) -> None:
    *_, frame = iterate_frames(dump(tmp_path, "real"), skip=skip)
    assert isinstance(frame, Frame)
    np.testing.assert_allclose(
        frame.labels.forces, [[0.173456, 0.216821, 0.260185]], 1e-5
    )


def test_contradictions(tmp_path: Path) -> None:
    real = ReadingOptions(units="real")
    for path in (dump(tmp_path, "metal"), data(tmp_path, "units = metal", 16.0)):
        with pytest.raises(
            InputError, match="states units metal, but --units says real"
        ):
            list(iterate_frames(path, options=real))
    for path in (dump(tmp_path, "lj"), data(tmp_path, "units = lj", 16.0)):
        with pytest.raises(InputError, match="lj has no units"):
            list(iterate_frames(path))
    for name in ("lj", "metric", ""):
        with pytest.raises(InputError, match="units: expected LAMMPS' metal, real"):
            ReadingOptions(units=name)
    path = tmp_path / "t.xyz"
    path.write_text("1\n\nO 0 0 0\n")
    with pytest.raises(InputError, match="units: have no effect"):
        list(read_frames(path, options=real))
