"""The optional group ``plan`` of our model file: tables and their certificate."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import h5py
import numpy as np

from ...errors import ModelFileError
from ...model import Descriptor, Model
from ...plan import PRECISIONS, StoredPlan
from ...plan.accuracy import Accuracy
from ...plan.form import Form
from ...plan.jets import switch_of
from ...plan.nets import is_foldable
from ...plan.tables import Table
from ..hdf5 import File
from ..hdf5_output import changed_file
from . import datasets
from .layout import PLAN_GROUP, PLAN_VERSION
from .place import Place

_CERTIFICATE = tuple(f.name for f in fields(Accuracy))
_ATTRIBUTES = ("version", "digest", "tolerance")
_FORM = ("basis", "rows", "empty", "mix")
_SLACK = 1e-9  # Å, between a table's end and the cutoff


class OtherVersion(Exception):
    """A plan that another version of dpse-fast made, and certified by other rules."""


def stored_plan_bytes(digest: str, plan: StoredPlan) -> bytes:
    """A file of the plan alone; in memory, since HDF5 on a full disk is noisy.

    Parameters
    ----------
    digest : of the model that the plan was made for
    """
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        _write_plan(file, digest, plan)
    return content.getvalue()


def write_stored_plan(
    path: str | os.PathLike[str], digest: str, plan: StoredPlan
) -> None:
    """Add the plan to a model file that `write` wrote.

    Parameters
    ----------
    digest : of the model that the plan was made for

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with changed_file(Path(path)) as file:
        _write_plan(file, digest, plan)


def _write_plan(file: h5py.File, digest: str, plan: StoredPlan) -> None:
    group = file.create_group(PLAN_GROUP)
    group.attrs["version"] = PLAN_VERSION
    group.attrs["digest"] = digest
    group.attrs["tolerance"] = plan.tolerance
    certificates = group.create_group("certificates")
    for precision, certificate in plan.certificates.items():
        attributes = certificates.create_group(precision).attrs
        for name, value in certificate.numbers().items():
            attributes[name] = value
    for k, tables in enumerate(plan.tables):
        part = group.create_group(str(k))
        _write_tables(part.create_group("tables"), tables)
        _write_forms(part.create_group("forms"), plan.forms[k])


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


def _write_forms(group: h5py.Group, forms: Mapping[int, Form]) -> None:
    for c, form in forms.items():
        place = group.create_group(str(c))
        datasets.create(place, "basis", form.basis)
        place["rows"] = np.column_stack([form.starts, form.ends])
        datasets.create(place, "empty", form.empty)
        if form.mix is not None:
            datasets.create(place, "mix", form.mix)


def read_stored_plan(file: File, model: Model, made: str) -> StoredPlan:
    """The plan in an open file of either of those above.

    Parameters
    ----------
    model : that the plan must have been made for
    made : what the plan says of where it comes from

    Raises
    ------
    ModelFileError
        If the plan is missing, damaged, or was made for another model.
    OtherVersion
        If it cannot be used as it is.
    """
    place = Place(file, file.root).inner(PLAN_GROUP)
    attributes = place.attributes(_ATTRIBUTES)
    if attributes.integer("version", 1) != PLAN_VERSION:
        raise OtherVersion
    if attributes.text("digest") != model.digest():
        raise ModelFileError(
            f"{place.name}: the plan was made for another model; make it again with "
            "dpse-fast compress"
        )
    parts = range(len(model.descriptors))
    place.only([*(str(k) for k in parts), "certificates"])
    tables, forms = [], []
    for k in parts:
        part, descriptor = place.inner(str(k)), model.descriptors[k]
        part.only(("tables", "forms"))
        forms.append(_forms(part.inner("forms"), model, descriptor))
        tables.append(_tables(part.inner("tables"), descriptor, forms[-1]))
    return StoredPlan(
        tables=tuple(tables),
        forms=tuple(forms),
        tolerance=attributes.number("tolerance"),
        certificates=_certificates(place.inner("certificates")),
        made=made,
    )


def _certificates(place: Place) -> dict[str, Accuracy]:
    place.only(tuple(PRECISIONS))
    found = {}
    for precision in place.names():
        attributes = place.inner(precision).attributes(_CERTIFICATE)
        numbers = {n: attributes.number(n) for n in _CERTIFICATE if n != "n_atoms"}
        count = attributes.integer("n_atoms")
        found[precision] = Accuracy(**numbers, n_atoms=count)
    return found


def _forms(place: Place, model: Model, descriptor: Descriptor) -> dict[int, Form]:
    centres = {str(c): c for c in range(descriptor.n_types)}
    place.only(tuple(centres))
    return {
        c: _form(place.inner(name), descriptor, is_foldable(model, c))
        for name, c in centres.items()
        if place.has(name)
    }


def _form(place: Place, descriptor: Descriptor, foldable: bool) -> Form:
    place.only(_FORM)
    basis, empty = place.array("basis"), place.array("empty")
    width, groups = descriptor.width, len(descriptor.sel)
    n = basis.shape[1] if basis.ndim == 2 else 0
    if basis.shape != (width, n) or not 0 < n <= width:
        place.reject("basis", f"expected shape ({width}, any), got {basis.shape}")
    if empty.shape != (groups, n):
        place.reject("empty", f"expected shape ({groups}, {n}), got {empty.shape}")
    starts, ends = place.integer_pairs("rows").astype(np.int64).T.copy()
    most = descriptor.n_axis
    first = np.arange(starts.size) if foldable else np.zeros_like(starts)
    inside = (starts == first) & (starts < ends) & (ends <= n)
    if not inside.all() or starts.size > most or (most and not starts.size):
        place.reject("rows", f"expected up to {most} ranges of the {n} channels")
    if starts.size > n:
        place.reject("rows", f"expected at most {n} ranges, got {starts.size}")
    mix = place.optional_array("mix")
    if mix is not None and (mix.ndim != 2 or mix.shape[1] != n):
        place.reject("mix", f"expected shape (any, {n}), got {mix.shape}")
    for name, values in (("basis", basis), ("empty", empty), ("mix", mix)):
        if values is not None and not np.isfinite(values).all():
            place.reject(name, "holds NaN or infinite values")
    return Form(basis, starts, ends, empty, mix)


def _tables(
    place: Place, descriptor: Descriptor, forms: Mapping[int, Form]
) -> dict[tuple[int, int], Table]:
    pairs = {
        f"{c}_{t}": (c, t)
        for c, row in enumerate(descriptor.embedding)
        for t, embedding in enumerate(row)
        if embedding is not None and {c, t} <= forms.keys()
    }
    place.only(list(pairs))
    cutoff = switch_of(descriptor).cutoff

    def read(group: Place) -> Table:
        return _table(group, cutoff)

    found = {pair: place.inner(name).once(read) for name, pair in pairs.items()}
    for c, form in forms.items():
        widths = [table.width for (a, _), table in found.items() if a == c]
        mixed = form.mix is not None
        fits = (
            sum(widths) == len(form.mix)
            if form.mix is not None
            else all(width == form.n_channels for width in widths)
        )
        if not fits:
            place.reject(
                str(c),
                f"tables of {widths} channels do not fit the form, which expects "
                f"{len(form.mix) if form.mix is not None else form.n_channels} "
                f"{'in all' if mixed else 'in each'}",
            )
    return found


def _table(place: Place, cutoff: float) -> Table:
    attributes = place.attributes(("cutoff", "relative_error"))
    place.only(("origins", "coefficients"))
    origins, coefficients = place.array("origins"), place.array("coefficients")
    n, shape = origins.size, coefficients.shape
    if origins.ndim != 1 or n < 2 or shape[:2] != (n, 6) or len(shape) != 3:
        place.reject(
            "coefficients",
            f"expected shape ({n}, 6, any) for {n} origins, got {shape}",
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
