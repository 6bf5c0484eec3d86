"""Rebuilds the golden archives of deepmd-kit's PyTorch code before its release.

    PYTHONPATH=CHECKOUT PYTORCH/bin/python prerelease.py NAME

CHECKOUT holds the folder deepmd of github.com/deepmodeling/deepmd-kit at the commit
that `MODELS` states, with two files more: ``deepmd/_version.py`` that says
``version = __version__ = "0"``, and ``deepmd/lib/run_config.ini`` (beside an empty
``__init__.py``) of an installed deepmd-kit. The model gets random tensors, is
scripted, and evaluates every frame as the archive that is stored.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from early import save
from structures import structure

HERE = Path(__file__).resolve().parent
FRAMES = ("orthorhombic", "tiny", "open", "overflow")
ANGULAR = {"type": "se_e2_a", "rcut": 4.0, "rcut_smth": 0.6, "sel": [9, 15],
           "neuron": [4, 8], "axis_neuron": 3, "resnet_dt": True}  # fmt: skip
MIXED = {"type": "se_atten", "rcut": 4.0, "rcut_smth": 0.6, "sel": 26,
         "neuron": [4, 8], "axis_neuron": 3, "attn_layer": 0}  # fmt: skip
FITTING = {"neuron": [6, 6], "resnet_dt": True}
# The commit, then the descriptor and the fitting.
MODELS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "prerelease_january": ("f4d7c7e35", ANGULAR, FITTING),
    "prerelease_atten": ("930bc1a1e", MIXED, FITTING),
    "prerelease_two_sided": (
        "v3.0.0a0",
        {**ANGULAR, "type_one_side": False, "exclude_types": [[0, 1]]},
        {**FITTING, "numb_fparam": 2, "numb_aparam": 1, "atom_ener": [-1.0, None]},
    ),
    "prerelease_without_type": (
        "c55ceacf8",
        ANGULAR,
        {**FITTING, "exclude_types": [1]},
    ),
    "prerelease_hybrid": (
        "073f5593e",
        {"type": "hybrid", "list": [ANGULAR, MIXED]},
        FITTING,
    ),
}


def random_tensors(model: Any, centred: bool) -> None:
    generator = torch.Generator().manual_seed(3)

    def uniform(*shape: int) -> Any:
        return torch.rand(shape, generator=generator, dtype=torch.float64)

    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(uniform(*parameter.shape) - 0.5)
        for name, buffer in model.named_buffers():
            if name.endswith("mean") and buffer.ndim == 3:
                values = torch.zeros(len(buffer), 1, 4, dtype=torch.float64)
                values[..., 0] = 0.0 if centred else 0.1 * uniform(len(buffer), 1)
                buffer.copy_(values.expand_as(buffer))
            elif name.endswith("stddev") and buffer.ndim == 3:
                values = 0.1 + 0.1 * uniform(len(buffer), 1, 4)
                values[..., 2:] = values[..., 1:2]
                buffer.copy_(values.expand_as(buffer))
            elif name.endswith(("bias_atom_e", "out_bias", "_avg", "_inv_std")):
                buffer.copy_(1 + uniform(*buffer.shape))


def reference(model: Any, fitting: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name in FRAMES:
        positions, cell, kinds = structure(name, 2)
        counts = [fitting.get(f"numb_{key}", 0) for key in ("fparam", "aparam")]
        fparam = np.linspace(0.3, 0.9, counts[0])
        aparam = np.linspace(0.1, 1, len(kinds) * counts[1]).reshape(len(kinds), -1)
        given = {"fparam": fparam, "aparam": aparam} if any(counts) else {}
        result = model(
            torch.tensor(positions)[None],
            torch.tensor(kinds)[None],
            box=None if cell is None else torch.tensor(cell).reshape(1, 9),
            **{key: torch.tensor(values)[None] for key, values in given.items()},
        )
        frame = {
            "positions": positions,
            "cell": np.empty((0, 3)) if cell is None else cell,
            "types": kinds,
            "atomic_energies": result["atom_energy"].detach().numpy().ravel(),
            "forces": result["force"].detach().numpy()[0],
            **given,
        }
        found |= {f"{name}/{key}": values for key, values in frame.items()}
    return found


def main(name: str) -> None:
    from deepmd.pt.model.model import get_model

    _, descriptor, fitting = MODELS[name]
    params = {"type_map": ["O", "H"], "resuming": True}
    model = get_model(params | {"descriptor": descriptor, "fitting_net": fitting})
    random_tensors(model, centred=name.endswith(("atten", "hybrid")))
    model.eval()
    file = HERE / f"{name}.pth"
    scripted = torch.jit.script(model)
    np.savez_compressed(HERE / f"{name}.pth.npz", **reference(scripted, fitting))
    save(model, file)


if __name__ == "__main__":
    main(sys.argv[1])
