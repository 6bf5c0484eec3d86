"""Nets with some of their inputs fixed: type embeddings become nets by type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Doubles
from ..errors import ModelFileError
from ..model import Layer, Net, Parameters

_MOST_NUMBERS = 2**24


def fix_inputs(net: Net, first: int, values: ArrayLike) -> Net:
    """The net as a function of its other inputs, which keep their order.

    Parameters
    ----------
    net : n_in inputs
    first : the place of the first fixed input
    values : (k,) of the inputs first … first + k − 1

    Returns
    -------
    a net of n_in − k inputs; its weights are views of the net's where they can be

    Raises
    ------
    ModelFileError
        If the net has no such inputs.
    """
    fixed = np.asarray(values, np.float64).reshape(-1)
    stop = first + fixed.size
    if not 0 <= first <= stop <= net.n_in:
        raise ModelFileError(
            f"a net takes {net.n_in} inputs, expected at least {stop}: the type "
            "embedding does not fit it"
        )
    if not fixed.size:
        return net
    layer = net.layers[0]
    weight = layer.weight
    if layer.skip != "none":
        return Net((_insertion(net.n_in, first, fixed), *net.layers))
    bias = layer.bias + fixed @ weight[first:stop].astype(np.float64)
    if first == 0:
        free = weight[stop:]
    elif stop == net.n_in:
        free = weight[:first]
    else:
        free = np.concatenate([weight[:first], weight[stop:]])
    return Net((replace(layer, weight=free, bias=bias), *net.layers[1:]))


def reject_many(net: Net, count: int) -> None:
    """Refuse to make so many nets of one that their numbers would fill the memory.

    Raises
    ------
    ModelFileError
        If they have more numbers than those of all pairs of all elements would.
    """
    if count * max(net.widths) > _MOST_NUMBERS:
        raise ModelFileError(
            f"{count} pairs of types with {max(net.widths)} channels each are more "
            "than any model has; the file is damaged"
        )


def _insertion(n_in: int, first: int, fixed: Doubles) -> Layer:
    """x → x with the fixed values put in: for a first layer that adds its input."""
    stop = first + fixed.size
    free = np.r_[0:first, stop:n_in]
    weight = np.zeros((free.size, n_in))
    weight[np.arange(free.size), free] = 1.0
    bias = np.zeros(n_in)
    bias[first:stop] = fixed
    return Layer(weight, bias, "linear")


def vacuum_net(net: Net, n_descriptor: int) -> Net:
    """The net without neighbours (D = 0), a function of the parameters behind D."""
    return fix_inputs(net, 0, np.zeros(n_descriptor))


def vacuum(
    nets: Sequence[Net],
    removed: Sequence[bool],
    n_descriptor: int,
    parameters: Sequence[Parameters | None],
) -> tuple[Doubles, tuple[Net | None, ...]]:
    """What ``atom_ener`` takes off: constants (n_types,) eV, and nets.

    Parameters
    ----------
    nets : by type, for the inputs (D, parameters)
    removed : by type, whether the energy without neighbours is taken off
    parameters : of the frame and of the atoms

    Returns
    -------
    constants : net(0) of the types concerned, if there are no parameters
    nets : for `Model.vacuum`, if there are; empty otherwise
    """
    constants = np.zeros(len(nets))
    if not any(removed):
        return constants, ()
    if any(p is not None for p in parameters):
        found = [
            vacuum_net(net, n_descriptor) if off else None
            for net, off in zip(nets, removed, strict=True)
        ]
        return constants, tuple(found)
    for t, (net, off) in enumerate(zip(nets, removed, strict=True)):
        if off:
            with np.errstate(all="ignore"):
                constants[t] = net(np.zeros((1, net.n_in)))[0, 0]
    return constants, ()
