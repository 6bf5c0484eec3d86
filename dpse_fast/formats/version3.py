"""What the files of deepmd-kit v3 (native and TorchScript) have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelFileError
from ..model import Layer, Net, Skip
from .tree import Tree

Array = NDArray[Any]
USE_DEEPMD = "evaluate it with deepmd-kit itself"


def dense_layer(
    weight: Array, bias: Array | None, idt: Array | None, activation: str, resnet: bool
) -> Layer:
    """A layer of a v3 network, hidden layers of the fitting net included.

    With ``resnet`` the input is added if the widths agree, and added twice side
    by side if the output is twice as wide.
    """
    if weight.ndim != 2:
        raise ModelFileError(f"expected a matrix of weights, got shape {weight.shape}")
    n_in, n_out = weight.shape
    skip: Skip = "none"
    if resnet and n_out == n_in:
        skip = "identity"
    elif resnet and n_out == 2 * n_in:
        skip = "double"
    if bias is None:
        bias = np.zeros(n_out, dtype=weight.dtype)
    return Layer(weight, bias, activation, idt, skip)


def embedding_grid(
    nets: Sequence[Net], n_types: int, one_sided: bool
) -> tuple[tuple[Net, ...], ...]:
    """Rows of centres, columns of neighbours, from the flat list of networks.

    One-sided lists count neighbours; two-sided ones centre + n_types·neighbour.
    """
    expected = n_types if one_sided else n_types**2
    if len(nets) != expected:
        raise ModelFileError(
            f"expected {expected} embedding networks for {n_types} types with "
            f"type_one_side {one_sided}, got {len(nets)}"
        )
    if one_sided:
        return (tuple(nets),) * n_types
    return tuple(
        tuple(nets[c + n_types * t] for t in range(n_types)) for c in range(n_types)
    )


def excluded_pairs(pairs: Sequence[Sequence[int]]) -> frozenset[tuple[int, int]]:
    """Both orders of every excluded pair of types."""
    return frozenset((a, b) for i, j in pairs for a, b in ((i, j), (j, i)))


def constant_energies(
    fitting: Sequence[Net],
    bias_atom_e: Array | None,
    out_bias: Array | None,
    remove_vacuum: Sequence[bool],
) -> Array:
    """The constant energy of each type in eV: the biases, minus net(0) if removed.

    `remove_vacuum` empty means never; beyond its end it means always.
    """
    n = len(fitting)
    total = np.zeros(n)
    for name, values in (("bias_atom_e", bias_atom_e), ("out_bias", out_bias)):
        if values is None:
            continue
        if values.size != n:
            raise ModelFileError(
                f"{name}: expected one energy for each of {n} types, "
                f"got shape {values.shape}"
            )
        total += values.reshape(n)
    for t, net in enumerate(fitting):
        if remove_vacuum and (t >= len(remove_vacuum) or remove_vacuum[t]):
            with np.errstate(all="ignore"):
                total[t] -= net(np.zeros((1, net.n_in)))[0, 0]
    return total


def reject_parameters(fitting: Tree) -> None:
    """Refuse fitting nets with inputs or a form beyond the descriptor."""
    for key, meaning in (
        ("numb_fparam", "frame parameters (fparam)"),
        ("numb_aparam", "atomic parameters (aparam)"),
        ("dim_case_embd", "a case embedding of a multi-task training"),
    ):
        value = fitting.raw(key, 0)
        if value not in (0, None):
            raise ModelFileError(
                f"{fitting.where(key)}: a model with {meaning} is not supported; "
                f"{USE_DEEPMD}"
            )
    if fitting.raw("mixed_types", False):
        raise ModelFileError(
            f"{fitting.where('mixed_types')}: one fitting net for all types "
            f"is not supported with se_e2_a; {USE_DEEPMD}"
        )
    if fitting.raw("exclude_types", None):
        raise ModelFileError(
            f"{fitting.where('exclude_types')}: a model that excludes atom types "
            f"is not supported; {USE_DEEPMD}"
        )


def shortest_distance(value: float) -> float | None:
    """The trained minimum distance in Å; deepmd-kit writes −1 for unknown."""
    return None if value < 0 else value
