"""Files that state or hold absurd amounts are refused with little memory."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import pytest
from traced_memory import traced_peak

from dpse_fast.errors import InputError
from dpse_fast.trajectory import read_frames

BILLION = "1000000000"
DUMP = (
    f"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n{BILLION}\nITEM: BOX BOUNDS pp pp pp\n"
    "0 1\n0 1\n0 1\nITEM: ATOMS type x y z\n"
)
POSCAR = f"t\n1.0\n4 0 0\n0 4 0\n0 0 4\nO\n{BILLION}\n"
FILES = {
    "t.xyz": f"{BILLION}\n\n" + "O 0 0 0\n" * 20000,
    "lines.xyz": "90000\n\n" + "\n" * 90000,
    "numbers.xyz": f"{BILLION}\n\n" + "1\n" * 90000,
    "lattice.xyz": '1\nLattice="' + "1 " * 100000 + '"\nO 0 0 0\n',
    "properties.xyz": "1\nProperties=" + "a:R:1:" * 30000 + "pos:R:3\nO 0 0 0\n",
    "keys.xyz": "1\n" + "k{}=1 ".join(map(str, range(30000))) + "\nO 0 zero 0\n",
    "t.dump": DUMP + "1 0 0 0\n" * 20000,
    "POSCAR": POSCAR + "Direct\n" + "0 0 0\n" * 20000,
    "lines.poscar.POSCAR": POSCAR + "Direct\n" + "\n" * 90000,
    "XDATCAR": POSCAR + "Direct configuration= 1\n0 0 0\n",
    "t.gro": f"t\n{BILLION}\n    1WATER  OW1    1   0.126   1.624   1.679\n 1 1 1\n",
    "t.gen": f"{BILLION} C\nO\n1 1 0 0 0\n",
    "t.xsf": f"CRYSTAL\nPRIMVEC\n1 0 0\n0 1 0\n0 0 1\nPRIMCOORD\n{BILLION} 1\n8 0 0 0",
    "t.cfg": f"Number of particles = {BILLION}\nA = 1.0 Angstrom\n",
    "t.data": f"t\n\n{BILLION} atoms\n0 1 xlo xhi\n\nAtoms\n\n1 1 0 0 0\n",
    "rows.data": "t\n\n2 atoms\n0 1 xlo xhi\n\nAtoms\n\n" + "a\n" * 90000,
    "t.pdb": "ATOM  \n" * 30000,
    "lists.json": "[" + "{}," * 60000 + "{}]",
    "deep.json": "[" * 200000,
}


def refuse(path: Path) -> int:
    """The memory it took."""
    with warnings.catch_warnings(), traced_peak() as peak:
        warnings.simplefilter("ignore")
        with pytest.raises(InputError, match=path.name):
            list(read_frames(path))
    return peak()


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """What is imported is not counted."""
    import ase.io.formats  # noqa: F401


@pytest.mark.parametrize("name", list(FILES))
def test_absurd_counts_and_lists(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(FILES[name])
    assert refuse(path) < 4 * len(FILES[name]) + 3_000_000


@pytest.mark.parametrize("name", ["t.xyz", "t.dump", "POSCAR", "t.data", "t.pdb"])
def test_endless_line_in_a_small_file(name: str, tmp_path: Path) -> None:
    head = {"t.dump": DUMP, "t.data": "t\n1 atoms\n0 1 xlo xhi\n"}.get(name, "2\n")
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(head.encode() + b"a" * 30_000_000, 1))
    assert refuse(path) < 8_000_000


@pytest.mark.parametrize("name", ["t.cif", "t.xsf", "t.json"])
def test_bomb_for_a_reader_of_ase(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.gz"
    path.write_bytes(gzip.compress(b'{"' + b"a" * 90_000_000, 1))
    assert refuse(path) < 8_000_000


def test_packed_lines_without_atoms(tmp_path: Path) -> None:
    path = tmp_path / "t.pdb.gz"
    path.write_bytes(gzip.compress(b"REMARK\n" + b"1\n" * 1_100_000 + b"ATOM  \n"))
    assert refuse(path) < 8_000_000


@pytest.mark.parametrize("kind", ["xyz", "dump"])
def test_packed_rows(kind: str, tmp_path: Path) -> None:
    head, row = (
        (DUMP, "1 0 0 0\n") if kind == "dump" else (f"{BILLION}\n\n", "O 0 0 0\n")
    )
    path = tmp_path / f"t.{kind}.gz"
    path.write_bytes(gzip.compress((head + row * 200_000).encode(), 1))
    assert refuse(path) < 8_000_000
