"""Which scripted classes are supported, by the last part of their names."""

from __future__ import annotations

from ...errors import ModelFileError
from ..tree import Tree
from ..version3 import USE_DEEPMD
from .records import Instance

_NAMES = {
    "DescrptSeR": "se_e2_r",
    "DescrptSeT": "se_e3",
    "DescrptSeTTebd": "se_e3_tebd",
    "DescrptHybrid": "hybrid",
    "DescrptDPA1": "dpa1 (se_atten)",
    "DescrptSeAttenV2": "se_atten_v2",
    "DescrptDPA2": "dpa2",
    "DescrptDPA3": "dpa3",
    "DPZBLModel": "zbl",
    "LinearEnergyModel": "linear",
    "DipoleModel": "dipole",
    "PolarModel": "polar",
    "DOSModel": "dos",
    "PropertyModel": "property",
    "SpinEnergyModel": "spin",
    "EnergyFittingNetDirect": "direct_force_ener",
}


def class_name(tree: Tree) -> str:
    """The name of the object's class without its module."""
    value = tree.value
    return value.kind.rpartition(".")[2] if isinstance(value, Instance) else ""


def reject_class(tree: Tree, role: str, supported: tuple[str, ...]) -> None:
    """Refuse an object of any other class than those supported."""
    name = class_name(tree)
    if name not in supported:
        if not name:
            raise ModelFileError(
                f"{tree.place or 'data.pkl'}: holds no object of deepmd-kit, expected "
                f"a scripted {role}; give a model that dp --pt freeze wrote"
            )
        shown = _NAMES.get(name, ascii(name[:60]))
        raise ModelFileError(
            f"{tree.place or 'model'}: the {role} {shown} is not supported, only "
            f"se_e2_a energy models; {USE_DEEPMD}"
        )
