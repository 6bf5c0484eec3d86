"""What a thread does below Numba's arrays, with the same meaning in the simulator.

Loads and stores take flat arrays and no negative indices: Numba's own would test the
sign of each.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._cuda import SIMULATED, cuda, device

__all__ = [
    "EVERYONE",
    "fetch4",
    "first_item",
    "lane",
    "load4",
    "pick",
    "pick_from",
    "put",
    "rank",
    "store4",
    "tf32_part",
    "warp",
]

EVERYONE = 0xFFFFFFFF

if SIMULATED:

    def pick(array: Any, index: Any) -> Any:
        """array[index]."""
        return array[index]

    def pick_from(array: Any, base: Any, offset: Any) -> Any:
        """array[base + offset]: one instruction for the address of an int32 offset."""
        return array[base + offset]

    def put(array: Any, index: Any, value: Any) -> None:
        """array[index] = value."""
        array[index] = value

    def load4(array: Any, index: Any) -> tuple[Any, Any, Any, Any]:
        """Four numbers, index a multiple of four.

        In loads of 16 bytes, from an array that starts at a multiple of 16 bytes.
        """
        if index % 4:
            raise IndexError(f"four numbers at {index}")
        return array[index], array[index + 1], array[index + 2], array[index + 3]

    def fetch4(array: Any, index: Any) -> tuple[Any, Any, Any, Any]:
        """As `load4`, of an array that the kernel does not write."""
        return load4(array, index)

    def store4(array: Any, index: Any, values: Any) -> None:
        """Four numbers in stores of 16 bytes; see `load4`."""
        if index % 4:
            raise IndexError(f"four numbers at {index}")
        for k in range(4):
            array[index + k] = values[k]

    def tf32_part(x: Any) -> Any:
        """A float32 rounded to eleven significant bits, ties away from zero."""
        bits = (int(np.float32(x).view(np.uint32)) + 0x1000) & 0xFFFFE000
        return np.uint32(bits & 0xFFFFFFFF).view(np.float32)

else:
    from ._memory import fetch4, load4, pick, pick_from, put, store4, tf32_part


@device
def lane() -> Any:
    """0 to 31: this thread in its warp."""
    return cuda.threadIdx.x & 31


@device
def warp() -> Any:
    """This thread's warp in its block."""
    return cuda.threadIdx.x >> 5


@device
def first_item() -> Any:
    """The number of this thread's warp in the grid."""
    return cuda.blockIdx.x * (cuda.blockDim.x >> 5) + (cuda.threadIdx.x >> 5)


@device
def rank(bits: Any, own: Any) -> Any:
    """How many bits below the own lane are set."""
    return cuda.popc(np.uint32(bits & ((1 << own) - 1)))
