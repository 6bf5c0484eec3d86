"""Numbers of rows around the fitting nets, one thread a row."""

from __future__ import annotations

from ..layout import Floats, Ints
from ._cuda import WARP, kernel
from ._ptx import first_item, lane, pick, put


@kernel
def set_factors(
    begin: int, count: int, scale: float, shares: Floats, factors: Floats
) -> None:
    """What the gradients of a batch's nets are multiplied by.

    Parameters
    ----------
    begin, count : rows of the batch
    shares : (n,) of the nets in the energies, or (0,): all of it
    factors : (n,) modified
    """
    k = first_item() * WARP + lane()
    if k < count:
        share = 1.0
        if shares.size > 0:
            share = pick(shares, begin + k)
        put(factors, begin + k, scale * share)


@kernel
def finish_energies(
    begin: int,
    count: int,
    constant: float,
    vacuum: Floats,
    scale: float,
    bias: float,
    energies: Floats,
) -> None:
    """(output + constant − vacuum)·scale + bias of a batch's rows, eV.

    Parameters
    ----------
    vacuum : (n,) what the nets give without neighbours, or (0,): not taken off
    energies : (n,) modified
    """
    k = first_item() * WARP + lane()
    if k < count:
        output = pick(energies, begin + k) + constant
        if vacuum.size > 0:
            output -= pick(vacuum, begin + k)
        put(energies, begin + k, output * scale + bias)


@kernel
def finish_inputs(
    parameters: Floats,
    n_parameters: int,
    begin: int,
    count: int,
    inputs: Floats,
    stride: int,
    column: int,
) -> None:
    """Parameters behind a batch's descriptors, and zeros behind these.

    Parameters
    ----------
    parameters : (n · n_parameters,) float64
    inputs : (B · stride,) modified from ``column`` on
    """
    k = first_item() * WARP + lane()
    if k >= count:
        return
    real = inputs.dtype.type
    for m in range(stride - column):
        value = real(0)
        if m < n_parameters:
            value = real(pick(parameters, (begin + k) * n_parameters + m))
        put(inputs, k * stride + column + m, value)


@kernel
def gather_rows(values: Floats, width: int, order: Ints, out: Floats) -> None:
    """Numbers of atoms in the order of rows.

    Parameters
    ----------
    values : (N · width,) of atoms
    order : (n,) int32, the atom of each row
    out : (n · width,) modified
    """
    k = first_item() * WARP + lane()
    if k < order.size:
        for m in range(width):
            put(out, k * width + m, pick(values, pick(order, k) * width + m))


@kernel
def scatter_rows(values: Floats, width: int, places: Ints, out: Floats) -> None:
    """Numbers of some rows to their places.

    Parameters
    ----------
    values : (m · width,) of these rows
    places : (m,) int64, each once
    out : (n · width,) of all rows, modified
    """
    k = first_item() * WARP + lane()
    if k < places.size:
        for m in range(width):
            put(out, pick(places, k) * width + m, pick(values, k * width + m))


@kernel
def renumber(types: Ints, numbers: Ints, out: Ints) -> None:
    """Types in another numbering.

    Parameters
    ----------
    types, out : (n,) int32, out is modified; types below 0 stay
    numbers : (T,) int32
    """
    k = first_item() * WARP + lane()
    if k < types.size:
        number = pick(types, k)
        if number >= 0:
            number = pick(numbers, number)
        put(out, k, number)
