"""What every engine does alike: a potential from what the user gave."""

from __future__ import annotations

import os
from typing import Any

from ..errors import InputError
from ..loading import load
from ..model import Model
from ..potential import Potential

ModelLike = Potential | Model | str | os.PathLike[str] | None


def potential_of(model: ModelLike, options: dict[str, Any]) -> Potential:
    """The potential itself, or one loaded with the options of `dpse_fast.load`.

    Raises
    ------
    InputError
        If options are given beside a loaded potential; and as `dpse_fast.load`.
    """
    if not isinstance(model, Potential):
        return load(model, **options)
    if options:
        names = ", ".join(options)
        raise InputError(
            f"model: a loaded Potential takes no more options, got {names}"
        )
    return model
