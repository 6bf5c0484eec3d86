"""i-PI: against its own ASE driver, in batches, and in runs of i-PI itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.io import write
from ase_structures import as_atoms
from engines import EXAMPLES, needs, run
from other_process import users_environment
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.ase import DeepPotential
from dpse_fast.errors import InputError
from dpse_fast.formats import exchange

reference = needs("ipi.pes._ase", "ipi")
driver_module = needs("dpse_fast.md.ipi", "dpse-fast")
DeepPotentialDriver = driver_module.DeepPotentialDriver
BOHR, HARTREE = driver_module.BOHR, driver_module.HARTREE


@pytest.fixture(scope="module")
def potential() -> dpse_fast.Potential:
    return dpse_fast.load(random_model(), tol=0.0, threads=1)


def asked(structure: Any) -> tuple[Any, Any]:
    """As i-PI asks: columns and bohr, upper triangular."""
    cell = np.eye(3) * 40 if structure.cell is None else structure.cell
    q, r = np.linalg.qr(cell.T)
    signs = np.sign(np.diag(r))
    return r * signs[:, None] / BOHR, structure.positions @ (q * signs) / BOHR


def driver_of(structure: Any, folder: Path, *given: Any, **options: Any) -> Any:
    write(folder / "start.xyz", as_atoms(structure))
    return DeepPotentialDriver(str(folder / "start.xyz"), *given, **options)


class Reference(reference.ASEDriver):  # type: ignore[misc,name-defined]
    def check_parameters(self) -> None:
        super().check_parameters()
        self.ase_calculator = DeepPotential(random_model(), tol=0.0, threads=1)


def test_is_what_its_driver_of_ase_gives(
    tmp_path: Path, potential: dpse_fast.Potential
) -> None:
    structure = random_structure("triclinic")
    driver = driver_of(structure, tmp_path, potential)
    cell, positions = asked(structure)
    found = driver(cell, positions)
    expected = Reference(str(tmp_path / "start.xyz"))(cell, positions)
    assert found[0] == pytest.approx(float(expected[0]), rel=1e-12)
    # i-PI's eV/Å is 1.1e-7 off its own eV and Å; our forces are slopes of energies.
    np.testing.assert_allclose(found[1], expected[1], rtol=2e-7, atol=1e-11)
    np.testing.assert_allclose(found[2].ravel(), expected[2], rtol=2e-7, atol=1e-9)
    assert np.abs(found[2]).max() > 1e-3
    assert found[3] == ""


def test_batches_are_single_structures(
    tmp_path: Path, potential: dpse_fast.Potential
) -> None:
    structure = random_structure("triclinic")
    driver = driver_of(structure, tmp_path, potential)
    cell, positions = asked(structure)
    rng = np.random.default_rng(2)
    for _ in range(3):
        beads = [positions + 0.1 * rng.normal(size=positions.shape) for _ in range(4)]
        cells = [cell * (1 + 0.01 * k) for k in range(4)]
        batch = driver(cells, beads)
        for one, h, x in zip(batch, cells, beads, strict=True):
            alone = driver(h, x)
            assert one[0] == pytest.approx(alone[0], rel=1e-12)
            np.testing.assert_allclose(one[1], alone[1], atol=1e-11)
            np.testing.assert_allclose(one[2], alone[2], atol=1e-11)
    assert driver([], []) == []


def test_clusters(tmp_path: Path, potential: dpse_fast.Potential) -> None:
    structure = random_structure("open")
    positions = asked(structure)[1]
    expected = potential.compute(*structure[:2])
    for flag in (False, "False"):
        driver = driver_of(structure, tmp_path, potential, periodic=flag)
        found = driver(np.eye(3), positions)
        assert found[0] * HARTREE == pytest.approx(expected.energy, rel=1e-9)


def test_what_it_says_of_structures(tmp_path: Path) -> None:
    structure = random_structure("triclinic")
    driver = driver_of(
        structure, tmp_path, random_model(sel=(1, 1)), sel_overflow="truncate"
    )
    extras = json.loads(driver(*asked(structure))[3])
    assert extras["dpse"]["sel_overflow"]["atoms"] > 0


def test_what_cannot_be_evaluated(
    tmp_path: Path, potential: dpse_fast.Potential
) -> None:
    structure = random_structure("triclinic")
    driver = driver_of(structure, tmp_path, potential)
    cell, positions = asked(structure)
    with pytest.raises(InputError, match="template: expected the 3 atoms"):
        driver(cell, positions[:3])
    with pytest.raises(InputError, match="list of positions for the list of cells"):
        driver([cell, cell], [positions])
    with pytest.raises(InputError, match="template: expected a structure file"):
        DeepPotentialDriver(str(tmp_path / "absent.xyz"), potential)
    with pytest.raises(InputError, match="periodic: expected True or False"):
        driver_of(structure, tmp_path, potential, periodic="perhaps")


INPUT = """
<simulation verbosity='low'>
  <output prefix='run'>
    <properties stride='1' filename='out'>
      [ step, conserved{electronvolt}, kinetic_md{electronvolt},
        potential{electronvolt} ]
    </properties>
  </output>
  <total_steps>STEPS</total_steps>
  <prng><seed>5</seed></prng>
  FORCEFIELD
  <system>
    <initialize nbeads='BEADS'>
      <file mode='ase'>start.xyz</file>
      <velocities mode='thermal' units='kelvin'>300</velocities>
    </initialize>
    <forces><force forcefield='dpse'/></forces>
    <motion mode='dynamics'>
      <dynamics mode='nve'>
        <timestep units='femtosecond'>0.1</timestep>
      </dynamics>
    </motion>
    <ensemble><temperature units='kelvin'>300</temperature></ensemble>
  </system>
</simulation>
"""
DIRECT = """
<ffdirect name='dpse'>
  <pes>custom</pes> <pes_path>dpse.py</pes_path> <batch_size>BEADS</batch_size>
  <parameters>{template:start.xyz, model:model.h5, threads:1}</parameters>
</ffdirect>
"""
NAME = "dpse"
SOCKET = f"""
<ffsocket name='dpse' mode='unix'><address>{NAME}</address></ffsocket>
"""


def prepare(folder: Path, forcefield: str, beads: int, steps: int) -> Any:
    structure = random_structure("cubic")
    write(folder / "start.xyz", as_atoms(structure))
    exchange.write(random_model(), folder / "model.h5")
    shutil.copy(EXAMPLES / "ipi" / "dpse.py", folder)
    text = INPUT.replace("FORCEFIELD", forcefield)
    for name, value in (("BEADS", beads), ("STEPS", steps)):
        text = text.replace(name, str(value))
    (folder / "input.xml").write_text(text)
    return structure


def program(name: str) -> Path:
    return Path(sys.executable).parent / name


def check(folder: Path, structure: Any, steps: int) -> None:
    out = np.loadtxt(folder / "run.out")
    assert len(out) == steps + 1
    model = dpse_fast.load(random_model(), threads=1)
    expected = model.compute(*structure[:3])
    assert out[0, 3] == pytest.approx(expected.energy, rel=1e-6)
    assert np.ptp(out[:, 3]) > 0.1
    assert np.ptp(out[:, 1]) < 0.02 * np.ptp(out[:, 3])


@pytest.mark.parametrize("beads", [1, 4])
def test_i_pi_conserves_energy(beads: int, tmp_path: Path) -> None:
    structure = prepare(tmp_path, DIRECT, beads, 40)
    done = run(program("i-pi"), "input.xml", cwd=tmp_path)
    assert not done.returncode, done.stdout[-2000:] + done.stderr[-2000:]
    check(tmp_path, structure, 40)


def test_over_a_socket(tmp_path: Path) -> None:
    # Shorter than a path of pytest may be: the system's limit is about a hundred.
    with tempfile.TemporaryDirectory() as short:
        _over_a_socket(tmp_path, Path(short))


def _over_a_socket(tmp_path: Path, sockets: Path) -> None:
    structure = prepare(tmp_path, SOCKET, 2, 30)
    prefix = f"{sockets}/"
    common: dict[str, Any] = {"cwd": tmp_path, "env": users_environment()}
    server = subprocess.Popen(
        [sys.executable, program("i-pi"), "-S", prefix, "input.xml"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **common,
    )
    try:
        socket = sockets / NAME
        for _ in range(600):
            if socket.exists() or server.poll() is not None:
                break
            time.sleep(0.1)
        options = "template=start.xyz,model=model.h5,threads=1"
        client = run(
            program("i-pi-driver-py"),
            *("-u", "-S", prefix, "-a", NAME, "-m", "custom"),
            *("-P", "dpse.py", "-o", options),
            cwd=tmp_path,
        )
        said = server.communicate(timeout=120)[0]
    finally:
        server.kill()
    assert not server.returncode, said[-2000:] + client.stdout + client.stderr
    check(tmp_path, structure, 30)
