"""dpse-fast and deepmd-kit on the same structure, cores and model, in one run.

deepmd-kit runs in an environment of its own (``pip install "deepmd-kit[cpu]"``):

    python bench/peers.py --peer-python ENV/bin/python \
        --model water.pb --peer-model water-compressed.pb --threads 1

The two take turns, so that a slow moment of the machine hits both. The first
evaluation of each is not counted. Times are CPU seconds of the whole process
(all threads), from positions to energy, forces and virial, neighbour list
included. The energies and forces of both are compared before anything is timed.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np

PEER = """
import json, sys, time
import numpy as np
from deepmd.infer import DeepPot
model, structure = sys.argv[1:]
data = np.load(structure)
pot = DeepPot(model)
position, cell = data["positions"][None], data["cell"].reshape(1, 9)
for line in sys.stdin:
    start, cpu = time.perf_counter(), time.process_time()
    energy, forces, virial = pot.eval(position, cell, data["types"])[:3]
    times = (time.perf_counter() - start, time.process_time() - cpu)
    np.save(structure + ".forces.npy", forces[0])
    print(json.dumps({"wall": times[0], "cpu": times[1],
        "energy": float(energy[0, 0])}), flush=True)
"""


def structure_of(path: str, copies: int, type_map: tuple[str, ...]) -> dict[str, Any]:
    """A frame of a trajectory, repeated along each axis."""
    import ase.io

    atoms = ase.io.read(path, index=0).repeat(copies)
    types = np.array([type_map.index(s) for s in atoms.get_chemical_symbols()])
    return {"positions": atoms.positions, "cell": atoms.cell.array, "types": types}


class Peer:
    """deepmd-kit in its own process, one evaluation a line."""

    def __init__(self, python: str, model: str, structure: str, threads: int) -> None:
        names = ("OMP_NUM_THREADS", "TF_INTRA_OP_PARALLELISM_THREADS")
        limits = {name: str(threads) for name in names}
        limits |= {"DP_INTRA_OP_PARALLELISM_THREADS": str(threads)}
        limits |= {"DP_INTER_OP_PARALLELISM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        limits |= {"TF_INTER_OP_PARALLELISM_THREADS": "1"}
        self.structure = structure
        self.process = subprocess.Popen(
            [python, "-c", PEER, model, structure],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | limits,
        )

    def evaluate(self) -> dict[str, float]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):
                found: dict[str, float] = json.loads(line)
                return found
        raise click.ClickException("the peer ended without an answer")

    def forces(self) -> Any:
        return np.load(self.structure + ".forces.npy")


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor()


@click.command()
@click.option("--peer-python", required=True, help="python that has deepmd-kit")
@click.option("--peer-model", required=True, help="the model deepmd-kit evaluates")
@click.option("--model", help="ours; the embedded default if left out")
@click.option("--structure", default="examples/water.xyz", help="first frame is used")
@click.option("--copies", default=3, help="repeats along each axis")
@click.option("--threads", default=1)
@click.option("--steps", default=5, help="counted evaluations of each")
@click.option("--precision", "precisions", multiple=True, default=["double", "mixed"])
@click.option("--tol", default=1e-5)
@click.option("--output", type=click.Path(dir_okay=False), help="JSON file")
def main(
    peer_python: str,
    peer_model: str,
    model: str | None,
    structure: str,
    copies: int,
    threads: int,
    steps: int,
    precisions: tuple[str, ...],
    tol: float,
    output: str | None,
) -> None:
    """Time dpse-fast against deepmd-kit."""
    import dpse_fast

    options = {"threads": threads, "tol": tol, "sel_overflow": "truncate"}
    pots = {p: dpse_fast.load(model, precision=p, **options) for p in precisions}
    system = structure_of(structure, copies, next(iter(pots.values())).type_map)
    n = len(system["types"])
    arguments = (system["positions"], system["types"], system["cell"])
    with tempfile.TemporaryDirectory() as folder:
        saved = str(Path(folder) / "structure.npz")
        np.savez(saved, **system)
        peer = Peer(peer_python, peer_model, saved, threads)
        reference = peer.evaluate()
        report: dict[str, Any] = {
            "command": " ".join(Path(a).name if "/" in a else a for a in sys.argv)
        }
        report |= {"machine": machine(), "atoms": n, "threads": threads}
        report["agreement"] = {}
        for name, pot in pots.items():
            result = pot.compute(*arguments)
            difference = np.abs(result.forces - peer.forces()).max()
            report["agreement"][name] = {
                "energy_ev_per_atom": abs(result.energy - reference["energy"]) / n,
                "force_ev_per_angstrom": float(difference),
            }
        times: dict[str, list[tuple[float, float]]] = {"deepmd-kit": []}
        times |= {name: [] for name in pots}
        for _ in range(steps):
            once = peer.evaluate()
            times["deepmd-kit"].append((once["wall"], once["cpu"]))
            for name, pot in pots.items():
                wall, cpu = time.perf_counter(), time.process_time()
                pot.compute(*arguments)
                times[name].append(
                    (time.perf_counter() - wall, time.process_time() - cpu)
                )
    base = np.array(times["deepmd-kit"])
    for name, pairs in times.items():
        measured = np.array(pairs)
        wall, cpu = np.median(measured, axis=0) / n * 1e6
        ratios = np.median(base / measured, axis=0)
        report[name] = {
            "wall_us_per_atom": round(float(wall), 2),
            "cpu_us_per_atom": round(float(cpu), 2),
            "times_faster_wall": round(float(ratios[0]), 2),
            "times_faster_cpu": round(float(ratios[1]), 2),
        }
    text = json.dumps(report, indent=2)
    click.echo(text)
    if output:
        Path(output).write_text(text + "\n")


if __name__ == "__main__":
    main()
