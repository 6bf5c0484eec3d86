"""Descriptors of v3: se_e2_a, se_e2_r, se_atten without attention, hybrids."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
)
from .tensorflow import block_options

_SUPPORTED = (
    "se_e2_a, se_e2_r, se_atten and se_atten_v2 without attention, and hybrids of these"
)
_DEEPEST = 16


def read_parts(tree: Tree, tensorflow: bool = False, depth: int = 0) -> list[Part]:
    """The descriptors, those of a hybrid one after the other.

    Parameters
    ----------
    tensorflow : whether of deepmd-kit's programs only TensorFlow evaluates them

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
        items = tree.branches("list")
        parts = [read_parts(item, tensorflow, depth + 1) for item in items]
        return [part for some in parts for part in some]
    readers: dict[str, Callable[[Tree], Part]] = {
        "se_e2_a": partial(_se_e2_a, tensorflow=tensorflow),
        "se_a": partial(_se_e2_a, tensorflow=tensorflow),
        "se_e2_r": partial(_se_e2_r, tensorflow=tensorflow),
        "se_r": partial(_se_e2_r, tensorflow=tensorflow),
        "dpa1": se_atten,
        "se_atten": se_atten,
        "se_atten_v2": se_atten,
    }
    if kind not in readers:
        reject_kind(tree, kind, _SUPPORTED)
    reject_option(tree, "spin", "spin models are")
    for options in (tree, tree["env_mat"] if tree.has("env_mat") else tree):
        reject_option(options, "use_exp_switch", "the exponential switch is")
    return [readers[kind](tree)]


def _se_e2_a(tree: Tree, tensorflow: bool) -> Part:
    check_class(tree, 3, "Descriptor")
    sel = tree.integers("sel")
    reject_many_types(tree, "sel", len(sel))
    nets = embeddings(tree)
    one_sided = tree.flag("type_one_side", len(nets) == len(sel))
    with located(tree.place):
        rows = embedding_grid(nets, len(sel), one_sided)
        options = _two_body(tree, sel, components=4)
        if tensorflow:
            rows, options = block_options(rows, options, radial_one_sided=False)
        return Part(
            SeE2A(
                **options,
                axis_neuron=tree.integer("axis_neuron"),
                embedding=rows,
                normalisation=float(sum(sel)),
            )
        )


def _se_e2_r(tree: Tree, tensorflow: bool) -> Part:
    check_class(tree, 3, "Descriptor")
    sel = tree.integers("sel")
    reject_many_types(tree, "sel", len(sel))
    nets = embeddings(tree)
    one_sided = tree.flag("type_one_side", len(nets) == len(sel))
    with located(tree.place):
        rows = embedding_grid(nets, len(sel), one_sided)
        options = _two_body(tree, sel, components=1)
        if tensorflow:
            rows, options = block_options(rows, options, radial_one_sided=one_sided)
        return Part(SeE2R(**options, embedding=rows, normalisation=5.0 * sum(sel)))


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
