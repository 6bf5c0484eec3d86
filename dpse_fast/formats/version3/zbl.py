"""The zbl model of v3: a standard model, and a pair table at short distances.

E = (1 − w)·E(deep) + w·E(pairs) + constants, with one w for each atom.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import ModelFileError
from ...model import Model, PairTable
from ..tree import Tree, located
from .arrays import energies_by_type, excluded_pairs
from .standard import included_types, list_size, read_standard
from .supported import check_class, kind_of
from .type_maps import arranged, order_of

_LEAST_SUM = 1e-20  # in PyTorch, of the denominator of the switch's softmin


def read_zbl(tree: Tree, pytorch: bool) -> Model:
    """The model, without what the file says about it.

    Parameters
    ----------
    tree : its dictionary
    pytorch : whether the file is evaluated by deepmd-kit's PyTorch code: there the
        constants ``out_bias`` of the two parts count, and the sum in the denominator
        of the switch has a least value; in its other code neither is so

    Raises
    ------
    ModelFileError
        If it is not supported, or a value is missing or odd.
    """
    check_class(tree, 2, "Model")
    names = tree.texts("type_map")
    n_types = len(names)
    parts = tree.branches("models")
    if [kind_of(part, "") for part in parts] != ["standard", "pairtab"]:
        tree.reject("models", "a standard and a pairtab model", tree.raw("models"))
    for part in parts:
        _reject_own_settings(part, pytorch)
    deep = arranged(read_standard(parts[0]), names, parts[0].place)
    constants = energies_by_type(tree, "out_bias", n_types)
    included = included_types(tree, n_types)
    table = _pair_table(tree, parts[1], names, deep, pytorch)
    excluded = excluded_pairs(tree, "pair_exclude_types", n_types)
    with located(tree.place):
        return replace(
            deep,
            bias=(deep.bias + constants) * included,
            scale=deep.scale * included,
            emptied=excluded,
            pair_table=replace(
                table,
                excluded=excluded,
                coefficients=table.coefficients * included[:, None, None, None],
                bias=(table.bias + constants) * included,
            ),
        )


def _reject_own_settings(part: Tree, pytorch: bool) -> None:
    for key in ("pair_exclude_types", "atom_exclude_types"):
        if part.raw(key, None):
            raise ModelFileError(
                f"{part.where(key)}: exclusions in one part of a zbl model are not "
                "supported; exclude them in the whole model"
            )
    biased = part.has("out_bias") and np.any(part.array("out_bias"))
    if biased and not pytorch:
        raise ModelFileError(
            f"{part.where('out_bias')}: constants in one part of a zbl model, which "
            "deepmd-kit's PyTorch code adds and its other code does not; give the "
            ".pth file"
        )


def _pair_table(
    tree: Tree, part: Tree, names: list[str], deep: Model, pytorch: bool
) -> PairTable:
    check_class(part, 2, "Model")
    tab = part["tab"]
    check_class(tab, 1, "PairTab")
    known = part.texts("type_map")
    order = order_of(names, known, part.place)
    info = tab.array("tab_info").reshape(-1)
    if info.size != 4:
        tab.reject("tab_info", "start, step, rows and types", info)
    start, step, rows, n_types = (float(value) for value in info)
    data = tab.array("tab_data")
    if n_types != len(known) or data.size != len(known) ** 2 * rows * 4:
        raise ModelFileError(
            f"{tab.where('tab_data')}: expected {len(known)} times {len(known)} tables "
            f"of {rows:.0f} rows of 4 coefficients, got shape {data.shape}"
        )
    cubic = data.reshape(len(known), len(known), -1, 4)[..., ::-1]
    rcut, inner = part.number("rcut"), tree.number("sw_rmin")
    size = _list_size(part)
    longer = size is None or size >= list_size(deep.descriptors)
    with located(part.place):
        return PairTable(
            start=start,
            step=step,
            coefficients=cubic[np.ix_(order, order)],
            rcut=rcut,
            switch_rcut=rcut if longer else _reach(deep),
            inner=inner,
            width=tree.number("sw_rmax") - inner,
            alpha=tree.number("smin_alpha"),
            least_sum=_LEAST_SUM if pytorch else 0.0,
            bias=energies_by_type(part, "out_bias", len(known))[order],
            sel=(size,) if longer and size is not None else (),
        )


def _reach(deep: Model) -> float:
    return max(d.rcut for d in deep.descriptors)


def _list_size(part: Tree) -> int | None:
    """How many neighbours the pair table's list holds; None if the file lacks it.

    The list with more slots is that of w too.
    """
    if not part.has("sel"):
        return None
    sel = part.raw("sel")
    return sum(part.integers("sel")) if isinstance(sel, list) else part.integer("sel")
