"""What every engine does alike: a potential from what the user gave."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ..committee import Committee
from ..errors import InputError
from ..loading import load
from ..model import Model
from ..potential import Potential

ModelLike = Potential | Model | str | os.PathLike[str] | None
Models = ModelLike | Committee | Sequence[str | os.PathLike[str] | Model]


def committee_or_potential_of(
    model: Models, options: dict[str, Any]
) -> Potential | Committee:
    """As `potential_of`; a list of models gives a committee, which may be loaded too.

    Raises
    ------
    InputError
        As `potential_of`.
    """
    if isinstance(model, Committee):
        _refuse(options, "Committee")
        return model
    if isinstance(model, list | tuple):
        return load(model, **options)
    return potential_of(model, options)  # type: ignore[arg-type]


def potential_of(model: ModelLike, options: dict[str, Any]) -> Potential:
    """The potential itself, or one loaded with the options of `dpse_fast.load`.

    Raises
    ------
    InputError
        If options are given beside a loaded potential; and as `dpse_fast.load`.
    """
    if isinstance(model, list | tuple | Committee):
        raise InputError("model: expected one model, got several (a committee)")
    if not isinstance(model, Potential):
        return load(model, **options)
    _refuse(options, "Potential")
    return model


def _refuse(options: dict[str, Any], loaded: str) -> None:
    if options:
        names = ", ".join(options)
        raise InputError(f"model: a loaded {loaded} takes no more options, got {names}")
