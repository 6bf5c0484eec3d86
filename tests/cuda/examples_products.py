"""Arguments of the kernels of products."""

from __future__ import annotations

import numpy as np
from dpse_fast.kernels.cuda.products import (
    ProductColumns,
    add_empty_slots,
    product_gradients_kernel,
    products,
)
from dpse_fast.kernels.layout import Place

from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import INTS, LONGS, Example, pairs_with


def examples(precision: str) -> list[Example]:
    """Each kernel, for the tables and nets of a precision."""
    dtype, geometry = PRECISIONS[precision]
    z, differences = np.zeros(64, dtype), np.zeros(64, geometry)
    pairs = pairs_with(z, differences)
    form, place = ProductColumns(INTS, 8, 24), Place(64, 0)
    padding = np.zeros((2, 24), dtype)
    there = (z, 1, form, place, z)
    back = (z, z, 1, form, place, z)
    gradients = product_gradients_kernel(dtype)
    registers = 96 if precision == "double" else 64
    empty = (pairs, LONGS, padding, z)
    return [
        Example("add_empty_slots", add_empty_slots, empty, 64, False, False),
        Example("products", products, there, registers, True, False),
        Example("product_gradients", gradients, back, registers, True, False),
    ]
