"""Changes to an open HDF5 file that break a layout, to be made later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np

Change = Callable[[h5py.File], None]


def without(name: str) -> Change:
    def change(file: h5py.File) -> None:
        del file[name]

    return change


def dataset(name: str, value: Any) -> Change:
    def change(file: h5py.File) -> None:
        if name in file:
            del file[name]
        file[name] = value

    return change


def in_group(name: str) -> Change:
    def change(file: h5py.File) -> None:
        del file[name]
        file[f"{name}/values"] = np.zeros(2)

    return change


def attribute(group: str, name: str, value: Any) -> Change:
    def change(file: h5py.File) -> None:
        file[group].attrs[name] = value

    return change


def no_attribute(group: str, name: str) -> Change:
    def change(file: h5py.File) -> None:
        del file[group].attrs[name]

    return change
