"""What a descriptor of v3 gives the fitting net."""

from __future__ import annotations

from dataclasses import dataclass

from ...array_types import Doubles
from ...model import Descriptor


@dataclass(frozen=True)
class Part:
    """A descriptor, and the constants by centre type that stand behind it.

    Parameters
    ----------
    descriptor : SeE2A or SeE2R
    constants : (n_types, k) type embedding, or None
    """

    descriptor: Descriptor
    constants: Doubles | None = None
