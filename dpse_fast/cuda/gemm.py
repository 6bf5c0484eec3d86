"""Matrix products in the precision that is asked for.

With "tf32x3" the numbers on both sides are sums of two that TF32 holds, and a product
is three, in one multiplication of matrices three times as long in the middle: added
one after another, three products would write and read their result three times.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..array_types import Floats
from ..kernels.cuda.activation import split_kernel
from .device import Array, Device


class Weight(NamedTuple):
    """A matrix on the right of a product, in the form that its product takes."""

    straight: Array  # (parts · n_in, n_out)
    turned: Array  # (parts · n_out, n_in), or nothing where `straight` serves both


class Products:
    """Matrix products of one kind.

    Parameters
    ----------
    gemm : see `dpse_fast.load`; matrices of float64 are multiplied in float64

    Attributes
    ----------
    parts : of a number on the left, see `kernels.cuda.factors`
    """

    def __init__(self, device: Device, dtype: Any, gemm: str) -> None:
        self._device = device
        single = np.dtype(dtype) == np.float32
        self.parts = 3 if single and gemm == "tf32x3" else 1
        self._tf32 = single and gemm in ("tf32", "tf32x3")
        self._split = split_kernel(self.parts)

    def weight(self, values: Floats) -> Weight:
        """A matrix of the dtype as `multiply` takes it on the right."""
        upload = self._device.upload
        if self.parts == 1:
            return Weight(upload(values), None)
        return Weight(upload(_stacked(values)), upload(_stacked(values.T)))

    def split(self, a: Array, out: Array) -> None:
        """Write a matrix (n, k) in parts, flat (≥ n · parts · k,)."""
        n, width = a.shape
        self._device.launch(self._split, n, self._device.flat(a), n, width, out)

    def multiply(
        self,
        a: Array,
        b: Weight,
        out: Array,
        *,
        transpose: bool = False,
        accumulate: bool = False,
    ) -> None:
        """See `Device.multiply`: a in parts, (n, parts · k), b of `weight`."""
        turned = transpose and self.parts > 1
        self._device.multiply(
            a,
            b.turned if turned else b.straight,
            out,
            transpose=transpose and not turned,
            accumulate=accumulate,
            tf32=self._tf32,
        )


def tf32_rounded(values: Floats) -> Floats:
    """float32 rounded to eleven significant bits, ties away from zero."""
    bits = np.ascontiguousarray(values).view(np.uint32).astype(np.uint64) + 0x1000
    rounded: Floats = (bits & 0xFFFFE000).astype(np.uint32).view(np.float32)
    return rounded


def _stacked(values: Floats) -> Floats:
    high = tf32_rounded(values)
    return np.concatenate([high, values - high, high])
