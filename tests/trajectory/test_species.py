"""Names of species: of the model first, then elements, then the user's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dpse_fast.errors import InputError, NumberedTypesWarning
from dpse_fast.trajectory import Frame, ReadingOptions, model_types, read_frames

MODEL = ("O", "H")


def frame(*names: str) -> Frame:
    n = len(names)
    return Frame("f", 0, np.zeros((n, 3)), np.arange(n), names)


def numbered(*types: int, first: int = 0) -> Frame:
    positions = np.zeros((len(types), 3))
    return Frame("f", 0, positions, np.array(types), None, first_type=first)


@pytest.mark.parametrize(
    ("names", "type_map", "given", "expected"),
    [
        (("H", "O"), MODEL, None, [1, 0]),
        (("h", "o"), MODEL, None, [1, 0]),
        (("CL", "C"), ("C", "Cl"), None, [1, 0]),
        (("CL", "Cl"), ("CL", "Cl"), None, [0, 1]),
        (("OW", "H_1"), ("H_1", "OW"), None, [1, 0]),
        (("OW", "H1", "H"), MODEL, ("OW=O", "H1=H"), [0, 1, 1]),
        (("D", "O"), MODEL, ("D=H",), [1, 0]),
        (("C", "O"), MODEL, ("C=O",), [0, 0]),
        (("1", "2"), MODEL, ("H", "O"), [1, 0]),
        (("1", "2"), MODEL, ("2=H", "1=O"), [0, 1]),
        (("0", "1"), MODEL, ("0=H", "1=O"), [1, 0]),
    ],
)
def test_names(
    names: tuple[str, ...],
    type_map: tuple[str, ...],
    given: tuple[str, ...] | None,
    expected: list[int],
) -> None:
    assert model_types(frame(*names), type_map, given).tolist() == expected


@pytest.mark.parametrize(
    ("names", "given", "message"),
    [
        (("O", "OW"), None, r"atom 1 is called 'OW', .* 0 O, 1 H; --type-map OW=O"),
        (("H1",), None, "atom 0 is called 'H1', .* H1=H would"),
        (("D",), None, "atom 0 is called 'D', .* --type-map D=H"),
        (("Xx",), None, "Xx=TYPE"),
        (("1",), None, "atom 0 is called '1'"),
        (("?",), None, r"atom 0 is called '\?'"),
        (("OW", "HW"), ("OW=O",), "atom 1 is called 'HW'"),
        (("OW",), ("OW=N",), "expected NAME=TYPE with a type of the model"),
        (("OW",), ("H=O",), "has no effect, since the model has a type H"),
        (("OW",), ("OW=O", "OW=H"), "named twice"),
        (("O",), ("H", "O"), "leave --type-map out"),
        (("0", "1"), ("O", "H"), "names 1 to 2; 0=O maps"),
        (("3",), ("O", "H"), "has a species 3"),
    ],
)
def test_refused(
    names: tuple[str, ...], given: tuple[str, ...] | None, message: str
) -> None:
    with pytest.raises(InputError, match=f"{message}"):
        model_types(frame(*names), MODEL, given)


def test_numbers() -> None:
    with pytest.warns(NumberedTypesWarning):
        assert model_types(numbered(0, 1), MODEL).tolist() == [0, 1]
    for first, mapping in ((0, ("0=H", "1=O")), (1, ("1=H", "2=O"))):
        for given in (("H", "O"), mapping):
            found = model_types(numbered(0, 1, first=first), MODEL, given)
            assert found.tolist() == [1, 0]


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("OW=O",), "has only type numbers, from {0}; .* as in {0}=O,{1}=H, got 'OW'"),
        (("O",), "has a type {1}, but the type map O names {0} to {0}"),
        (("O", "N"), "names 'N', but the model has 0 O, 1 H"),
        (("{0}=O",), "has a type {1}, but the type map {0}=O names others"),
        (("{1}=O", "{2}=H"), "has a type {0}, but the type map {1}=O,{2}=H names"),
        (("{-1}=O", "{0}=H"), "has only type numbers, from {0}; .* got '{-1}'"),
    ],
)
def test_refused_numbers(first: int, given: tuple[str, ...], message: str) -> None:
    def shifted(text: str) -> str:
        for k in range(-1, 3):
            text = text.replace(f"{{{k}}}", str(k + first))
        return text

    with pytest.raises(InputError, match=shifted(message)):
        model_types(numbered(0, 1, first=first), MODEL, [shifted(g) for g in given])


@pytest.mark.parametrize(
    ("names", "expected"),
    [("OW H1\n", ("OW", "H1")), ("O_s/0a1b H_pv\n", ("O", "H")), ("", None)],
)
def test_poscar(names: str, expected: tuple[str, ...] | None, tmp_path: Path) -> None:
    path = tmp_path / "POSCAR"
    path.write_text(
        f"no names\n2.0\n2 0 0\n0 2 0\n0 0 3\n{names}1 2\nSelective\nDirect\n"
        "0 0 0.5 T T T\n0.5 0 0 T T T\n0 0 0 F F F\n\n0 0 0\n"
    )
    (found,) = read_frames(path)
    assert found.names == expected
    assert found.types.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(found.cell, np.diag([4.0, 4, 6]))
    assert found.positions.tolist() == [[0, 0, 3], [2, 0, 0], [0, 0, 0]]
    path.write_text(path.read_text().replace("no names", "O H").replace("2.0", "-96"))
    (found,) = read_frames(path)
    assert found.names == (expected or MODEL)
    assert found.volume == pytest.approx(96)


@pytest.mark.filterwarnings("ignore::dpse_fast.errors.UnitsWarning")
def test_names_in_lammps_files(tmp_path: Path) -> None:
    path = tmp_path / "t.dump"
    head = (
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n"
        "0 7\n0 7\n0 7\nITEM: ATOMS "
    )
    water = ReadingOptions(names=("OW", "HW"))
    for columns, rows, expected in (
        ("element", ("OW", "HW"), ("OW", "HW")),
        ("type element", ("2 ?", "1 ?"), None),
        ("element typelabel", ("O OW", "H HW"), ("OW", "HW")),
        ("mass", ("16", "1.0"), ("H", "O")),
        ("mass", ("16", "2.014"), ("mass 2.014", "O")),
    ):
        lines = "".join(f"{row} 0 0 {k}\n" for k, row in enumerate(rows))
        path.write_text(f"{head}{columns} x y z\n{lines}")
        (found,) = read_frames(path, options=water)
        assert found.names == expected
    path = tmp_path / "t.data"
    for masses, names, expected in (
        ("1 16.0 # OW\n2 1.0 # HW\n", ("OW", "HW"), ("OW", "HW")),
        ("1 16.0 # OW\n2 1.0 # HW\n", ("O", "H"), ("O", "H")),
    ):
        path.write_text(
            "t\n\n2 atoms\n0 7 xlo xhi\n0 7 ylo yhi\n0 7 zlo zhi\n\nMasses\n\n"
            f"{masses}\nAtoms\n\n2 2 0 0 0\n1 1 1 1 1\n"
        )
        (found,) = read_frames(path, options=ReadingOptions(names=names))
        assert found.names is not None
        assert [found.names[t] for t in found.types] == list(expected)
