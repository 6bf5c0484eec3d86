"""Fitting nets of v3, each as a function of one type's descriptor and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...array_types import Doubles
from ...errors import ModelFileError
from ...model import Net, Parameters
from ..constant_inputs import fix_inputs, vacuum
from ..tree import Tree, located
from .arrays import energies_by_type
from .networks import networks
from .parts import Part
from .supported import (
    check_class,
    kind_of,
    reject_kind,
    reject_option,
    reject_training_input,
)
from .tensorflow import fitting_net

Constants = Sequence[tuple[int, Doubles]]


@dataclass(frozen=True)
class Fitting:
    """The fields of a `Model` that the fitting alone determines; `bias` in eV."""

    nets: tuple[Net, ...]
    bias: Doubles
    vacuum: tuple[Net | None, ...]
    fparam: Parameters | None
    aparam: Parameters | None


def read_fitting(
    tree: Tree, parts: Sequence[Part], tensorflow: bool = False
) -> Fitting:
    """The fitting behind these descriptors.

    Parameters
    ----------
    tensorflow : whether of deepmd-kit's programs only TensorFlow evaluates them

    Raises
    ------
    ModelFileError
        If it is not supported, or a value is missing or odd.
    """
    kind = kind_of(tree, "ener")
    if kind != "ener":
        reject_kind(tree, kind, "energy models (ener)")
    if not tree.has("nets"):
        reject_training_input(tree, "nets")
    check_class(tree, 4, "Fitting")
    _reject_unsupported(tree)
    n_types = parts[0].descriptor.n_types
    n_descriptor = sum(part.descriptor.n_out for part in parts)
    found = networks(tree["nets"])
    if tensorflow:
        found = tuple(fitting_net(net) for net in found)
    mixed = tree.flag("mixed_types", len(found) == 1)
    if len(found) != (1 if mixed else n_types):
        tree.reject("nets", f"{1 if mixed else n_types} networks", found)
    if mixed:
        found *= n_types
    fparam, aparam = _parameters(tree, "fparam"), _parameters(tree, "aparam")
    case = _case(tree)
    removed = _removed(tree, n_types, mixed)
    with located(tree.place):
        constants = [_constants(parts, t) for t in range(n_types)]
        nets = _fixed(found, constants, case)
        empty = [[(first, np.zeros_like(v)) for first, v in c] for c in constants]
        without, vacuum_nets = vacuum(
            _fixed(found, empty, case), removed, n_descriptor, (fparam, aparam)
        )
    bias = energies_by_type(tree, "bias_atom_e", n_types) - without
    return Fitting(nets, bias, vacuum_nets, fparam, aparam)


def _reject_unsupported(tree: Tree) -> None:
    for key, meaning in (
        ("use_aparam_as_mask", "atomic parameters that mask atoms are"),
        ("tot_ener_zero", "total energies shifted to zero are"),
        ("spin", "spin models are"),
    ):
        reject_option(tree, key, meaning)


def _constants(parts: Sequence[Part], centre: int) -> list[tuple[int, Doubles]]:
    """First place and values of the constant inputs, the last ones first."""
    found, first = [], 0
    for part in parts:
        first += part.descriptor.n_out
        if part.constants is not None:
            found.append((first, part.constants[centre]))
            first += part.constants.shape[1]
    return found[::-1]


def _case(tree: Tree) -> Doubles:
    """The inputs, behind all others, that name the branch of a multi-task training."""
    count = tree.integer("dim_case_embd", 0)
    if not count:
        return np.zeros(0)
    values = tree.array("case_embd").reshape(-1)
    if values.size != count:
        tree.reject("case_embd", f"{count} numbers", values)
    return values.astype(np.float64)


def _fixed(
    nets: Sequence[Net], constants: Sequence[Constants], case: Doubles
) -> tuple[Net, ...]:
    """One net a type, shared as in the file if no type has constants of its own."""
    cases = {id(net): fix_inputs(net, net.n_in - case.size, case) for net in nets}
    found = []
    for net, fixed in zip(nets, constants, strict=True):
        result = cases[id(net)]
        for first, values in fixed:
            result = fix_inputs(result, first, values)
        found.append(result)
    return tuple(found)


def _parameters(tree: Tree, name: str) -> Parameters | None:
    count = tree.integer(f"numb_{name}", 0)
    if not count:
        return None
    mean, scale = tree.array(f"{name}_avg"), tree.array(f"{name}_inv_std")
    for key, values in ((f"{name}_avg", mean), (f"{name}_inv_std", scale)):
        if values.size != count:
            raise ModelFileError(
                f"{tree.where(key)}: expected {count} numbers, got shape {values.shape}"
            )
    default = tree.raw(f"default_{name}", None)
    if default is not None:
        default = np.array(tree.numbers(f"default_{name}"))
    with located(tree.where(f"numb_{name}")):
        return Parameters(mean, scale, default)


def _removed(tree: Tree, n_types: int, mixed: bool) -> list[bool]:
    """By type, whether the energy of an atom without neighbours is taken off."""
    if tree.has("remove_vaccum_contribution"):
        flags = tree.raw("remove_vaccum_contribution")
        if not isinstance(flags, list) or not all(isinstance(f, bool) for f in flags):
            tree.reject("remove_vaccum_contribution", "a list of true or false", flags)
    else:
        energies = tree.raw("atom_ener", None) or []
        if not isinstance(energies, list):
            tree.reject("atom_ener", "a list", energies)
        flags = [energy is not None for energy in energies]
        if not any(flags):
            return [False] * n_types
    if mixed:
        return [True] * n_types
    return [t >= len(flags) or flags[t] for t in range(n_types)]
