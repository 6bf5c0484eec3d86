"""deepmd-kit's dp_ipi as the client of an i-PI that runs dynamics."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

from ..peers import PeerError
from .agreement import Table, columns
from .sides import MOST_SECONDS, Side

ATOMS = Path(__file__).parents[2] / "examples" / "water.xyz"
INPUT = """
<simulation verbosity='low'>
  <output prefix='run'>
    <properties stride='1' filename='out'>
      [ step, conserved{electronvolt}, potential{electronvolt},
        pressure_cv{megapascal} ]
    </properties>
    <trajectory stride='10' filename='force' format='xyz'> forces{ev/ang} </trajectory>
  </output>
  <total_steps>10</total_steps>
  <prng><seed>31415</seed></prng>
  <ffsocket name='dp' mode='unix'><address>ADDRESS</address></ffsocket>
  <system>
    <initialize nbeads='2'>
      <file mode='xyz'>start.xyz</file>
      <velocities mode='thermal' units='kelvin'>300</velocities>
    </initialize>
    <forces><force forcefield='dp'/></forces>
    <motion mode='dynamics'>
      <dynamics mode='npt'>
        <timestep units='femtosecond'>0.25</timestep>
        <barostat mode='isotropic'>
          <tau units='femtosecond'>250</tau>
          <thermostat mode='langevin'><tau units='femtosecond'>250</tau></thermostat>
        </barostat>
        <thermostat mode='pile_g'><tau units='femtosecond'>50</tau></thermostat>
      </dynamics>
    </motion>
    <ensemble>
      <temperature units='kelvin'>300</temperature>
      <pressure units='megapascal'>10</pressure>
    </ensemble>
  </system>
</simulation>
"""


def ring_polymer(side: Side, model: Path, folder: Path) -> dict[str, Table]:
    """Properties of each step, and forces of the last one."""
    address = f"dpse_{os.getpid()}_{side.name}"
    write_start(folder / "start.xyz")
    (folder / "input.xml").write_text(INPUT.replace("ADDRESS", address))
    settings = {
        "verbose": False,
        "use_unix": True,
        "port": 31415,
        "host": address,
        "graph_file": str(model),
        "coord_file": "start.xyz",
        "atom_type": {"O": 0, "H": 1},
    }
    (folder / "client.json").write_text(json.dumps(settings))
    plain = {k: v for k, v in side.variables.items() if k != "LD_PRELOAD"}
    python = str(side.binaries / "python")
    server = start([python, str(side.binaries / "i-pi"), "input.xml"], folder, plain)
    socket = Path(f"/tmp/ipi_{address}")
    for _ in range(600):
        if socket.exists() or server.poll() is not None:
            break
        time.sleep(0.1)
    client = start(
        [python, str(side.binaries / "dp_ipi"), "client.json"], folder, side.variables
    )
    try:
        said, _ = server.communicate(timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        raise PeerError(f"dp_ipi, {side.name}: took too long") from None
    finally:
        for process in (client, server):
            process.kill()
            process.wait()
    if server.returncode:
        raise PeerError(f"dp_ipi, {side.name}: {said[-400:]}")
    forces = sorted(folder.glob("run.force_0.xyz"))[0].read_text()
    rows = [line.split(maxsplit=1)[1] for line in forces.splitlines()[-192:]]
    return {
        "properties": columns((folder / "run.out").read_text()),
        "forces": columns("\n".join(rows)),
    }


def start(
    command: list[str], folder: Path, variables: dict[str, str]
) -> subprocess.Popen[str]:
    with (folder / "said.txt").open("a") as said:
        return subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | variables,
            stdout=subprocess.PIPE if "i-pi" in command[1] else said,
            stderr=subprocess.STDOUT,
            text=True,
        )


def write_start(file: Path) -> None:
    """192 atoms of water, as i-PI and dp_ipi read them."""
    from ase import Atoms
    from ase.io import read

    atoms = read(ATOMS, 0)
    assert isinstance(atoms, Atoms)
    a, b, c, alpha, beta, gamma = atoms.cell.cellpar()
    lines = [
        str(len(atoms)),
        f"# CELL(abcABC): {a} {b} {c} {alpha} {beta} {gamma} "
        "positions{angstrom} cell{angstrom}",
        *(
            f"{symbol} {x:.12f} {y:.12f} {z:.12f}"
            for symbol, (x, y, z) in zip(atoms.symbols, atoms.positions, strict=True)
        ),
    ]
    file.write_text("\n".join(lines) + "\n")
