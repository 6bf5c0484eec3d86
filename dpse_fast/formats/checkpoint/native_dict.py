"""A branch of a checkpoint in the form of deepmd-kit's native dictionary."""

from __future__ import annotations

from typing import Any

from ..tree import LARGEST_COUNT, Tree
from .descriptor_dict import descriptor_dict
from .networks import count_nets, fitting_nets

Dictionary = dict[str, Any]
_SMIN_ALPHA = 0.1


def model_dict(options: Tree, tensors: Tree) -> Dictionary:
    """The dictionary of a model.

    Parameters
    ----------
    options : the model's part of the training input
    tensors : the attributes of its atomic model

    Returns
    -------
    the dictionary; of an unknown kind no more than its name

    Raises
    ------
    ModelFileError
        If an option or a tensor is missing or odd.
    """
    if options.raw("spin", None):
        return {"@class": "Model", "@version": 1, "type": "spin"}
    kind = options.text("type", "standard")
    if kind != "standard":
        return {"@class": "Model", "@version": 1, "type": kind}
    if options.has("use_srtab"):
        return _with_pair_table(options, tensors)
    return _standard(options, tensors)


def _standard(options: Tree, tensors: Tree) -> Dictionary:
    type_map = options.texts("type_map")
    descriptor = descriptor_dict(options["descriptor"], tensors["descriptor"], type_map)
    return {
        **_atomic(options, tensors),
        "type": "standard",
        "descriptor": descriptor,
        "fitting": _fitting(options, tensors, len(type_map)),
    }


def _with_pair_table(options: Tree, tensors: Tree) -> Dictionary:
    """The model that ``use_srtab`` asks for: a standard one and a table.

    The exclusions are those of the whole; the trainer passes no ``smin_alpha`` on.
    """
    deep, table = tensors.branches("models")
    none: Dictionary = {"pair_exclude_types": [], "atom_exclude_types": []}
    standard = _standard(options, deep)
    descriptor = standard["descriptor"]
    pairs = {
        **_atomic(options, table),
        **none,
        "type": "pairtab",
        "rcut": _reach(descriptor),
        "sel": sum(descriptor.get("sel", [])),
        "tab": _table(table, _reach(descriptor)),
    }
    return {
        **_atomic(options, tensors),
        "type": "zbl",
        "models": [{**standard, **none}, pairs],
        "sw_rmin": options.number("sw_rmin"),
        "sw_rmax": options.number("sw_rmax"),
        "smin_alpha": _SMIN_ALPHA,
    }


def _atomic(options: Tree, tensors: Tree) -> Dictionary:
    return {
        "@class": "Model",
        "@version": 2,
        "type_map": options.texts("type_map"),
        "pair_exclude_types": options.raw("pair_exclude_types", []),
        "atom_exclude_types": options.raw("atom_exclude_types", []),
        "@variables": {key: tensors.raw(key, None) for key in ("out_bias", "out_std")},
    }


def _reach(descriptor: Dictionary) -> float:
    parts = descriptor.get("list", [descriptor])
    return max(float(part.get("rcut", 0.0)) for part in parts)


def _table(table: Tree, rcut: float) -> Dictionary:
    numbers = table.array("tab_info")
    if numbers.shape != (4,):
        table.reject("tab_info", "four numbers", numbers)
    start, step, rows, n_types = (float(number) for number in numbers)
    return {
        "@class": "PairTab",
        "@version": 1,
        "rmin": start,
        "hh": step,
        "ntypes": int(n_types) if abs(n_types) < LARGEST_COUNT else -1,
        "nspline": int(rows) if abs(rows) < LARGEST_COUNT else -1,
        "rcut": rcut,
        "@variables": {key: table.raw(key) for key in ("tab_info", "tab_data")},
    }


def _fitting(model: Tree, atomic: Tree, n_types: int) -> Dictionary:
    """The dictionary of a fitting; of an unknown kind no more than its name."""
    if not model.has("fitting_net"):
        return {"@class": "Fitting", "@version": 1, "type": "none"}
    options = model["fitting_net"]
    kind = options.text("type", "ener")
    if kind != "ener":
        return {"@class": "Fitting", "@version": 1, "type": kind}
    excluded = model.raw("atom_exclude_types", [])
    tensors = atomic["fitting_net"]
    nets = tensors["filter_layers"]
    statistics = ("fparam_avg", "fparam_inv_std", "aparam_avg", "aparam_inv_std")
    variables = ("bias_atom_e", "case_embd", *statistics)
    return {
        "@class": "Fitting",
        "@version": 4,
        "type": "ener",
        "ntypes": n_types,
        "numb_fparam": options.integer("numb_fparam", 0),
        "numb_aparam": options.integer("numb_aparam", 0),
        "dim_case_embd": options.integer("dim_case_embd", 0),
        "default_fparam": options.raw("default_fparam", None),
        "use_aparam_as_mask": options.flag("use_aparam_as_mask", False),
        "tot_ener_zero": options.flag("tot_ener_zero", False),
        "atom_ener": options.raw("atom_ener", []),
        "exclude_types": options.raw("exclude_types", excluded),
        "mixed_types": count_nets(nets) < n_types,
        "nets": fitting_nets(nets, options.text("activation_function", "tanh")),
        "@variables": {key: tensors.raw(key, None) for key in variables},
    }
