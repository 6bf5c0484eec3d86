"""Layers, nets and the tables that take a net's place in compressed files.

Matrices are (in, out): a layer computes ``act(x @ weight + bias)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ..array_types import Floats
from ..errors import ModelFileError
from .activations import activation

Skip = Literal["none", "identity", "double"]


def require(condition: object, what: str) -> None:
    """Raise a `ModelFileError` that says what, unless the condition holds."""
    if not condition:
        raise ModelFileError(what)


def float_array(value: Any, shape: tuple[int | None, ...], name: str) -> Floats:
    """A finite, read-only array of this shape; None in it means any length."""
    array = np.ascontiguousarray(value)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    fits = array.ndim == len(shape) and all(
        n is None or n == m for n, m in zip(shape, array.shape, strict=True)
    )
    expected = "(" + ", ".join("any" if n is None else str(n) for n in shape) + ")"
    require(fits, f"{name}: expected shape {expected}, got {array.shape}")
    require(np.isfinite(array).all(), f"{name}: holds NaN or infinite values")
    array = array.view()
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class Layer:
    """One dense layer: ``y = act(x @ weight + bias) * idt``, then the skip.

    Parameters
    ----------
    weight : (n_in, n_out) float32 or float64
    bias : (n_out,)
    activation : a name of `dpse_fast.model.activations`
    idt : (n_out,) or None
        The trained time step of a resnet layer.
    skip : "none", "identity" (adds x), or "double" (adds [x, x])
    """

    weight: Floats
    bias: Floats
    activation: str = "tanh"
    idt: Floats | None = None
    skip: Skip = "none"

    def __post_init__(self) -> None:
        weight = float_array(self.weight, (None, None), "layer weight")
        n_in, n_out = weight.shape
        require(n_in and n_out, f"layer weight: empty, shape {weight.shape}")
        put = object.__setattr__
        put(self, "weight", weight)
        bias = np.reshape(self.bias, -1)
        put(self, "bias", float_array(bias, (n_out,), "layer bias"))
        if self.idt is not None:
            idt = np.reshape(self.idt, -1)
            put(self, "idt", float_array(idt, (n_out,), "layer idt"))
        try:
            put(self, "activation", activation(self.activation).name)
        except KeyError as error:
            raise ModelFileError(f"layer activation: {error.args[0]}") from None
        require(
            self.skip in ("none", "identity", "double"),
            f"layer skip: expected none, identity or double, got {self.skip!r}",
        )
        ratio = {"identity": 1, "double": 2}.get(self.skip)
        require(
            ratio is None or n_out == ratio * n_in,
            f"layer skip: {self.skip!r} does not fit a {n_in} to {n_out} layer",
        )

    @property
    def n_in(self) -> int:
        return int(self.weight.shape[0])

    @property
    def n_out(self) -> int:
        return int(self.weight.shape[1])


@dataclass(frozen=True, eq=False)
class Net:
    """A chain of layers."""

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        require(self.layers, "net: has no layers")
        for k, (a, b) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            require(
                a.n_out == b.n_in,
                f"net: layer {k} gives {a.n_out} values, layer {k + 1} takes {b.n_in}",
            )

    @property
    def n_in(self) -> int:
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        return self.layers[-1].n_out

    @property
    def widths(self) -> tuple[int, ...]:
        return tuple(layer.n_out for layer in self.layers)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.result_type(*(layer.weight.dtype for layer in self.layers))

    def __call__(self, x: Floats) -> Floats:
        """The net's output (n, n_out) for inputs (n, n_in), in x's precision."""
        for layer in self.layers:
            y = x @ layer.weight.astype(x.dtype) + layer.bias.astype(x.dtype)
            y = activation(layer.activation)(y)
            if layer.idt is not None:
                y = y * layer.idt.astype(x.dtype)
            if layer.skip == "identity":
                y = y + x
            elif layer.skip == "double":
                y = y + np.concatenate([x, x], axis=1)
            x = y
        return x


@dataclass(frozen=True, eq=False)
class EmbeddingTable:
    """The embedding of a compressed file: quintics of the normalised s.

    With x = (s − davg)/dstd, row k and local t:
    ``x < upper``: k = int((x − lower)/stride0), t = x − (lower + k·stride0);
    ``x < maximum``: k = n0 + int((x − upper)/stride1) with
    n0 = int((upper − lower)/stride0), t = x − (upper + (k − n0)·stride1).
    G_m = Σ_p coefficients[k, m, p] t^p.

    Parameters
    ----------
    coefficients : (n_rows, M, 6)
    lower, upper, maximum, stride0, stride1 : float
    beyond : "linear" (deepmd-kit 3.2) or "clamp" (earlier)
        What the file's own program does outside [lower, maximum): go on as a
        line, or stay at the value of the nearest end, which above is that of
        the start of the last row.
    """

    coefficients: Floats
    lower: float
    upper: float
    maximum: float
    stride0: float
    stride1: float
    beyond: Literal["linear", "clamp"] = "linear"

    def __post_init__(self) -> None:
        name = "embedding table"
        table = float_array(self.coefficients, (None, None, 6), name)
        object.__setattr__(self, "coefficients", table)
        for key in ("lower", "upper", "maximum", "stride0", "stride1"):
            object.__setattr__(self, key, float(getattr(self, key)))
        numbers = (self.lower, self.upper, self.maximum, self.stride0, self.stride1)
        require(np.isfinite(numbers).all(), f"{name}: range {numbers} is not finite")
        require(
            self.lower < self.upper <= self.maximum
            and self.stride0 > 0
            and self.stride1 > 0,
            f"{name}: expected lower < upper <= maximum and positive strides, "
            f"got {numbers}",
        )
        require(
            self.beyond in ("linear", "clamp"),
            f"{name}: beyond must be linear or clamp, got {self.beyond!r}",
        )
        rows = (self.upper - self.lower) / self.stride0
        rows += (self.maximum - self.upper) / self.stride1
        require(
            rows < table.shape[0] + 1 and table.shape[0] >= self.n_rows > 0,
            f"{name}: the range needs {rows:.6g} rows, the file has {table.shape[0]}",
        )

    @property
    def n_fine(self) -> int:
        """Rows below ``upper``."""
        return int((self.upper - self.lower) / self.stride0)

    @property
    def n_rows(self) -> int:
        """Rows that the range needs."""
        return self.n_fine + int((self.maximum - self.upper) / self.stride1)

    @property
    def last_row_start(self) -> float:
        """The x at which the last row starts."""
        n_coarse = self.n_rows - self.n_fine
        if n_coarse:
            return self.upper + (n_coarse - 1) * self.stride1
        return self.lower + (self.n_fine - 1) * self.stride0

    @property
    def n_out(self) -> int:
        return int(self.coefficients.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.coefficients.dtype


@dataclass(frozen=True, eq=False)
class Gated:
    """A radial embedding times what the pair's types make of it.

    G = g(x)·(1 + gate·w) with the switch w(r) if `smooth`, else g(x)·(1 + gate):
    the stripped type embedding of ``se_atten``. TensorFlow has another w, of the
    row before it is normalised, s = x·dstd + davg: if `cubic`, w = 1 − u³ and at
    least 0, u = max(0, 1 − rcut_smth·s). An empty slot (s = 0) has w = 0 in both.

    Parameters
    ----------
    radial : Net of one input, or EmbeddingTable
    gate : (M,)
    smooth : bool
    cubic : bool
        Which w; needs `smooth`.
    """

    radial: Net | EmbeddingTable
    gate: Floats
    smooth: bool
    cubic: bool = False

    def __post_init__(self) -> None:
        put = object.__setattr__
        require(
            not isinstance(self.radial, Net) or self.radial.n_in == 1,
            f"gated embedding: expected a net of one input, got "
            f"{getattr(self.radial, 'n_in', 0)}",
        )
        put(self, "gate", float_array(self.gate, (self.radial.n_out,), "gate"))
        put(self, "smooth", bool(self.smooth))
        put(self, "cubic", bool(self.cubic))
        require(self.smooth or not self.cubic, "gated embedding: cubic, not smooth")

    @property
    def n_out(self) -> int:
        return self.radial.n_out

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.radial.dtype


Embedding = Net | EmbeddingTable | Gated
