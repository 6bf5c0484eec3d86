"""The products of a form, as the device's kernels take them."""

from __future__ import annotations

import numpy as np

from ..kernels.cuda.products import CHANNEL, ProductColumns
from ..kernels.layout import Products


def product_columns(form: Products, channels: int) -> ProductColumns:
    """The products of a form, column by column, on the host.

    Parameters
    ----------
    channels : K of the moments' rows, a multiple of four
    """
    starts, ends = form.starts.astype(np.int64), form.ends.astype(np.int64)
    columns = [
        a * CHANNEL + np.arange(start, end)
        for a, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]
    shifts = np.cumsum(ends - starts) - ends
    rows = np.stack([starts, ends, shifts, np.zeros_like(starts)], axis=1)
    return ProductColumns(
        np.concatenate([np.zeros(0), *columns]).astype(np.int32),
        rows.astype(np.int32).reshape(-1),
        channels,
    )
