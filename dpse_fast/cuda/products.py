"""The products of a form, as the device's kernels take them."""

from __future__ import annotations

import numpy as np

from ..kernels.cuda.products import ProductColumns
from ..kernels.layout import Products
from .vectors import VECTOR, whole


def product_columns(form: Products, channels: int) -> ProductColumns:
    """Where each product of a form stands, on the host.

    Parameters
    ----------
    channels : K of the moments' rows, a multiple of four
    """
    places = np.full((whole(form.starts.size), channels), -1, np.int32)
    column = 0
    for row, start, end in zip(places, form.starts, form.ends, strict=False):
        row[start:end] = np.arange(column, column + end - start)
        column += end - start
    fours = places.reshape(-1, VECTOR, channels).transpose(0, 2, 1)
    return ProductColumns(fours.reshape(-1), len(places), channels)
