"""The package ``deepmd`` as dpse-fast provides it, without deepmd-kit.

`deepmd.infer` and `deepmd.calculator` have deepmd-kit's interface. What else
deepmd-kit has under this name is not here.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Any

from dpse_deepmd.other_provider import advice, other_provider

_other = other_provider()
if _other is not None:
    raise ImportError(f"dpse-fast-deepmd: {advice(_other)}")

# The interface of deepmd-kit 3.2, by dpse-fast.
__version__ = f"3.2.0+dpse.fast.{version('dpse-fast')}"
__all__ = ["DeepPotential", "__version__"]


def DeepPotential(*args: Any, **kwargs: Any) -> Any:
    """`deepmd.infer.DeepPot` with these arguments."""
    from .infer import DeepPotential

    return DeepPotential(*args, **kwargs)


class _RestOfDeepmdKit:
    """Says of other modules of deepmd-kit who has them; the last to be asked."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> None:
        if name.startswith(f"{__name__}."):
            raise ModuleNotFoundError(
                f"{name} is not provided by dpse-fast-deepmd, which has deepmd.infer "
                "and deepmd.calculator; pip install deepmd-kit has the rest",
                name=name,
            )


sys.meta_path.append(_RestOfDeepmdKit)  # type: ignore[arg-type]
