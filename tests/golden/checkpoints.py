"""Rebuilds the golden checkpoints (.pt) with deepmd-kit's PyTorch trainer.

    PYTORCH/bin/python checkpoints.py

trains each model for a few steps (README.md names the environment) and stores
``NAME.pt.npz``: for each branch what PyTorch computes with its tensors.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
from structures import structure

HERE = Path(__file__).resolve().parent
FRAMES = ("orthorhombic", "triclinic", "tiny", "overflow")
SE_A = {"type": "se_e2_a", "rcut": 4.0, "rcut_smth": 0.6, "sel": [7, 9],
        "neuron": [4, 8], "axis_neuron": 3, "seed": 1}  # fmt: skip
SE_R = {"type": "se_e2_r", "rcut": 3.2, "rcut_smth": 0.4, "sel": [5, 8],
        "neuron": [5, 5], "resnet_dt": True, "seed": 2}  # fmt: skip
MIXED = {"type": "se_atten", "rcut": 4.0, "rcut_smth": 0.6, "sel": 40, "attn_layer": 0,
         "neuron": [4, 8], "axis_neuron": 3, "tebd_dim": 3, "seed": 3}  # fmt: skip
FITTING = {"neuron": [6, 6], "seed": 1}
TYPES = ["O", "H"]

SINGLE: dict[str, Any] = {
    "checkpoint": {
        "descriptor": {"type": "hybrid", "list": [SE_A, SE_R]},
        "fitting_net": {**FITTING, "numb_fparam": 1, "atom_ener": [-1.5, None]},
    },
    "checkpoint_zbl": {
        "use_srtab": "table.txt", "sw_rmin": 0.8, "sw_rmax": 1.6, "smin_alpha": 0.3,
        "descriptor": {**MIXED, "tebd_input_mode": "strip",
                       "smooth_type_embedding": True, "set_davg_zero": False},
        "fitting_net": FITTING,
        "pair_exclude_types": [[0, 1]],
    },
}  # fmt: skip
SEVERAL: dict[str, Any] = {
    "shared_dict": {"types": TYPES, "shared": MIXED},
    "model_dict": {
        "water": {"type_map": "types", "descriptor": "shared", "fitting_net": FITTING},
        "ice": {"type_map": "types", "descriptor": "shared",
                "fitting_net": {"neuron": [5], "activation_function": "silu"}},
    },
}  # fmt: skip


def write_data(folder: Path) -> None:
    (folder / "set.000").mkdir(parents=True)
    positions, cell, types = structure("orthorhombic", 2)
    assert cell is not None
    rng = np.random.default_rng(7)
    frames = {
        "coord": (positions + rng.normal(0, 0.03, (4, *positions.shape))).reshape(
            4, -1
        ),
        "box": np.tile(cell.ravel(), (4, 1)),
        "energy": rng.normal(-60.0, 1.0, (4, 1)),
        "force": rng.normal(0.0, 1.0, (4, positions.size)),
        "fparam": rng.normal(0.5, 1.0, (4, 1)),
    }
    np.savetxt(folder / "type.raw", types, fmt="%d")
    (folder / "type_map.raw").write_text("\n".join(TYPES) + "\n")
    for key, values in frames.items():
        np.save(folder / "set.000" / f"{key}.npy", values)


def write_table(file: Path) -> None:
    r = 0.05 * np.arange(1, 61)
    columns = [strength * np.exp(-1.5 * r) / r for strength in (3.0, 2.0, 1.0)]
    np.savetxt(file, np.column_stack([r, *columns]))


def train(name: str, model: dict[str, Any]) -> Path:
    loss = {"type": "ener"}
    data = {"training_data": {"systems": ["data"], "batch_size": 1}}
    training: dict[str, Any] = {"numb_steps": 3, "seed": 1, "save_freq": 3,
                                "save_ckpt": name}  # fmt: skip
    script: dict[str, Any] = {
        "model": model,
        "learning_rate": {"type": "exp", "start_lr": 0.01, "stop_lr": 1e-3,
                          "decay_steps": 2},
        "training": training,
    }  # fmt: skip
    heads = model.get("model_dict")
    if heads:
        script["loss_dict"] = dict.fromkeys(heads, loss)
        training["model_prob"] = dict.fromkeys(heads, 0.5)
        training["data_dict"] = dict.fromkeys(heads, data)
    else:
        script["loss"] = loss
        training.update(data)
    Path("input.json").write_text(json.dumps(script))
    command = [Path(sys.executable).with_name("dp"), "--pt", "train", "input.json"]
    subprocess.run([*command, "--skip-neighbor-stat"], check=True)
    return Path(f"{name}-3.pt")


def reference(file: Path) -> dict[str, Any]:
    """What the trainer's own model computes, by branch, frame and quantity."""
    import torch
    from deepmd.pt.model.model import get_model

    state = torch.load(file, map_location="cpu", weights_only=True)["model"]
    options = state["_extra_state"]["model_params"]
    found = {}
    for head, option in options.get("model_dict", {"Default": options}).items():
        model = get_model(deepcopy(option))
        prefix = f"model.{head}."
        model.load_state_dict(
            {k[len(prefix) :]: v for k, v in state.items() if k.startswith(prefix)}
        )
        model.eval()
        n_parameters = option["fitting_net"]["numb_fparam"]
        for name in FRAMES:
            positions, cell, types = structure(name, len(TYPES))
            fparam = 0.3 * np.ones(n_parameters)
            result = model(
                torch.tensor(positions)[None].requires_grad_(True),
                torch.tensor(types)[None],
                torch.tensor(cell).reshape(1, 9),
                fparam=torch.tensor(fparam)[None] if n_parameters else None,
            )
            frame = {
                "positions": positions, "cell": cell, "types": types, "fparam": fparam,
                "atomic_energies": result["atom_energy"].detach().numpy().ravel(),
                "forces": result["force"].detach().numpy()[0],
                "virial": result["virial"].detach().numpy().reshape(3, 3),
            }  # fmt: skip
            found |= {f"{head}/{name}/{key}": value for key, value in frame.items()}
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_data(Path("data"))
        write_table(Path("table.txt"))
        models = {name: {"type_map": TYPES, **part} for name, part in SINGLE.items()}
        for name, model in {**models, "checkpoint_heads": SEVERAL}.items():
            file = train(name, model)
            np.savez_compressed(HERE / f"{name}.pt.npz", **reference(file))
            (HERE / f"{name}.pt").write_bytes(file.read_bytes())


if __name__ == "__main__":
    main()
