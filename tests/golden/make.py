"""Rebuilds the golden models and their reference numbers with deepmd-kit.

deepmd-kit 3.2.0 comes from PyPI, in environments of its own (README.md):

    PYTORCH/bin/python make.py --tensorflow TENSORFLOW/bin/python

Files from PyTorch's side (.dp, .yaml, .pth) share ``NAME.npz``; a file
NAME.pb goes with ``NAME.pb.npz``, because TensorFlow evaluates another function.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from families import FAMILIES, Family, build_family, pair_potential
from models import MODELS, TRAINED, Golden, build, definition
from reference import store
from structures import structure

HERE = Path(__file__).resolve().parent
CASES: dict[str, Golden | Family] = {**MODELS, **FAMILIES, **TRAINED}


def contents(name: str) -> dict[str, Any]:
    """The file contents of a model, as deepmd-kit's serializers take them."""
    return build(name) if name in MODELS else build_family(name, "table.txt")


def native(names: list[str]) -> None:
    """Writes every .dp, and what deepmd-kit's own Python can convert it to."""
    import torch
    from deepmd.dpmodel.utils.serialization import save_dp_model
    from deepmd.entrypoints.convert_backend import convert_backend

    pair_potential("table.txt")
    for name in names:
        if name in TRAINED:
            continue
        case = CASES[name]
        path = Path(f"{name}.dp")
        save_dp_model(str(path), contents(name))
        convert_backend(INPUT=str(path), OUTPUT=str(path.with_suffix(".pth")))
        if "yaml" in case.formats:
            save_dp_model(str(path.with_suffix(".yaml")), contents(name))
        for suffix in {"dp", "yaml", "pth"} & set(case.formats):
            _keep(path.with_suffix("." + suffix))
        if {"dp", "pth"} & set(case.formats):
            # Optimised, PyTorch stops at the second structure with atom_ener.
            with torch.jit.optimized_execution(False):
                store(path.with_suffix(".pth"), case, HERE / f"{name}.npz")


def graphs(names: list[str]) -> None:
    """Writes every .pb: converted, compressed, and trained for a few steps."""
    from deepmd.entrypoints.convert_backend import convert_backend

    for name in names:
        case = CASES[name]
        files = [Path(f"{name}.pb")] if "pb" in case.formats else []
        if name in TRAINED:
            files += _train(name, TRAINED[name])
        elif files:
            convert_backend(INPUT=f"{name}.dp", OUTPUT=f"{name}.pb")
        for file in files:
            store(file, case, HERE / f"{file}.npz")
            _keep(file)


def _train(name: str, golden: Golden) -> list[Path]:
    _write_data(Path("data"))
    training = {
        "training_data": {"systems": ["data"], "batch_size": 1},
        "numb_steps": 100,
        "seed": 3,
    }
    rate = {"type": "exp", "start_lr": 0.01, "stop_lr": 1e-3, "decay_steps": 50}
    script = {"model": definition(golden), "loss": {"type": "ener"}}
    script |= {"learning_rate": rate, "training": training}
    Path("input.json").write_text(json.dumps(script))
    _dp("train", "input.json")
    _dp("freeze", "-o", f"{name}.pb")
    compressed = Path(f"{name}-compressed.pb")
    options = ["--step", str(golden.tables), "--extrapolate", "2"]
    _dp("compress", "-i", f"{name}.pb", "-o", str(compressed), *options)
    return [compressed]


def _dp(*arguments: str) -> None:
    dp = Path(sys.executable).with_name("dp")
    subprocess.run([dp, *arguments], check=True)


def _write_data(data: Path) -> None:
    (data / "set.000").mkdir(parents=True, exist_ok=True)
    positions, cell, types = structure("orthorhombic", 2)
    assert cell is not None
    rng = np.random.default_rng(7)
    order = np.argsort(types, kind="stable")
    jitter = rng.normal(scale=0.03, size=(8, *positions.shape))
    np.savetxt(data / "type.raw", types[order], fmt="%d")
    frames = {
        "coord": (positions[order] + jitter).reshape(8, -1),
        "box": np.tile(cell.ravel(), (8, 1)),
        "energy": rng.normal(-60.0, 1.0, (8, 1)),
        "force": rng.normal(0.0, 1.0, (8, positions.size)),
    }
    for key, values in frames.items():
        np.save(data / "set.000" / f"{key}.npy", values)


def _keep(file: Path) -> None:
    if file.suffix != ".pth":
        (HERE / file.name).write_bytes(file.read_bytes())
        return
    # Without the program, which no reader runs, and without the debug records,
    # which name the folders of the machine that wrote the file.
    with (
        zipfile.ZipFile(file) as source,
        zipfile.ZipFile(HERE / file.name, "w") as target,
    ):
        for member in source.infolist():
            if member.filename.endswith(".debug_pkl"):
                continue
            program = "/code/" in member.filename
            target.writestr(member, b"" if program else source.read(member))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="models to rebuild, all if left out")
    parser.add_argument("--tensorflow", help="python with deepmd-kit and TensorFlow")
    parser.add_argument("--graphs", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    names = arguments.names or list(CASES)
    if arguments.graphs:
        graphs(names)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        native(names)
        program = [arguments.tensorflow, Path(__file__).resolve(), "--graphs"]
        subprocess.run([*program, *names], check=True)


if __name__ == "__main__":
    main()
