"""Descriptors of v3: se_e2_a, se_e2_r, se_atten without attention, hybrids."""

from __future__ import annotations

from typing import Any

from ...errors import ModelFileError
from ...model import SeE2A, SeE2R
from ..statistics import per_neighbour_type
from ..tree import Tree, located
from .arrays import embedding_grid, excluded_pairs, reject_many_types
from .networks import embeddings
from .parts import Part
from .se_atten import se_atten
from .supported import (
    check_class,
    kind_of,
    reject_kind,
    reject_option,
    reject_unsupported,
)

_SUPPORTED = (
    "se_e2_a, se_e2_r, se_atten and se_atten_v2 without attention, and hybrids of these"
)
_DEEPEST = 16


def read_parts(tree: Tree, depth: int = 0) -> list[Part]:
    """The descriptors, those of a hybrid one after the other.

    Raises
    ------
    ModelFileError
        If the descriptor is not supported, or a value is missing or odd.
    """
    kind = kind_of(tree, "se_e2_a")
    if kind == "hybrid":
        check_class(tree, 1, "Descriptor")
        if depth == _DEEPEST:
            raise ModelFileError(f"{tree.place}: hybrids nested more than {depth} deep")
        parts = tree.branches("list")
        return [part for item in parts for part in read_parts(item, depth + 1)]
    reader = {
        "se_e2_a": _se_e2_a, "se_a": _se_e2_a, "se_e2_r": _se_e2_r, "se_r": _se_e2_r,
        "dpa1": se_atten, "se_atten": se_atten, "se_atten_v2": se_atten,
    }.get(kind)  # fmt: skip
    if reader is None:
        reject_kind(tree, kind, _SUPPORTED)
    reject_option(tree, "spin", "spin models are")
    for options in (tree, tree["env_mat"] if tree.has("env_mat") else tree):
        reject_option(options, "use_exp_switch", "the exponential switch is")
    return [reader(tree)]


def _se_e2_a(tree: Tree) -> Part:
    check_class(tree, 3, "Descriptor")
    sel = tree.integers("sel")
    reject_many_types(tree, "sel", len(sel))
    nets, one_sided = embeddings(tree), tree.flag("type_one_side")
    with located(tree.place):
        return Part(
            SeE2A(
                **_two_body(tree, sel, components=4),
                axis_neuron=tree.integer("axis_neuron"),
                embedding=embedding_grid(nets, len(sel), one_sided),
                normalisation=float(sum(sel)),
            )
        )


def _se_e2_r(tree: Tree) -> Part:
    check_class(tree, 3, "Descriptor")
    sel = tree.integers("sel")
    reject_many_types(tree, "sel", len(sel))
    nets = embeddings(tree)
    if not tree.flag("type_one_side", True):
        reject_unsupported(tree, "type_one_side", "false is not supported with se_e2_r")
    with located(tree.place):
        return Part(
            SeE2R(
                **_two_body(tree, sel, components=1),
                embedding=embedding_grid(nets, len(sel), one_sided=True),
                normalisation=5.0 * sum(sel),
            )
        )


def _two_body(tree: Tree, sel: list[int], components: int) -> dict[str, Any]:
    davg, dstd = tree.array("davg"), tree.array("dstd")
    return {
        "rcut": tree.number("rcut"),
        "rcut_smth": tree.number("rcut_smth"),
        "sel": tuple(sel),
        "davg": per_neighbour_type(davg, sel, "davg", 0.0, components),
        "dstd": per_neighbour_type(dstd, sel, "dstd", 1.0, components),
        "excluded": excluded_pairs(tree, "exclude_types", len(sel)),
        "env_protection": tree.number("env_protection", 0.0),
    }
