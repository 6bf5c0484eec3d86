"""Dictionaries of v3 that of deepmd-kit's programs only TensorFlow evaluates.

Two-sided se_e2_r is such a model, alone and in a hybrid. Its dictionary is written by
``dp convert-backend`` from a graph, and evaluated by converting it to a graph. So it
is read as what TensorFlow makes of it: float32 bounds in the switch function, excluded
blocks left out together with their empty slots, no selection of the nearest of all
types, residual connections of fitting nets between equal widths only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from ...errors import ModelFileError
from ...model import Net
from ..tree import Tree
from .supported import kind_of

Item = TypeVar("Item")
Grid = tuple[tuple[Item, ...], ...]
RADIAL = ("se_e2_r", "se_r")
_BY_TYPE = ("se_e2_a", "se_a", *RADIAL)
_MOST_PARTS = 1 << 10


def needs_tensorflow(descriptor: Tree) -> bool:
    """Whether two-sided se_e2_r is among the descriptors.

    Raises
    ------
    ModelFileError
        If another part is not read as TensorFlow evaluates it.
    """
    parts = _parts(descriptor)
    kinds = [kind_of(part, "se_e2_a") for part in parts]
    found = any(
        kind in RADIAL and part.raw("type_one_side", True) is False
        for kind, part in zip(kinds, parts, strict=True)
    )
    for kind, part in zip(kinds, parts, strict=True):
        if found and kind not in _BY_TYPE:
            raise ModelFileError(
                f"{part.where('type')}: {kind[:40]!a} beside two-sided se_e2_r is not "
                "read from this file; give the .pb file of the model"
            )
    return found


def _parts(descriptor: Tree) -> list[Tree]:
    waiting, found = [descriptor], list[Tree]()
    for _ in range(_MOST_PARTS):
        if not waiting:
            break
        tree = waiting.pop()
        if kind_of(tree, "se_e2_a") == "hybrid" and tree.has("list"):
            waiting += tree.branches("list")
        else:
            found.append(tree)
    return found


def block_options(
    rows: Grid[Any], options: dict[str, Any], radial_one_sided: bool
) -> tuple[Grid[Any], dict[str, Any]]:
    """Nets and options of a descriptor as TensorFlow evaluates them.

    One-sided se_e2_r masks its rows, so that an excluded slot gives G(0).
    """
    excluded = options["excluded"]
    options = {**options, "switch_float32": True}
    if radial_one_sided:
        davg = np.array(options["davg"])
        for pair in excluded:
            davg[pair] = 0
        return rows, {**options, "davg": davg}
    kept = tuple(
        tuple(None if (c, t) in excluded else net for t, net in enumerate(row))
        for c, row in enumerate(rows)
    )
    return kept, {**options, "excluded": frozenset()}


def fitting_net(net: Net) -> Net:
    """The same layers, which add their input after the first if the width stays."""
    layers = [
        replace(layer, skip="identity" if k and _adds(layer) else "none")
        for k, layer in enumerate(net.layers)
    ]
    return Net(tuple(layers))


def _adds(layer: Any) -> bool:
    return bool(layer.skip == "identity")
