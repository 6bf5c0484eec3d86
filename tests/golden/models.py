"""The golden models: deepmd-kit's own classes filled with seeded random weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from deepmd.dpmodel.descriptor import DescrptSeA
from deepmd.dpmodel.fitting import EnergyFittingNet
from deepmd.dpmodel.model.ener_model import EnergyModel
from filling import randomise

ELEMENTS = ("O", "H", "Na")
CLOSE = ("orthorhombic", "tiny", "close")
PERIODIC = ("orthorhombic", "triclinic", "tiny", "open")


@dataclass(frozen=True)
class Golden:
    """One model, the formats it is written in and the structures it is run on.

    ``formats`` names files as `make.py` writes them; ``tables`` is the stride of
    the tables where the graph is compressed as well.
    """

    formats: tuple[str, ...]
    frames: tuple[str, ...] = ("orthorhombic", "open")
    n_types: int = 2
    one_sided: bool = True
    neuron: tuple[int, ...] = (4, 8)
    fitting: tuple[int, ...] = (10, 10)
    axis: int = 3
    rcut: float = 4.0
    rcut_smth: float = 1.8
    sel: tuple[int, ...] = (20, 24, 16)
    activations: tuple[str, str] = ("tanh", "tanh")
    resnet_dt: tuple[bool, bool] = (False, False)
    precision: str = "float64"
    excluded: tuple[tuple[int, int], ...] = ()
    protection: float = 0.0
    atom_ener: tuple[float | None, ...] = ()
    output: bool = False
    centred: bool = False
    tables: float = 0.0

    @property
    def parameters(self) -> tuple[int, int]:
        """How many frame and atomic parameters the model takes."""
        return 0, 0


DOUBLING = {"neuron": (4, 8, 16), "fitting": (12, 24, 24)}
SMALL = {"neuron": (6,), "fitting": (10,)}
TRAINABLE = {"neuron": (4, 6), "fitting": (10,)}
MODELS = {
    "plain": Golden(("dp", "pth", "pb"), PERIODIC, **DOUBLING),
    "three_types": Golden(
        ("dp", "pth", "pb"),
        ("triclinic", "open"),
        n_types=3,
        sel=(14, 14, 12),
        one_sided=False,
        axis=4,
        rcut=4.3,
        output=True,
        **SMALL,
    ),
    "one_type": Golden(
        ("dp", "yaml", "pb"),
        ("overflow", "open"),
        n_types=1,
        sel=(14,),
        neuron=(6, 12, 12),
    ),
    "float32": Golden(("dp", "pth", "pb"), precision="float32"),
    "excluded": Golden(
        ("dp", "pb"), one_sided=False, excluded=((0, 1),), resnet_dt=(True, True)
    ),
    "excluded_one_sided": Golden(("dp", "pb"), excluded=((1, 1),), **SMALL),
    "protected": Golden(
        ("dp", "pth"), excluded=((0, 1),), protection=0.3, resnet_dt=(True, True)
    ),
    "atom_ener": Golden(("dp", "pth", "pb"), atom_ener=(-1.5, -2.5)),
    "atom_ener_one": Golden(("dp",), atom_ener=(None, -2.5), **SMALL),
    "centred": Golden(("dp",), centred=True, rcut_smth=0.0),
    "relu": Golden(("dp", "pb"), activations=("relu6", "relu"), **SMALL),
    "sigmoid": Golden(("dp",), activations=("softplus", "sigmoid")),
    "gelu": Golden(("dp", "pb"), activations=("gelu", "gelu_tf"), **SMALL),
    "silu": Golden(("dp",), activations=("silu", "linear")),
    "silut": Golden(("dp",), activations=("silut", "silut:0.7"), **SMALL),
    "custom_silu": Golden(("dp",), activations=("custom_silu:0.4375", "none")),
}
TRAINED = {
    "trained": Golden(("pb",), CLOSE, one_sided=False, tables=0.1, **TRAINABLE),
    "trained_one_sided": Golden((), CLOSE, excluded=((0, 0),), tables=0.1, **TRAINABLE),
    "trained_float32": Golden((), precision="float32", tables=0.1, **TRAINABLE),
}


def definition(golden: Golden) -> dict[str, Any]:
    """The ``model`` section of a training script."""
    return {
        "type_map": list(ELEMENTS[: golden.n_types]),
        "descriptor": {
            "type": "se_e2_a",
            "rcut": golden.rcut,
            "rcut_smth": golden.rcut_smth,
            "sel": list(golden.sel[: golden.n_types]),
            "neuron": list(golden.neuron),
            "axis_neuron": golden.axis,
            "type_one_side": golden.one_sided,
            "resnet_dt": golden.resnet_dt[0],
            "activation_function": golden.activations[0],
            "precision": golden.precision,
            "exclude_types": [list(pair) for pair in golden.excluded],
            "env_protection": golden.protection,
            "seed": 1,
        },
        "fitting_net": {
            "type": "ener",
            "neuron": list(golden.fitting),
            "resnet_dt": golden.resnet_dt[1],
            "activation_function": golden.activations[1],
            "precision": golden.precision,
            "atom_ener": list(golden.atom_ener),
            "seed": 2,
        },
    }


def build(name: str) -> dict[str, Any]:
    """The file contents of a golden model, as deepmd-kit's serializers take them."""
    golden = MODELS[name]
    rng = np.random.default_rng(sum(name.encode()))
    script = definition(golden)
    descriptor = {k: v for k, v in script["descriptor"].items() if k != "type"}
    fitting = {k: v for k, v in script["fitting_net"].items() if k != "type"}
    describe = DescrptSeA(**descriptor)
    fit = EnergyFittingNet(
        golden.n_types, describe.get_dim_out(), mixed_types=False, **fitting
    )
    model = EnergyModel(describe, fit, type_map=script["type_map"]).serialize()
    _fill(model, golden, descriptor["sel"], rng)
    return {
        "model": model,
        "model_def_script": script,
        "@variables": {"min_nbor_dist": np.array(0.95)},
    }


def _fill(
    model: dict[str, Any], golden: Golden, sel: list[int], rng: np.random.Generator
) -> None:
    descriptor, fitting = model["descriptor"], model["fitting"]
    real = np.dtype(golden.precision)
    for net in descriptor["embeddings"]["networks"]:
        randomise(net, rng, real, first=1.0, last=1.0)
    for net in fitting["nets"]["networks"]:
        randomise(net, rng, real, first=4.0, last=3.0)
    n = len(sel)
    mean = np.zeros((n, n, 4))
    deviation = np.ones((n, n, 4))
    if not golden.centred:
        mean[:, :, 0] = rng.uniform(0.05, 0.3, (n, n))
        deviation[:, :, 0] = rng.uniform(0.15, 0.3, (n, n))
        deviation[:, :, 1:] = rng.uniform(0.15, 0.3, (n, n, 1))
    slots = descriptor["@variables"]
    slots["davg"] = np.repeat(mean, sel, axis=1).astype(real)
    slots["dstd"] = np.repeat(deviation, sel, axis=1).astype(real)
    bias = rng.uniform(-5, -1, (n, 1))
    for t, energy in enumerate(golden.atom_ener):
        bias[t] = bias[t] if energy is None else energy
    fitting["@variables"]["bias_atom_e"] = bias.astype(real)
    if golden.output:
        model["@variables"]["out_bias"] = rng.uniform(-3, 3, (1, n, 1))
        model["@variables"]["out_std"] = rng.uniform(0.5, 2, (1, n, 1))
