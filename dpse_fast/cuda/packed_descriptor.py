"""A descriptor's tables and forms as the kernels of a device read them, on the host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..array_types import Floats, Integers
from ..kernels.cuda.products import ProductColumns
from ..kernels.cuda.streams import Streams
from ..kernels.layout import Channels, EnvironmentRows, Environments
from ..model import Descriptor
from ..plan import Plan
from ..plan.kernel_arrays import distinct_tables, environment_rows, environments
from .vectors import VECTOR, whole

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


@dataclass(frozen=True, eq=False)
class PackedDescriptor:
    """One descriptor in one precision, of the types that the plan serves.

    Types are numbered as in the plan's `species`.

    Parameters
    ----------
    descriptor : of the model
    streams : how lanes share the channels of all tables, which are of one width
    environments, rows : the kernels' arrays; registers are vectors of four numbers
    channels : where the moments of each pair are, in numbers
    coefficients : flat, of all tables, divided by N; see `Streams`
    mixes : by type, (C, columns) from the tables' moments to z, or None where these
        are z
    empty : by type, (G, columns) what an empty slot adds to z, divided by N
    products : by type, where each product of its form stands
    """

    descriptor: Descriptor
    streams: Streams
    environments: Environments
    rows: EnvironmentRows
    channels: Channels
    coefficients: Floats
    mixes: tuple[Floats | None, ...]
    empty: tuple[Floats, ...]
    products: tuple[ProductColumns, ...]


def packed_descriptor(plan: Plan, k: int) -> PackedDescriptor:
    """Pack the tables and forms of the plan's descriptor k."""
    descriptor, dtype = plan.model.descriptors[k], plan.dtype
    distinct = distinct_tables(plan.tables[k])
    width = max((table.width for table in distinct), default=1)
    streams = streams_for(width, dtype)
    each = streams.sweeps * streams.vectors * streams.lanes
    rows = [table.origins.size for table in distinct]
    starts = np.concatenate([[0], np.cumsum(rows)]).astype(np.int64)
    env = environments(
        plan.model,
        descriptor,
        plan.tables[k],
        starts[:-1] * each,
        np.full(len(distinct), each, np.int64),
        plan.certified,
    )
    scale = 1.0 / descriptor.normalisation
    coefficients = [packed_rows(t.coefficients * scale, streams) for t in distinct]
    channels = _channels(plan, k, streams.width)
    forms = [plan.forms[k][c] for c in plan.species]
    columns = [
        int(total) if form.mix is None else whole(form.n_channels)
        for form, total in zip(forms, channels.total, strict=True)
    ]
    return PackedDescriptor(
        descriptor=descriptor,
        streams=streams,
        environments=_restricted_environments(env, plan.species),
        rows=_restricted_rows(
            environment_rows(descriptor), plan.species, plan.geometry_dtype.type
        ),
        channels=channels,
        coefficients=np.concatenate([np.zeros(0), *coefficients]).astype(dtype),
        mixes=tuple(
            _mix(plan, k, c, streams.width, n)
            for c, n in zip(plan.species, columns, strict=True)
        ),
        empty=tuple(
            _widened(form.empty * scale, n, dtype)
            for form, n in zip(forms, columns, strict=True)
        ),
        products=tuple(
            product_columns(form.starts, form.ends, n)
            for form, n in zip(forms, columns, strict=True)
        ),
    )


def _channels(plan: Plan, k: int, width: int) -> Channels:
    """Neighbour types side by side where they are mixed, else on one place."""
    species, n = plan.species, len(plan.species)
    has_moments = plan.model.descriptors[k].family.has_products
    found = Channels(*(np.zeros(shape, np.int64) for shape in ((n, n), (n, n), n)))
    for p, c in enumerate(species):
        form = plan.forms[k][c]
        place = 0
        for q, t in enumerate(species):
            found.start[p, q] = max(place - width, 0)
            if (c, t) in plan.tables[k]:
                found.start[p, q] = place
                found.count[p, q] = width
                place += width if form.mix is not None else 0
        found.total[p] = max(place, width) if has_moments else form.n_channels
    return found


def _mix(plan: Plan, k: int, centre: int, width: int, columns: int) -> Floats | None:
    """See `PackedDescriptor`."""
    form, tables = plan.forms[k][centre], plan.tables[k]
    if form.mix is None:
        return None
    neighbours = [t for t in plan.species if (centre, t) in tables]
    full = np.zeros((len(neighbours) * width, columns))
    row = 0
    for number, t in enumerate(neighbours):
        own = tables[centre, t].width
        at = number * width
        full[at : at + own, : form.n_channels] = form.mix[row : row + own]
        row += own
    return full.astype(plan.dtype)


def _widened(values: Floats, columns: int, dtype: np.dtype[Any]) -> Floats:
    """Zeros behind each row."""
    full = np.zeros((len(values), columns), dtype)
    full[:, : values.shape[1]] = values
    return full


def product_columns(starts: Integers, ends: Integers, channels: int) -> ProductColumns:
    """Where each product of a form stands.

    Parameters
    ----------
    starts, ends : of the form
    channels : K of the moments' rows, a multiple of four
    """
    places = np.full((whole(starts.size), channels), -1, np.int32)
    column = 0
    for row, start, end in zip(places, starts, ends, strict=False):
        row[start:end] = np.arange(column, column + end - start)
        column += end - start
    fours = places.reshape(-1, VECTOR, channels).transpose(0, 2, 1)
    return ProductColumns(fours.reshape(-1), len(places), channels)


def _restricted_environments(env: Environments, species: Sequence[int]) -> Environments:
    pairs = np.ix_(species, species)
    return env._replace(
        group=env.group[list(species)],
        **{
            name: np.ascontiguousarray(getattr(env, name)[pairs])
            for name in ("table_of", "competes", "slots", "unseen")
        },
    )


def _restricted_rows(
    rows: EnvironmentRows, species: Sequence[int], real: Any
) -> EnvironmentRows:
    """In the precision of the geometry."""
    pairs = np.ix_(species, species)
    return EnvironmentRows(
        type(rows.switch)(*(real(value) for value in rows.switch)),
        *(
            np.ascontiguousarray(values[pairs]).astype(real)
            for values in (rows.mean, rows.radial, rows.angular)
        ),
    )


def packed_rows(coefficients: Floats, streams: Streams) -> Floats:
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
