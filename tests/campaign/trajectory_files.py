"""Trajectories of many formats with lines, words or bytes changed."""

from __future__ import annotations

import gzip
import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

from dpse_fast.errors import InputError
from dpse_fast.trajectory import Frame, read_frames

from .memory import MIB, has_limits, peak_growth
from .mutations import mutate
from .target import Outcome, Target, check_message
from .text_mutations import change_text

EXPANSION = 4
SLACK = 64 * MIB
BOMBS = 250  # one execution of so many is a file made to take memory

Files = Mapping[str, bytes]  # name (or path in a folder) → content


def gas(seed: int, n: int = 6) -> Atoms:
    """A labelled structure in a triclinic cell."""
    rng = np.random.default_rng(seed)
    places = np.array(np.unravel_index(rng.permutation(27)[:n], (3, 3, 3))).T
    atoms = Atoms(
        ["O", *["H"] * (n - 1)], 3.0 * places + rng.uniform(0, 1, (n, 3)),
        cell=[[9, 0, 0], [1, 9, 0], [0.5, -1, 9]], pbc=True,
    )  # fmt: skip
    atoms.info |= {"REF_energy": -1.5, "REF_virial": np.eye(3), "note": "a b"}
    atoms.arrays["REF_forces"] = rng.normal(size=(n, 3))
    return atoms


def _dump(atoms: list[Atoms]) -> bytes:
    text = ""
    for k, one in enumerate(atoms):
        text += f"ITEM: UNITS\nmetal\nITEM: TIMESTEP\n{k}\nITEM: NUMBER OF ATOMS\n"
        text += f"{len(one)}\nITEM: BOX BOUNDS pp pp pp\n" + "0.0 9.0\n" * 3
        text += "ITEM: ATOMS id type element x y z fx fy fz\n"
        for i, (symbol, x) in enumerate(zip(one.symbols, one.positions, strict=True)):
            numbers = " ".join(f"{v:.6f}" for v in (*x, *one.arrays["REF_forces"][i]))
            text += f"{i + 1} {1 + (symbol == 'H')} {symbol} {numbers}\n"
    return text.encode()


def _data(atoms: Atoms) -> bytes:
    text = f"LAMMPS data\n\n{len(atoms)} atoms\n2 atom types\n\n"
    text += "".join(f"0.0 9.0 {a}lo {a}hi\n" for a in "xyz") + "\nMasses\n\n"
    text += "1 15.999\n2 1.008\n\nAtoms # atomic\n\n"
    for i, (symbol, x) in enumerate(zip(atoms.symbols, atoms.positions, strict=True)):
        text += f"{i + 1} {1 + (symbol == 'H')} " + " ".join(f"{v:.6f}" for v in x)
        text += "\n"
    return text.encode()


def _system(atoms: list[Atoms]) -> Files:
    def array(values: object) -> bytes:
        out = io.BytesIO()
        np.save(out, np.asarray(values, float))
        return out.getvalue()

    types = "".join(f"{int(s == 'H')}\n" for s in atoms[0].symbols)
    return {
        "type.raw": types.encode(),
        "type_map.raw": b"O\nH\n",
        "set.000/coord.npy": array([a.positions.reshape(-1) for a in atoms]),
        "set.000/box.npy": array([a.cell.array.reshape(-1) for a in atoms]),
        "set.000/energy.npy": array([[-1.5]] * len(atoms)),
        "set.000/force.npy": array([a.arrays["REF_forces"].ravel() for a in atoms]),
        "set.000/virial.npy": array([np.eye(3).ravel()] * len(atoms)),
        "set.000/fparam.npy": array([[0.5, 1.0]] * len(atoms)),
    }


def examples(folder: Path) -> list[Files]:
    """One small trajectory of each format, by the name of its file."""
    atoms = [gas(k) for k in range(3)]
    free = [gas(k) for k in range(3)]
    for one in free:
        one.cell, one.pbc = None, False
    written = []
    for name, value, format in (
        ("a.extxyz", atoms, "extxyz"),
        ("open.extxyz", free, "extxyz"),
        ("a.xyz", free, "xyz"),
        ("POSCAR", atoms[0], "vasp"),
        ("XDATCAR", atoms, "vasp-xdatcar"),
        ("a.cif", atoms[0], "cif"),
        ("a.pdb", atoms, "proteindatabank"),
        ("a.traj", atoms, "traj"),
    ):
        write(folder / name, value, format=format)
        written.append({name: (folder / name).read_bytes()})
    texts = [{"a.dump": _dump(atoms)}, {"a.data": _data(atoms[0])}]
    packed = [
        {f"{name}.gz": gzip.compress(data, mtime=0)}
        for one in (written[0], written[3], texts[0])
        for name, data in one.items()
    ]
    return [*written, *texts, _system(atoms), *packed]


def bomb(rng: np.random.Generator) -> Files:
    """A small file that asks for much memory."""
    kind = int(rng.integers(6))
    poscar = "x\n1.0\n9 0 0\n0 9 0\n0 0 9\nH\n{}\nDirect\n0 0 0\n"
    if kind == 0:
        letter = bytes([int(rng.choice(list(b'a 0,"{[')))])
        name = str(rng.choice(["x.xyz.gz", "POSCAR.gz", "a.dump.gz"]))
        head = {"x.xyz.gz": b"1\n", "a.dump.gz": b"ITEM: "}.get(name, b"")
        return {name: gzip.compress(head + letter * 100_000_000, 1, mtime=0)}
    if kind == 1:
        count = int(rng.choice([10**7, 10**8, 10**9, 2**31, 10**18]))
        return {"POSCAR": poscar.format(count).encode()}
    if kind == 2:
        counts = " ".join(["1000000"] * 1000)
        return {"POSCAR": poscar.format(counts).encode()}
    if kind == 3:
        return {"x.xyz": b"1000000000\n\nH 0 0 0\n"}
    if kind == 4:
        text = "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1000000000\n"
        box = "ITEM: BOX BOUNDS pp pp pp\n0 1\n0 1\n0 1\nITEM: ATOMS id type x y z\n"
        return {"a.dump": (text + box + "1 1 0 0 0\n").encode()}
    header = b"\x93NUMPY\x01\x00v\x00" + (
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 3)}"
    ).ljust(117) + b"\n"  # fmt: skip
    return {"type.raw": b"0\n", "set.000/coord.npy": header, "nopbc": b""}


def mutated(files: Files, seed: int, number: int) -> dict[str, bytes]:
    """The files with one of them changed; what is in an archive may be, too."""
    rng = np.random.default_rng([seed, number, 3])
    names = sorted(files)
    name = names[int(rng.integers(len(names)))]
    data = files[name]
    packed = name.endswith(".gz") and rng.random() < 0.7
    if packed:
        data = gzip.decompress(data)
    if b"\0" not in data and rng.random() < 0.6:
        data = change_text(data, rng)
    else:
        data = mutate(data, seed, number)
    changed = dict(files)
    changed[name] = gzip.compress(data, mtime=0) if packed else data
    if len(files) > 1 and rng.random() < 0.1:
        del changed[names[int(rng.integers(len(names)))]]
    return changed


def lay_out(files: Files, folder: Path) -> Path:
    """Write the files; returns what a user names: the one file, or the folder."""
    place = folder / "trajectory"
    shutil.rmtree(place, ignore_errors=True)
    for name, data in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    place.mkdir(exist_ok=True)
    names = list(files)
    return place / names[0] if len(names) == 1 and "/" not in names[0] else place


def check(frame: Frame) -> None:
    """The arrays of a frame fit each other."""
    n = frame.n_atoms
    assert frame.positions.shape == (n, 3)
    assert frame.types.shape == (n,)
    assert frame.positions.dtype == np.float64
    assert frame.cell is None or frame.cell.shape == (3, 3)
    assert frame.cell is not None or not any(frame.pbc)
    assert frame.names is None or not n or frame.types.max() < len(frame.names)
    labels = frame.labels
    assert labels.forces is None or labels.forces.shape == (n, 3)
    assert labels.virial is None or labels.virial.shape == (3, 3)


def reading_outcome(path: Path) -> str:
    """frames, error, or error after frames."""
    n = 0
    try:
        for frame in read_frames(path):
            check(frame)
            n += 1
    except InputError as error:
        check_message(error)
        return "error after frames" if n else "error"
    return "frames"


class TrajectoryFiles(Target):
    name = "trajectories"
    promise = (
        "A damaged trajectory gives its frames, then one error that names the file; "
        f"memory stays below {EXPANSION} times the file (and {SLACK // MIB} MiB)"
    )
    tried = (
        "changed lines, words, numbers and bytes of extxyz, xyz, POSCAR, XDATCAR, "
        "LAMMPS dump and data, npy systems, cif, pdb, traj, also gzipped; files made "
        "to take memory"
    )
    share = 2.0
    time_limit = 30.0
    batch = 40
    full = 200_000

    def prepare(self, folder: Path) -> None:
        self.examples = examples(folder)
        for files in self.examples:
            place = lay_out(files, folder)
            assert reading_outcome(place) == "frames", list(files)

    def execute(self, number: int, folder: Path) -> Outcome:
        rng = self.rng(number)
        if number % BOMBS == BOMBS - 1:
            files: Files = bomb(rng)
        else:
            one = self.examples[number % len(self.examples)]
            files = mutated(one, self.seed, number)
        path = lay_out(files, folder)
        size = sum(len(data) for data in files.values())
        if not has_limits():
            return Outcome({reading_outcome(path): 1})
        kind, growth = peak_growth(lambda: reading_outcome(path))
        beyond = growth - EXPANSION * size
        text = f"memory {beyond / MIB:.0f} MiB beyond {EXPANSION} files: {path.name}"
        assert beyond <= SLACK, text
        return Outcome({kind: 1}, {"MiB beyond 4 files": beyond / MIB})
