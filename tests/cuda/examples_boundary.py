"""Arguments of the kernel that checks structures."""

from __future__ import annotations

import numpy as np
from dpse_fast.kernels.cuda.boundary import check_atoms

from tests.cuda.example import Example


def examples(precision: str) -> list[Example]:
    """The same for all precisions; types come in 32 and 64 bits."""
    positions, found = np.zeros((64, 3)), np.zeros(4, np.int64)
    return [
        Example(
            f"check_atoms_{np.dtype(dtype).name}",
            check_atoms,
            (positions, 1e7, np.zeros(64, dtype), -1, 1, found),
            registers=32,
            wide_loads=False,
            float64=True,
        )
        for dtype in (np.int32, np.int64)
    ]
