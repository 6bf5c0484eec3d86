"""Rebuilds the golden files of the PyTorch code that preceded deepmd-kit v3.

    PYTHONPATH=DEEPMD_PYTORCH PYTORCH/bin/python early.py

DEEPMD_PYTORCH is a checkout of github.com/dptech-corp/deepmd-pytorch at 7960e7d
(December 2023) with a file ``deepmd_pt/_version.py`` that says ``version = "0"``. Its
models get random tensors, are scripted, and evaluate every frame.
"""

from __future__ import annotations

import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from structures import structure

HERE = Path(__file__).resolve().parent
FRAMES = ("orthorhombic", "triclinic", "tiny")
BLOCK = {"type": "se_atten", "rcut": 4.0, "rcut_smth": 0.6, "sel": 40,
         "neuron": [4, 8], "axis_neuron": 3, "attn_layer": 0}  # fmt: skip
SMALL = {**BLOCK, "rcut": 3.0, "sel": 30, "neuron": [5, 5]}
DESCRIPTORS: dict[str, dict[str, Any]] = {
    "early_atten": BLOCK,
    "early_hybrid": {"type": "hybrid", "hybrid_mode": "concat", "list": [BLOCK, SMALL]},
}


def random_tensors(model: Any) -> None:
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(0.4 * torch.randn_like(parameter))
        for name, buffer in model.named_buffers():
            values = torch.rand(2, 1, 4)
            if name.endswith("mean"):
                values[..., 1:] = 0
                buffer.copy_((0.1 * values).expand_as(buffer))
            elif name.endswith("stddev"):
                values[..., 2:] = values[..., 1:2]
                buffer.copy_((0.3 + 0.2 * values).expand_as(buffer))
            elif name.endswith("bias_atom_e"):
                buffer.copy_(torch.tensor([-3.25, -1.5]))


def reference(model: Any) -> dict[str, Any]:
    found = {}
    for name in FRAMES:
        positions, cell, kinds = structure(name, 2)
        x, kind = torch.tensor(positions)[None], torch.tensor(kinds)[None]
        result = model(x, kind, box=torch.tensor(cell).reshape(1, 9))
        frame = {"positions": positions, "cell": cell, "types": kinds,
                 "atomic_energies": result["atom_energy"].detach().numpy().ravel(),
                 "forces": result["force"].detach().numpy()[0]}  # fmt: skip
        found |= {f"{name}/{key}": value for key, value in frame.items()}
    return found


def save(model: Any, file: Path) -> None:
    """Without the program, which no reader runs."""
    torch.jit.script(model).save(str(file))
    with zipfile.ZipFile(file) as source:
        members = [(member, source.read(member)) for member in source.infolist()]
    with zipfile.ZipFile(file, "w") as target:
        for member, content in members:
            if not member.filename.endswith(".debug_pkl"):
                target.writestr(member, b"" if "/code/" in member.filename else content)


def main() -> None:
    sys.modules.setdefault("dpdata", types.ModuleType("dpdata"))
    from deepmd_pt.model.model.ener import EnergyModel

    torch.manual_seed(5)
    for name, descriptor in DESCRIPTORS.items():
        model = EnergyModel(
            descriptor=descriptor,
            fitting_net={"neuron": [6, 6], "resnet_dt": True},
            type_map=["O", "H"],
            type_embedding={"neuron": [3]},
            resuming=True,
        )
        random_tensors(model)
        model.eval()
        file = HERE / f"{name}.pth"
        np.savez_compressed(HERE / f"{name}.pth.npz", **reference(model))
        save(model, file)


if __name__ == "__main__":
    main()
