"""The optional group ``plan`` of our model file: tables and their certificate."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import h5py
import numpy as np

from ...errors import InputError, ModelFileError
from ...model import Descriptor, Model
from ...plan import StoredPlan
from ...plan.accuracy import Accuracy
from ...plan.jets import switch_of
from ...plan.tables import Table
from ..hdf5 import SIGNATURE, open_file
from ..tree import Tree
from . import datasets
from .layout import PLAN_GROUP
from .place import Place
from .read_model import is_exchange

_CERTIFICATE = tuple(f.name for f in fields(Accuracy))
_ATTRIBUTES = ("digest", "tolerance", *_CERTIFICATE)
_SLACK = 1e-9  # Å, between a table's end and the cutoff


def write_stored_plan(
    path: str | os.PathLike[str], model: Model, plan: StoredPlan
) -> None:
    """Add the plan to a model file that `write` wrote.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    try:
        with h5py.File(path, "r+") as file:
            group = file.create_group(PLAN_GROUP)
            group.attrs["digest"] = model.digest()
            group.attrs["tolerance"] = plan.tolerance
            for name, value in plan.accuracy.numbers().items():
                group.attrs[name] = value
            for k, tables in enumerate(plan.tables):
                _write_tables(group.create_group(str(k)), tables)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{path}: the plan cannot be written ({reason})") from None


def _write_tables(group: h5py.Group, tables: Mapping[tuple[int, int], Table]) -> None:
    written: dict[int, h5py.Group] = {}
    for (c, t), table in tables.items():
        name = f"{c}_{t}"
        if id(table) in written:
            group[name] = written[id(table)]
            continue
        place = written[id(table)] = group.create_group(name)
        place.attrs["cutoff"] = table.cutoff
        place.attrs["relative_error"] = table.relative_error
        datasets.create(place, "origins", table.origins)
        datasets.create(place, "coefficients", table.coefficients)


def read_stored_plan(path: str | os.PathLike[str], model: Model) -> StoredPlan | None:
    """The plan in a model file, or None if it is of another kind or has none.

    Raises
    ------
    ModelFileError
        If the plan is damaged or was made for another model.
    """
    if not has_plan(path):
        return None
    with open_file(Path(path)) as file:
        return _plan(Place(file, file.root).inner(PLAN_GROUP), model)


def has_plan(path: str | os.PathLike[str]) -> bool:
    """Whether a file is a model file of ours that carries a plan."""
    with Path(path).open("rb") as stream:
        if stream.read(len(SIGNATURE)) != SIGNATURE:
            return False
    with open_file(Path(path)) as file:
        return is_exchange(file) and PLAN_GROUP in file.root


def _plan(place: Place, model: Model) -> StoredPlan:
    attributes = place.attributes(_ATTRIBUTES)
    if attributes.text("digest") != model.digest():
        raise ModelFileError(
            f"{place.name}: the plan was made for another model; make it again with "
            "dpse-fast compress"
        )
    parts = range(len(model.descriptors))
    place.only([str(k) for k in parts])
    return StoredPlan(
        tables=tuple(_tables(place.inner(str(k)), model.descriptors[k]) for k in parts),
        tolerance=attributes.number("tolerance"),
        accuracy=_accuracy(attributes),
    )


def _accuracy(attributes: Tree) -> Accuracy:
    return Accuracy(
        energy=attributes.number("energy"),
        energy_rms=attributes.number("energy_rms"),
        force=attributes.number("force"),
        force_rms=attributes.number("force_rms"),
        n_environments=attributes.integer("n_environments"),
    )


def _tables(place: Place, descriptor: Descriptor) -> dict[tuple[int, int], Table]:
    pairs = {
        f"{c}_{t}": (c, t)
        for c, row in enumerate(descriptor.embedding)
        for t, embedding in enumerate(row)
        if embedding is not None
    }
    place.only(list(pairs))
    cutoff = switch_of(descriptor).cutoff

    def read(group: Place) -> Table:
        return _table(group, descriptor.width, cutoff)

    return {pair: place.inner(name).once(read) for name, pair in pairs.items()}


def _table(place: Place, width: int, cutoff: float) -> Table:
    attributes = place.attributes(("cutoff", "relative_error"))
    place.only(("origins", "coefficients"))
    origins, coefficients = place.array("origins"), place.array("coefficients")
    n = origins.size
    if origins.ndim != 1 or n < 2 or coefficients.shape != (n, 6, width):
        place.reject(
            "coefficients",
            f"expected shape ({n}, 6, {width}) for {n} origins, got "
            f"{coefficients.shape}",
        )
    table = Table(
        origins=origins,
        coefficients=coefficients,
        cutoff=attributes.number("cutoff"),
        relative_error=attributes.number("relative_error"),
    )
    ascending = (np.diff(origins[1:]) > 0).all() and origins[0] == origins[1]
    ends = origins[0] > 0 and origins[-1] < table.cutoff
    if not (ascending and ends and abs(table.cutoff - cutoff) < _SLACK):
        place.reject("origins", f"expected ascending distances below {cutoff} Å")
    if not np.isfinite(coefficients).all():
        place.reject("coefficients", "holds NaN or infinite values")
    return table
