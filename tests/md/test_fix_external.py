"""``fix external`` in a real LAMMPS: one rank, ghosts, two ranks, errors."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engines import needs, run

needs("lammps", "lammps[mpi]", load=False)
needs("mpi4py", "mpi4py", load=False)

SYSTEM = """
import json, sys
import numpy as np
from mpi4py import MPI
from lammps import lammps
import dpse_fast
from random_model import random_model, random_structure
from dpse_fast.md.fix_external import attach

kind, ghosts, steps, units = json.loads(sys.argv[1])
lmp = lammps(cmdargs=["-log", "none", "-screen", "none"])
structure = random_structure(kind)
cell, positions = structure.cell, structure.positions
boundary = "s s s"
if cell is None:
    cell = np.eye(3) * 30
else:
    q, r = np.linalg.qr(cell.T)
    signs = np.sign(np.diag(r))
    cell, positions = (r * signs[:, None]).T, positions @ (q * signs)
    boundary = " ".join("p" if p else "f" for p in np.broadcast_to(structure.pbc, 3))
    for i, j in ((2, 1), (2, 0), (1, 0)):
        cell[i] -= np.round(cell[i, j] / cell[j, j]) * cell[j]
low = -1
if not structure.pbc[2]:
    cell[2], low = (0, 0, 60), -30
(a, _, _), (xy, b, _), (xz, yz, c) = cell.tolist()
lmp.commands_string(f'''
units {units}
atom_modify map array sort 3 2.0
boundary {boundary}
box tilt large
region box prism -1 {a - 1} -1 {b - 1} {low} {c + low} {xy} {xz} {yz}
create_box 3 box
mass * 16.0
''')
n = len(positions)
types = (structure.types + 1).tolist()
inside = positions.copy()
lmp.create_atoms(n, list(range(1, n + 1)), types, inside.ravel().tolist())
assert lmp.get_natoms() == n
pot = dpse_fast.load(random_model(), tol=0.0, threads=1)
BEFORE
attach(lmp, ["O", "H", None], pot, ghosts=ghosts, skin=0.8)
lmp.commands_string(f'''
velocity all create 900 1
fix move all nve
timestep {0.0005 if units == "metal" else 0.5}
thermo_style custom step pe ke etotal pxx pyy pzz pxy pxz pyz vol
run {steps}
''')
names = ("pe", "ke", "etotal", "pxx", "pyy", "pzz", "pxy", "pxz", "pyz", "vol")
found = {name: lmp.get_thermo(name) for name in names}
found["x"] = np.ctypeslib.as_array(lmp.gather_atoms("x", 1, 3)).reshape(n, 3).tolist()
found["f"] = np.ctypeslib.as_array(lmp.gather_atoms("f", 1, 3)).reshape(n, 3).tolist()
found["types"] = list(structure.types.tolist())
found["cell"] = cell.tolist() if structure.cell is not None else None
found["pbc"] = np.broadcast_to(structure.pbc, 3).tolist()
if MPI.COMM_WORLD.rank == 0:
    print("FOUND" + json.dumps(found))
"""

TESTS = Path(__file__).parents[1]


def lammps_run(
    tmp_path: Path,
    kind: str,
    ghosts: bool | None = None,
    steps: int = 0,
    ranks: int = 1,
    units: str = "metal",
    before: str = "",
) -> Any:
    if importlib.util.find_spec("lammps") is None:
        pytest.skip("no LAMMPS")
    script = tmp_path / "system.py"
    paths = f"import sys; sys.path.insert(0, {str(TESTS)!r})\n"
    script.write_text(paths + SYSTEM.replace("BEFORE", before))
    given = json.dumps([kind, ghosts, steps, units])
    return run(script, given, ranks=ranks, cwd=tmp_path)


def numbers(done: Any) -> dict[str, Any]:
    assert not done.returncode, done.stdout[-2000:] + done.stderr[-2000:]
    (line,) = [s for s in done.stdout.splitlines() if s.startswith("FOUND")]
    return dict(json.loads(line.removeprefix("FOUND")))


def expected_of(found: dict[str, Any]) -> Any:
    from random_model import random_model

    import dpse_fast

    potential = dpse_fast.load(random_model(), tol=0.0, threads=1)
    return potential.compute(
        np.array(found["x"]), found["types"], found["cell"], pbc=found["pbc"]
    )


@pytest.mark.parametrize(
    ("kind", "ghosts", "ranks"),
    [
        ("triclinic", False, 1),
        ("triclinic", True, 1),
        ("triclinic", None, 2),
        ("slab", None, 2),
        ("open", True, 1),
        ("open", None, 1),
    ],
)
def test_is_what_compute_gives(
    kind: str, ghosts: bool | None, ranks: int, tmp_path: Path
) -> None:
    found = numbers(lammps_run(tmp_path, kind, ghosts, 20, ranks))
    expected = expected_of(found)
    assert found["pe"] == pytest.approx(expected.energy, rel=1e-10)
    np.testing.assert_allclose(found["f"], expected.forces, atol=1e-8)
    if kind == "triclinic":
        kinetic = found["ke"] * 2 / 3
        pressure = np.array([found[f"p{k}"] for k in ("xx", "yy", "zz")]).mean()
        virial = pressure * found["vol"] / 1.6021765e6 - kinetic
        assert virial == pytest.approx(np.trace(expected.virial) / 3, rel=1e-5)


def test_all_of_the_stress(tmp_path: Path) -> None:
    """Two ranks and one with the periodic box instead of ghosts."""
    one = numbers(lammps_run(tmp_path, "triclinic", False, 30))
    two = numbers(lammps_run(tmp_path, "triclinic", None, 30, ranks=2))
    for name in ("pe", "ke", "pxx", "pyy", "pzz", "pxy", "pxz", "pyz"):
        assert two[name] == pytest.approx(one[name], rel=1e-7), name
    np.testing.assert_allclose(two["x"], one["x"], atol=1e-8)


def test_units_real(tmp_path: Path) -> None:
    found = numbers(lammps_run(tmp_path, "triclinic", units="real"))
    expected = expected_of(found)
    assert found["pe"] / 23.060548 == pytest.approx(expected.energy, rel=1e-6)
    np.testing.assert_allclose(
        np.array(found["f"]) / 23.060548, expected.forces, atol=1e-5
    )


@pytest.mark.parametrize("ranks", [1, 2])
def test_an_error_ends_all_ranks(ranks: int, tmp_path: Path) -> None:
    before = """
from dpse_fast.evaluation.session import Session
from dpse_fast.md import fix_external
from dpse_fast.errors import InputError
evaluate = fix_external.DeepPotentialFix._evaluate
calls = []
def failing(self, *given):
    calls.append(1)
    if len(calls) == 3 and MPI.COMM_WORLD.rank == MPI.COMM_WORLD.size - 1:
        raise InputError("positions: this rank fails")
    return evaluate(self, *given)
fix_external.DeepPotentialFix._evaluate = failing
"""
    done = lammps_run(tmp_path, "triclinic", None, 50, ranks, before=before)
    assert done.returncode
    assert "FOUND" not in done.stdout
    message = "fix dpse, step 2: InputError: positions: this rank fails"
    assert message in done.stderr + done.stdout


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("atom", [2, 7])
def test_an_error_names_the_atom_once(ranks: int, atom: int, tmp_path: Path) -> None:
    """Its owner does, whichever rank has ghosts of it."""
    before = f"""
from dpse_fast.md import fix_external
evaluate = fix_external.DeepPotentialFix._evaluate
calls = []
def spoiled(self, n_local, x, f):
    calls.append(1)
    if len(calls) == 3:
        n = lmp.extract_setting("nall")
        ids = lmp.numpy.extract_atom("id", nelem=n)[:n]
        lmp.numpy.extract_atom("x", nelem=n, dim=3)[:n][ids == {atom}] = np.nan
    return evaluate(self, n_local, x, f)
fix_external.DeepPotentialFix._evaluate = spoiled
"""
    done = lammps_run(tmp_path, "triclinic", None, 50, ranks, before=before)
    assert done.returncode
    text = done.stderr + done.stdout
    assert text.count("dpse-fast stops the run in fix dpse, step 2") == 1, text
    assert f"for atom ID {atom} (" in text
    assert "ghost" not in text


def test_what_cannot_be_attached(tmp_path: Path) -> None:
    before = """
from dpse_fast.errors import InputError
messages = []
for given in (dict(symbols=["O", "H"]), dict(symbols=["O", "H", "He"])):
    try:
        attach(lmp, given["symbols"], pot)
    except InputError as error:
        messages.append(str(error))
assert "one for each of 3 atom types" in messages[0], messages
assert "no type 'He'" in messages[1], messages
"""
    numbers(lammps_run(tmp_path, "triclinic", before=before))
    done = lammps_run(tmp_path, "triclinic", units="lj")
    assert "units: expected metal or real, got lj" in done.stderr
