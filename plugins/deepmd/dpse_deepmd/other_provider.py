"""Whether something else provides the package ``deepmd``, and what to do then."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.machinery import PathFinder
from importlib.metadata import distributions
from pathlib import Path

PROVIDED = Path(__file__).resolve().parent / "provided"


def other_provider() -> str | None:
    """What other ``deepmd`` Python would find, by its distribution or its folder."""
    return found_in([p for p in sys.path if Path(p).resolve() != PROVIDED])


def found_in(folders: Iterable[str]) -> str | None:
    """The ``deepmd`` in these folders of packages, or None."""
    places = list(folders)
    spec = PathFinder.find_spec("deepmd", places)
    if spec is None or spec.origin is None:  # nothing, or a folder without a package
        return None
    for distribution in distributions(path=places):
        if any(_is_package(str(file)) for file in distribution.files or ()):
            return f"{distribution.metadata['Name']} {distribution.version}"
    return spec.origin


def _is_package(file: str) -> bool:
    return file in ("deepmd/__init__.py", "deepmd.py")


def advice(found: str) -> str:
    """One sentence for who has it."""
    return (
        f"{found} provides the package deepmd in this environment; keep it and write "
        "'from dpse_fast.deepmd import DeepPot, DP', or install dpse-fast-deepmd in an "
        "environment without it"
    )
