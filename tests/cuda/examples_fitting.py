"""Arguments of the kernels of fitting nets."""

from __future__ import annotations

import numpy as np
from dpse_fast.kernels.cuda.activation import (
    Layer,
    activate_kernel,
    hand_down,
    last_layers_kernel,
    split_kernel,
    times_slope_kernel,
)

from dpse_fast.model.activations import activation
from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.example import Example

# One of each family; nets of the others are as rare as these.
NAMES = ("tanh", "softplus", "gelu", "relu6", "silut:1.5")


def examples(precision: str) -> list[Example]:
    """Each kernel, for the nets of a precision."""
    dtype, _ = PRECISIONS[precision]
    x, doubles = np.zeros(64, dtype), np.zeros(64)
    layer = Layer(x, x, x, inputs=8, width=8, copies=1, keeps=1)
    found = []
    for parts in (1,) if precision == "double" else (1, 3):
        suffix = f"_{parts}" if parts > 1 else ""
        for name in NAMES if parts == 1 else ("tanh",):
            known = activation(name)
            jet = (parts, known.family, *known.constants)
            activate, last = activate_kernel(*jet), last_layers_kernel(*jet)
            arguments = (layer, 1, x, x, x, x)
            ends = (layer, 1, x, x, doubles, doubles, 0, x, x)
            called = f"{known.family}{suffix}"
            found += [
                Example(f"activate_{called}", activate, arguments, 64, True, False),
                Example(f"last_layers_{called}", last, ends, 80, True, True),
            ]
        back = (layer, 1, x, x, x, x)
        slope = times_slope_kernel(parts)
        found.append(Example(f"times_slope{suffix}", slope, back, 64, True, False))
        if parts > 1:
            split = (x, 1, 8, x)
            found.append(Example("split", split_kernel(3), split, 64, True, False))
    down = (layer, 1, x, x, 1, x)
    return [*found, Example("hand_down", hand_down, down, 64, False, False)]
