"""The golden models of every family but plain se_e2_a, as training scripts."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from filling import fill

Section = dict[str, Any]
PERIODIC = ("orthorhombic", "triclinic", "tiny", "open")


@dataclass(frozen=True)
class Family:
    """One model, the formats it is written in and the structures it is run on.

    ``centred`` and ``gain`` are those of `fill`. With ``inner_constants`` the parts
    of a zbl model have energies of their own, which only PyTorch adds.
    """

    formats: tuple[str, ...]
    model: Section
    frames: tuple[str, ...] = ("orthorhombic", "open")
    centred: bool = False
    gain: float = 4.0
    inner_constants: bool = False

    @property
    def n_types(self) -> int:
        return len(self.model["type_map"])

    @property
    def parameters(self) -> tuple[int, int]:
        """How many frame and atomic parameters the model takes."""
        fitting = self.model["fitting_net"]
        return fitting.get("numb_fparam", 0), fitting.get("numb_aparam", 0)


def _two_body(kind: str, **keys: Any) -> Section:
    common = {"rcut": 4.0, "rcut_smth": 1.8, "neuron": [4, 8], "seed": 1}
    return {"type": kind, **common, **keys}


def se_a(**keys: Any) -> Section:
    defaults = {"sel": [20, 24], "axis_neuron": 3, "type_one_side": True}
    return _two_body("se_e2_a", **defaults | keys)


def se_r(**keys: Any) -> Section:
    return _two_body("se_e2_r", **{"sel": [20, 24], "type_one_side": True} | keys)


def se_atten(kind: str = "dpa1", **keys: Any) -> Section:
    defaults = {"sel": 34, "axis_neuron": 3, "attn": 8, "attn_layer": 0, "tebd_dim": 4}
    return _two_body(kind, **defaults | keys)


def section(
    descriptor: Section, n_types: int = 2, fitting: Section | None = None, **keys: Any
) -> Section:
    defaults = {"type": "ener", "neuron": [10, 10], "resnet_dt": False, "seed": 2}
    return {
        "type_map": ["O", "H", "Na"][:n_types],
        "descriptor": descriptor,
        "fitting_net": defaults | (fitting or {}),
        **keys,
    }


def hybrid(*descriptors: Section) -> Section:
    return {"type": "hybrid", "list": list(descriptors)}


def _atten(
    formats: tuple[str, ...] = ("dp", "pth"),
    frames: tuple[str, ...] = ("orthorhombic", "open"),
    centred: bool = True,
    **keys: Any,
) -> Family:
    descriptor = se_atten(set_davg_zero=centred, **keys)
    return Family(formats, section(descriptor), frames, centred)


def _fitting(formats: tuple[str, ...], frames: tuple[str, ...], **keys: Any) -> Family:
    return Family(formats, section(se_a(), fitting=keys), frames)


def _zbl(
    formats: tuple[str, ...] = ("dp", "pth"), inner: bool = False, **keys: Any
) -> Family:
    # Only with descriptors whose neighbours share their slots.
    script = section(
        se_atten(set_davg_zero=True), use_srtab="table.txt", smin_alpha=0.1, **keys
    )
    frames = ("orthorhombic", "open", "close")
    return Family(formats, script, frames, centred=True, inner_constants=inner)


RADIAL = {"gain": 12.0}
WITH_DEFAULT = ("orthorhombic", "open", "default")
STRIP = {"tebd_input_mode": "strip"}
LONE = {"numb_fparam": 2, "numb_aparam": 1, "atom_ener": [-1.5, -2.5]}
FAMILIES = {
    "se_r": Family(("dp", "pth", "pb", "yaml"), section(se_r()), PERIODIC, **RADIAL),
    "se_r_three": Family(
        ("dp", "pth"),
        section(se_r(sel=[14, 14, 12], neuron=[4, 8, 8], resnet_dt=True), 3),
        **RADIAL,
    ),
    "se_r_overflow": Family(
        ("dp", "pb"), section(se_r(sel=[14]), 1), ("overflow", "open"), **RADIAL
    ),
    "se_r_excluded": Family(
        ("dp", "pth", "pb", "compressed"),
        section(se_r(exclude_types=[[0, 1]])),
        **RADIAL,
    ),
    "se_r_protected": Family(
        ("dp", "pth"), section(se_r(env_protection=0.3)), **RADIAL
    ),
    "se_r_float32": Family(
        ("dp", "pth", "pb"),
        section(se_r(precision="float32"), fitting={"precision": "float32"}),
        **RADIAL,
    ),
    "hybrid": Family(
        ("dp", "pth", "pb", "pte", "json"),
        section(hybrid(se_a(), se_r(rcut=5.0, sel=[34, 36]))),
        PERIODIC,
    ),
    "hybrid_angular": Family(
        ("dp", "pth"),
        section(
            hybrid(
                se_a(),
                se_a(
                    rcut=3.0,
                    rcut_smth=1.0,
                    sel=[12, 14],
                    axis_neuron=2,
                    neuron=[6],
                    type_one_side=False,
                ),
            )
        ),
    ),
    "fparam": _fitting(
        ("dp", "pth", "pb", "pt2"), ("orthorhombic", "open"), numb_fparam=2
    ),
    "aparam": _fitting(("dp", "pth"), ("orthorhombic", "open"), numb_aparam=1),
    "parameters": _fitting(
        ("dp", "pth"),
        WITH_DEFAULT,
        numb_fparam=2,
        numb_aparam=2,
        default_fparam=[0.8, 1.3],
    ),
    "lone_parameters": _fitting(("dp", "pth", "pb"), ("orthorhombic", "open"), **LONE),
    "lone_parameters_one": _fitting(
        ("dp", "pth"), ("open",), **LONE | {"atom_ener": [None, -2.5]}
    ),
    "pair_exclude": Family(("dp", "pth"), section(se_a(), pair_exclude_types=[[0, 1]])),
    "pair_exclude_radial": Family(
        ("dp", "pth"), section(se_r(), pair_exclude_types=[[1, 1]]), **RADIAL
    ),
    "atom_exclude": Family(("dp", "pth"), section(se_a(), atom_exclude_types=[1])),
    "fitting_exclude": _fitting(
        ("dp", "pth"), ("orthorhombic", "open"), exclude_types=[0]
    ),
    "davg_zero": Family(
        ("dp", "pth", "compressed"),
        section(se_a(set_davg_zero=True, exclude_types=[[0, 0]])),
        centred=True,
    ),
    "virtual": Family(("dp", "pth"), section(se_a()), ("virtual", "virtual_open")),
    "crowded": Family(("dp", "pth"), section(se_a(sel=[4, 20])), ("overflow", "open")),
    "shapes": _fitting(
        ("dp", "pth"), ("orthorhombic",), neuron=[5, 10, 20, 20, 7], resnet_dt=True
    ),
    "one_layer": _fitting(("dp", "pth"), ("orthorhombic",), neuron=[24]),
    "zbl": _zbl(sw_rmin=0.8, sw_rmax=1.7),
    "zbl_constants": _zbl(("pth",), inner=True, sw_rmin=0.8, sw_rmax=1.7),
    "zbl_excluded": _zbl(sw_rmin=0.7, sw_rmax=1.9, pair_exclude_types=[[0, 1]]),
    "dpa1": _atten(frames=PERIODIC),
    # TensorFlow takes no other value; without attention layers it has no effect.
    "dpa1_plain": _atten(("dp", "pth", "pb"), smooth_type_embedding=False),
    "dpa1_one_sided": _atten(
        type_one_side=True, concat_output_tebd=False, exclude_types=[[0, 1]]
    ),
    "dpa1_plain_one_sided": _atten(
        ("dp", "pb"),
        smooth_type_embedding=False,
        type_one_side=True,
        exclude_types=[[1, 1]],
    ),
    "dpa1_overflow": _atten(frames=("overflow", "open"), sel=18, neuron=[6, 6]),
    "dpa1_econf": _atten(use_econf_tebd=True, use_tebd_bias=True),
    "dpa1_strip": _atten(
        ("dp", "pth", "pte", "compressed"), centred=False, frames=PERIODIC, **STRIP
    ),
    "dpa1_strip_one_sided": _atten(
        centred=False, type_one_side=True, exclude_types=[[1, 1]], **STRIP
    ),
    "dpa1_strip_plain": _atten(
        ("dp", "pth", "pb"), smooth_type_embedding=False, **STRIP
    ),
    "dpa1_float32": Family(
        ("dp", "pth"),
        section(
            se_atten(set_davg_zero=True, precision="float32"),
            fitting={"precision": "float32"},
        ),
        centred=True,
    ),
    "se_atten_v2": _atten(kind="se_atten_v2", centred=False),
    "dpa1_hybrid": Family(
        ("dp", "pth"),
        section(
            hybrid(
                se_atten(set_davg_zero=True),
                se_a(rcut=3.0, rcut_smth=1.0, sel=[12, 14]),
            )
        ),
        centred=True,
    ),
}


def build_family(name: str, table: str) -> dict[str, Any]:
    """The file contents of a family's model, as deepmd-kit's serializers take them.

    `table` is the file with the pair potential of ``use_srtab``.
    """
    from deepmd.dpmodel.model.model import get_model

    family = FAMILIES[name]
    script = copy.deepcopy(family.model)
    given = copy.deepcopy(script)
    if "use_srtab" in given:
        given["use_srtab"] = table
    model = get_model(given).serialize()
    rng = np.random.default_rng(sum(name.encode()))
    fill(model, rng, family.centred, family.gain)
    if not family.inner_constants:
        for part in model.get("models", []):
            part["@variables"]["out_bias"] *= 0
    return {
        "model": model,
        "model_def_script": script,
        "@variables": {"min_nbor_dist": np.array(0.95)},
    }


def pair_potential(file: str) -> None:
    """Writes a repulsive table of two types for ``use_srtab``: r (Å), u (eV)."""
    r = 0.1 * np.arange(1, 41)
    decay = ((2.0, 30.0), (2.5, 15.0), (3.0, 8.0))
    columns = [b * np.exp(-a * r) / r * (1 - r / 4.0) ** 3 for a, b in decay]
    np.savetxt(file, np.column_stack([r, *columns]))
