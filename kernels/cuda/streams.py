"""How a table's channels are shared by the lanes of warps.

The coefficients of a row of a table lie as ``[sweep, vector, lane, 4]``: a lane's
numbers, power by power and channel by channel within a power, in vectors of four, so
that neighbouring lanes load neighbouring 16 bytes.
"""

from __future__ import annotations

from typing import NamedTuple


class Streams(NamedTuple):
    """How the lanes of a warp share the channels of a table.

    Channel ``(sweep · channels + m) · lanes + part`` is number m of lane ``part`` of
    every stream in that sweep.
    """

    lanes: int  # of a stream of pairs, a power of two
    channels: int  # of a lane, in registers
    sweeps: int  # over the pairs

    @property
    def vectors(self) -> int:
        """Of four numbers, of a lane and sweep in a row of a table."""
        return -(-6 * self.channels // 4)

    @property
    def width(self) -> int:
        """Channels of a table, with padding."""
        return self.lanes * self.channels * self.sweeps
