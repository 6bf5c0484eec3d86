"""From model files to a `Potential` or a `Committee`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any, overload

from .devices import choose_backend
from .errors import InputError, ModelFileError
from .evaluation.backend import Backend
from .evaluation.committee_result import DRIVERS
from .inputs.choices import one_of
from .inputs.plain_numbers import shown
from .inputs.structure import check_amount
from .model import Model
from .plan import StoredPlan
from .planning import DEFAULT_TOLERANCE, Planner
from .potential import Potential
from .runtime.process_state import garbage_collection_paused

if TYPE_CHECKING:
    from .committee import Committee

SEL_OVERFLOW = ("warn", "error", "truncate", "all")
DEFAULT_MODEL = "water.h5"

ModelSource = str | os.PathLike[str] | Model


@overload
def load(
    path: ModelSource | None = None,
    *,
    device: str = ...,
    gemm: str | None = ...,
    deterministic: bool = ...,
    precision: str = ...,
    tol: float = ...,
    threads: int | None = ...,
    sel_overflow: str = ...,
    type_map: Sequence[str] | None = ...,
    head: str | None = ...,
) -> Potential: ...


@overload
def load(
    path: list[Any] | tuple[Any, ...],
    *,
    device: str = ...,
    gemm: str | None = ...,
    deterministic: bool = ...,
    precision: str = ...,
    tol: float = ...,
    threads: int | None = ...,
    sel_overflow: str = ...,
    type_map: Sequence[str] | None = ...,
    head: str | Sequence[str | None] | None = ...,
    driver: str | None = ...,
    deviation_tol: float | None = ...,
) -> Committee: ...


def load(
    path: ModelSource | list[Any] | tuple[Any, ...] | None = None,
    *,
    device: str = "auto",
    gemm: str | None = None,
    deterministic: bool = True,
    precision: str = "double",
    tol: float = DEFAULT_TOLERANCE,
    threads: int | None = None,
    sel_overflow: str = "warn",
    type_map: Sequence[str] | None = None,
    head: str | Sequence[str | None] | None = None,
    driver: str | None = None,
    deviation_tol: float | None = None,
) -> Potential | Committee:
    """Open a model file and plan its evaluation; several for a committee.

    Parameters
    ----------
    path : a model file of any readable format, or a `Model`
        None: the water model that comes with the package, for demonstration. A list of
        two or more gives a `Committee`, which evaluates them together.
    device : "auto", "cpu" or "cuda", with a GPU's number as in "cuda:1"
        "auto" takes the GPU where there is one that can be used, else the processors;
        `Potential.describe` says why.
    gemm : on a GPU, how nets in float32 are multiplied; "float32", "tf32x3" (three
        products of TF32, as exact) or "tf32" (2.9e-4); None: "float32"
    deterministic : on a GPU, bitwise equal forces in every run; False adds them up in
        any order, which takes less memory. On the processors they always are equal.
    precision : "double", "mixed" (tables and nets in float32) or "single" (geometry
        too; the sums of forces stay in float64)
    tol : eV/Å
        Largest force error that tables, rotation and pruning may cause; 0 converges
        the tables and leaves the rest as it is in the file.
    threads : workers; None for all processors that this process may use
    sel_overflow : what to do with more neighbours of a type than ``sel``
        "warn" and "truncate" keep the nearest, as deepmd-kit does, with and
        without a warning; "error" raises; "all" counts all. A model whose own program
        counts all (an exported one that runs on a graph of pairs) knows no ``sel``.
    type_map : names for the types, in the order of the file, or of the first one
    head : the branch of a multi-task checkpoint; of several files, one for all of them
        or a list
    driver : of a committee, "first" (None) or "mean": which energy, forces and virial
        are the committee's
    deviation_tol : of a committee, eV/Å
        The models other than the first are planned for this tolerance, in mixed
        precision where the first has double: they only tell a deviation. None or 0:
        as the first one.

    Raises
    ------
    ModelFileError
        For a file that cannot be read, or a model that is not supported.
    InputError
        For an option that does not exist.
    """
    backend = choose_backend(device, gemm, deterministic, threads)
    one_of(sel_overflow, SEL_OVERFLOW, "sel_overflow")
    if not isinstance(path, list | tuple):
        for name, value in (("driver", driver), ("deviation_tol", deviation_tol)):
            if value is not None:
                raise InputError(
                    f"{name}: expected a list of models with it, got {shown(path)}"
                )
        if head is not None and not isinstance(head, str):
            raise InputError(f"head: expected one name, got {shown(head)}")
        found = _potential(path, head, backend, precision, tol, sel_overflow)
        return found if type_map is None else found.renamed(type_map)
    from .committee import Committee

    if driver is not None:
        one_of(driver, DRIVERS, "driver")
    plans = deviation_plans(precision, tol, deviation_tol, len(path))
    heads = [head] * len(path) if head is None or isinstance(head, str) else list(head)
    if len(heads) != len(path):
        raise InputError(
            f"head: expected one for all {len(path)} models or one for each, got "
            f"{len(heads)}"
        )
    potentials = []
    for k, (one, own) in enumerate(zip(path, heads, strict=True)):
        try:
            cheapest = plans[k] != plans[0]
            potentials.append(
                _potential(one, own, backend, *plans[k], sel_overflow, cheapest)
            )
        except (InputError, ModelFileError) as error:
            raise type(error)(f"models[{k}]: {error}") from error
    committee = Committee(
        potentials, driver=driver or "first", deviation_tol=deviation_tol or 0.0
    )
    return committee if type_map is None else committee.renamed(type_map)


def deviation_plans(
    precision: str, tol: float, deviation_tol: float | None, n_models: int
) -> list[tuple[str, float]]:
    """Precision and tolerance of each model of a committee.

    Parameters
    ----------
    precision, tol : of the first
    deviation_tol : see `load`

    Raises
    ------
    InputError
        For a deviation tolerance below that of the first.
    """
    first = (precision, tol)
    if deviation_tol is None:
        return [first] * n_models
    deviation_tol = check_amount(deviation_tol, "deviation_tol", "a force in eV/Å")
    if not deviation_tol:
        return [first] * n_models
    if deviation_tol < tol:
        raise InputError(
            f"deviation_tol: expected 0, or at least tol ({tol:g} eV/Å), got "
            f"{deviation_tol:g}"
        )
    others = ("mixed" if precision == "double" else precision, deviation_tol)
    return [first] + [others] * (n_models - 1)


def _potential(
    path: ModelSource | None,
    head: str | None,
    backend: Backend,
    precision: str,
    tol: float,
    sel_overflow: str,
    cheapest: bool = False,
) -> Potential:
    """Cheapest: planned for the tolerance, whatever better plan the file has."""
    with garbage_collection_paused():
        model, stored = _model_of(path, head)
        _check_has_effect(sel_overflow, model)
        planner = Planner(model, precision, tol, None if cheapest else stored)
    return Potential(planner, backend, sel_overflow)


def _check_has_effect(sel_overflow: str, model: Model) -> None:
    """Refuse what to do about ``sel`` where a model does not have it."""
    limited = not all(d.keeps_all for d in model.descriptors)
    limited |= model.pair_table is not None and bool(model.pair_table.sel)
    if not limited and sel_overflow in ("truncate", "error"):
        raise InputError(
            f"sel_overflow: {sel_overflow!r} has no effect: the program in the model "
            "file counts all neighbours within the cutoff; expected 'warn' or 'all'"
        )


def _model_of(
    path: str | os.PathLike[str] | Model | None, head: str | None
) -> tuple[Model, StoredPlan | None]:
    if isinstance(path, Model):
        if head is not None:
            raise InputError(f"head: expected a model file with it, got {head!r}")
        return path, None
    from .formats import read

    if path is not None:
        found = read(path, head)
    else:
        packaged = resources.files(f"{__package__}.data") / DEFAULT_MODEL
        with resources.as_file(packaged) as file:
            found = read(file)
    return found.model, found.stored_plan
