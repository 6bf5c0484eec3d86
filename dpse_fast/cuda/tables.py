"""A descriptor's tables as the kernels of a device read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels.cuda.streams import Streams
from ..kernels.layout import Channels
from ..plan.descriptor_plan import DescriptorPlan
from ..plan.tables import Table

Array = NDArray[np.floating]

# Channels of a lane: 4 sums and 6 coefficients of each are in registers.
MOST_CHANNELS = {np.dtype(np.float32): 6, np.dtype(np.float64): 5}
LANES = (8, 16, 32)


def streams_for(width: int, dtype: Any) -> Streams:
    """The split of a table's channels with the least padding, then most streams."""
    most = MOST_CHANNELS[np.dtype(dtype)]
    found = []
    for lanes in LANES:
        each = -(-width // lanes)
        sweeps = -(-each // most)
        found.append(Streams(lanes, -(-each // sweeps), sweeps))
    # A second sweep reads the pairs again.
    return min(found, key=lambda s: s.width * (1 + 0.25 * (s.sweeps - 1)))


class PackedTables:
    """The distinct tables of a descriptor, all of one width.

    Attributes
    ----------
    streams : Streams
    first_vector, vectors : (n_tables,) int64, in vectors of four numbers: where a
        table starts, and of one of its rows
    coefficients : flat, of all tables, divided by N
    """

    def __init__(self, part: DescriptorPlan, dtype: Any) -> None:
        self._part = part
        distinct: list[Table] = list(dict.fromkeys(part.tables.values()))
        width = max((table.width for table in distinct), default=1)
        self.streams = streams_for(width, dtype)
        each = self.streams.sweeps * self.streams.vectors * self.streams.lanes
        rows = [table.origins.size for table in distinct]
        starts = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
        self.first_vector = starts[:-1] * each
        self.vectors = np.full(len(distinct), each, np.int64)
        scale = 1.0 / part.descriptor.normalisation
        packed = [packed_rows(t.coefficients * scale, self.streams) for t in distinct]
        self.coefficients = np.concatenate([np.zeros(0), *packed]).astype(dtype)

    def channels(self, species: Sequence[int], angular: bool) -> Channels:
        """Neighbour types side by side where they are mixed, else on one place."""
        n, width = len(species), self.streams.width
        found = Channels(*(np.zeros(shape, np.int64) for shape in ((n, n), (n, n), n)))
        for p, c in enumerate(species):
            form = self._part.forms[c]
            place = 0
            for q, t in enumerate(species):
                found.start[p, q] = max(place - width, 0)
                if (c, t) in self._part.tables:
                    found.start[p, q] = place
                    found.count[p, q] = width
                    place += width if form.mix is not None else 0
            found.total[p] = max(place, width) if angular else form.n_channels
        return found

    def mix(self, centre: int, species: Sequence[int], columns: int) -> Array | None:
        """(C, columns) from the tables' moments to z, or None where these are z."""
        part, form = self._part, self._part.forms[centre]
        if form.mix is None:
            return None
        tables: Mapping[tuple[int, int], Table] = part.tables
        neighbours = [t for t in species if (centre, t) in tables]
        full = np.zeros((len(neighbours) * self.streams.width, columns))
        row = 0
        for k, t in enumerate(neighbours):
            width = tables[centre, t].width
            at = k * self.streams.width
            full[at : at + width, : form.n_channels] = form.mix[row : row + width]
            row += width
        return full


def packed_rows(coefficients: Array, streams: Streams) -> Array:
    """(n_rows, 6, M) as ``[row, sweep, vector, lane, 4]``, flat; see `Streams`."""
    n_rows, _, width = coefficients.shape
    lanes, channels, sweeps = streams
    full = np.zeros((n_rows, 6, streams.width))
    full[..., :width] = coefficients
    split = full.reshape(n_rows, 6, sweeps, channels, lanes)
    # A lane's numbers power by power, channel by channel.
    own = split.transpose(0, 2, 4, 1, 3).reshape(n_rows, sweeps, lanes, 6 * channels)
    padded = np.zeros((n_rows, sweeps, lanes, 4 * streams.vectors))
    padded[..., : 6 * channels] = own
    vectors = padded.reshape(n_rows, sweeps, lanes, streams.vectors, 4)
    return vectors.transpose(0, 1, 3, 2, 4).reshape(-1)
