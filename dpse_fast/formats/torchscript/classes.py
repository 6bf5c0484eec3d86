"""Scripted objects of deepmd-kit v3 in the terms of its native dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ModelFileError
from ..other_outputs import why_not
from ..other_programs import REMEDY, program_of
from ..tree import Tree, members_of
from ..version3 import SILENT_TYPES, USE_DEEPMD
from . import module_lists
from .records import Instance

_TYPES = {
    "DPEnergyAtomicModel": "standard",
    "DPAtomicModel": "standard",
    "EnergyModel": "standard",
    "DPZBLLinearEnergyAtomicModel": "zbl",
    "PairTabAtomicModel": "pairtab",
    "LinearEnergyAtomicModel": "linear",
    "DPDipoleAtomicModel": "dipole",
    "DPPolarAtomicModel": "polar",
    "DPDOSAtomicModel": "dos",
    "DPPropertyAtomicModel": "property",
    "DescrptSeA": "se_e2_a",
    "DescrptSeR": "se_e2_r",
    "DescrptHybrid": "hybrid",
    "DescrptDPA1": "dpa1",
    "DescrptSeAttenV2": "se_atten_v2",
    "DescrptSeT": "se_e3",
    "DescrptSeTTebd": "se_e3_tebd",
    "DescrptDPA2": "dpa2",
    "DescrptDPA3": "dpa3",
    "EnergyFittingNet": "ener",
    "EnergyFittingNetDirect": "direct_force_ener",
    "DipoleFittingNet": "dipole",
    "PolarFittingNet": "polar",
    "DOSFittingNet": "dos",
    "PropertyFittingNet": "property",
    "DPZBLModel": "zbl",
    "LinearEnergyModel": "linear",
    "DipoleModel": "dipole",
    "PolarModel": "polar",
    "DOSModel": "dos",
    "PropertyModel": "property",
    "SpinEnergyModel": "spin",
}
# The object inside that holds the numbers.
_INNER = {
    "DescrptSeA": "sea",
    "DescrptDPA1": "se_atten",
    "DescrptSeAttenV2": "se_atten",
    "TypeEmbedNet": "embedding",
}
_NAMES = {
    "atomic_model": "model",
    "fitting_net": "fitting",
    "descrpt_list": "list",
    "mean": "davg",
    "stddev": "dstd",
    "matrix": "w",
    "bias": "b",
    "smooth": "smooth_type_embedding",
    "emask": "exclude_types",
    "pair_excl": "pair_exclude_types",
    "atom_excl": "atom_exclude_types",
    "embedding_net": "embedding",
    "filter_layers_strip": "embeddings_strip",
}
# The atomic model that a scripted model is itself, until March 2024.
_ATOMIC = {
    "EnergyModel": "DPAtomicModel",
    "DPModel": "DPAtomicModel",
    "DPZBLModel": "DPZBLLinearAtomicModel",
    "ZBLModel": "DPZBLLinearAtomicModel",
}
_TRAINER = {"software": "deepmd-kit", "version": "3", "backend": "PyTorch"}
_PRERELEASE = {**_TRAINER, "version": "3 before its release (early 2024)"}
_COMPRESSED = ("compress", "geo_compress", "tebd_compress")


def native_members(value: Any) -> Mapping[str, Any]:
    """The members of a value under the names that the native dictionary has."""
    own = members_of(value)
    if not isinstance(value, Instance):
        return own
    name = class_of(value)
    if name in _INNER:
        own = {**own, **members_of(own.get(_INNER[name]))}
    renamed = {_NAMES[key]: item for key, item in own.items() if key in _NAMES}
    found = {**own, **renamed, "type": _TYPES.get(name, name)}
    if "filter_layers" in own:
        key = "nets" if "Fitting" in name else "embeddings"
        nets = own["filter_layers"] or own.get("filter_layers_old")
        listed = module_lists.collection(nets)
        found[key] = nets if listed is None else listed
    if name == "TypeEmbedNet":
        found.update(module_lists.types_without_padding(own) or {})
    if "fitting_net" in own:
        found[SILENT_TYPES] = members_of(own["fitting_net"]).get("emask")
    if "Fitting" in name:
        found["atom_ener"] = None  # remove_vaccum_contribution says what is used of it
    if "activate" in own:
        activate = members_of(own["activate"])
        found["activation_function"] = activate.get("activation")
    if any(key in own for key in _COMPRESSED):
        compressed = any(own.get(key) for key in _COMPRESSED)
        found["compress"] = own if compressed else None
    if name == "PairTabAtomicModel":
        found["tab"] = own
    if "atomic_model" in own:
        found.update(_TRAINER)
    elif name in _ATOMIC:
        found["model"] = Instance(_ATOMIC[name], dict(own))
        found.update(_PRERELEASE)
    return found


def class_of(value: Any) -> str:
    """The name of an object's class without its module, empty for other values.

    January 2024 put the fittings into a class called wrapper.
    """
    if not isinstance(value, Instance):
        return ""
    name = value.kind.rpartition(".")[2]
    if name == "wrapper" and "bias_atom_e" in value.members:
        direct = "filter_layers_dipole" in value.members
        return "EnergyFittingNetDirect" if direct else "EnergyFittingNet"
    return name


def reject_class(tree: Tree, role: str, supported: tuple[str, ...]) -> None:
    """Refuse an object of any other class than those supported."""
    name = class_of(tree.value)
    if name not in supported:
        if not name:
            raise ModelFileError(
                f"{tree.place or 'data.pkl'}: holds no object of deepmd-kit, expected "
                f"a scripted {role}; give a model that dp --pt freeze wrote"
            )
        shown = _TYPES.get(name, ascii(name[:60]))
        kind = str(getattr(tree.value, "kind", ""))
        program = program_of(kind)
        if (program, role) == (None, "model") and not _of_deepmd(kind, name):
            program = "another program"
        if program is not None:
            raise ModelFileError(
                f"a scripted model of {program} ({name[:60]!a}) is not read; {REMEDY}"
            )
        if (reason := why_not(shown)) is not None:
            raise ModelFileError(f"{tree.place or 'model'}: {reason}")
        raise ModelFileError(
            f"{tree.place or 'model'}: the {role} {shown} is not supported; "
            f"{USE_DEEPMD}"
        )


def _of_deepmd(kind: str, name: str) -> bool:
    return "deepmd" in kind or name in _TYPES
