"""Datasets with a checksum: damage to their numbers is an error on reading."""

from __future__ import annotations

from typing import Any

import h5py

from ...array_types import Floats

_WORTH_A_CHECKSUM = 64
_WORTH_PACKING = 4096


def create(
    group: h5py.Group, name: str, values: Floats, packed: bool = False
) -> h5py.Dataset:
    """A dataset of these values in one chunk.

    HDF5 keeps a checksum (Fletcher-32) of a chunk; arrays of a few numbers go without,
    since a chunk has an index of its own.
    """
    options: dict[str, Any] = {}
    if values.size >= _WORTH_A_CHECKSUM:
        options = {"chunks": values.shape, "fletcher32": True}
    if packed and values.size >= _WORTH_PACKING:
        options |= {"compression": "gzip", "shuffle": True}
    return group.create_dataset(name, data=values, **options)
