"""Graphs that only TensorFlow's trainer writes: trained for a few steps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from families import Family, hybrid, pair_potential, se_a, se_atten, se_r, section
from structures import structure

TYPES = {"neuron": [4, 8], "seed": 5, "resnet_dt": True}
BOTH = {"numb_fparam": 2, "numb_aparam": 1, "atom_ener": [-3.0, -1.5]}
SMALL = {"neuron": [3, 6], "type_one_side": False}


def _atten(kind: str = "se_atten", **keys: Any) -> dict[str, Any]:
    descriptor = se_atten(kind, **{"type_one_side": False, **keys})
    del descriptor["tebd_dim"]
    return descriptor


def _trained(descriptor: dict[str, Any], *formats: str, **keys: Any) -> Family:
    return Family(formats, section(descriptor, **keys), ("orthorhombic", "open"))


# "pb" keeps the frozen graph, "compressed" the one with tables.
TRAINED_FAMILIES = {
    "trained_se_r": _trained(se_r(**SMALL | {"exclude_types": [[0, 1]]}), "compressed"),
    "trained_hybrid": _trained(
        hybrid(
            se_a(neuron=[3, 6], type_one_side=True),
            se_r(neuron=[3, 3], rcut=5.0, sel=[34, 36]),
        ),
        "compressed",
    ),
    "trained_typed": _trained(se_a(exclude_types=[[0, 1]]), "pb", type_embedding=TYPES),
    "trained_typed_two_sided": _trained(
        se_a(type_one_side=False, resnet_dt=True),
        "pb",
        type_embedding=TYPES,
        fitting=BOTH,
    ),
    "trained_typed_strip": _trained(
        {**se_a(neuron=[3, 6], type_one_side=False), "type": "se_a_ebd_v2"},
        "compressed",
        type_embedding=TYPES,
    ),
    "trained_atten": _trained(_atten(set_davg_zero=True), "pb", type_embedding=TYPES),
    "trained_atten_centred": _trained(
        _atten(set_davg_zero=False, type_one_side=True, exclude_types=[[0, 1]]),
        "pb",
        type_embedding=TYPES,
    ),
    "trained_atten_strip": _trained(
        _atten(tebd_input_mode="strip", exclude_types=[[1, 1]], neuron=[3, 6]),
        "compressed",
        type_embedding=TYPES,
    ),
    "trained_atten_v2": _trained(
        _atten("se_atten_v2", set_davg_zero=True, neuron=[3, 6]), "pb", "compressed"
    ),
    "trained_srtab": _trained(
        se_a(neuron=[3, 6]),
        "pb",
        use_srtab="table.txt",
        smin_alpha=0.1,
        sw_rmin=0.8,
        sw_rmax=1.7,
    ),
}


def train(name: str, model: dict[str, Any], steps: int) -> Path:
    """Train and freeze in the present folder: ``NAME.pb``."""
    write_data(Path("data"))
    pair_potential("table.txt")
    training = {
        "training_data": {"systems": ["data"], "batch_size": 1},
        "numb_steps": steps,
        "seed": 3,
    }
    rate = {"type": "exp", "start_lr": 0.01, "stop_lr": 1e-3, "decay_steps": 50}
    script = {"model": model, "loss": {"type": "ener"}}
    script |= {"learning_rate": rate, "training": training}
    Path("input.json").write_text(json.dumps(script))
    _dp("train", "input.json")
    _dp("freeze", "-o", f"{name}.pb")
    return Path(f"{name}.pb")


def compress(model: Path, step: float) -> Path:
    """A graph or archive with tables of this stride: ``NAME-compressed.…``."""
    compressed = model.with_stem(f"{model.stem}-compressed")
    backend = "--pt" if model.suffix == ".pth" else "--tf"
    options = ["--step", str(step), "--extrapolate", "2"]
    _dp(backend, "compress", "-i", str(model), "-o", str(compressed), *options)
    return compressed


def _dp(*arguments: str) -> None:
    dp = Path(sys.executable).with_name("dp")
    subprocess.run([dp, *arguments], check=True)


def write_data(data: Path) -> None:
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
        "fparam": rng.uniform(0.5, 2.0, (8, 2)),
        "aparam": rng.uniform(0.5, 2.0, (8, len(types))),
    }
    for key, values in frames.items():
        np.save(data / "set.000" / f"{key}.npy", values)
