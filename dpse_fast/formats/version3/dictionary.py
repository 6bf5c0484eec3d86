"""The members of a mapping of the native dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..tree import members_of


def members(value: Any) -> Mapping[str, Any]:
    """The members, those under ``@variables`` among them."""
    found = members_of(value)
    variables = found.get("@variables")
    if isinstance(variables, Mapping):
        return {**variables, **found}
    return found
