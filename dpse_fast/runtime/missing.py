"""The one error for an optional package that is not installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..errors import DpseError


class MissingPackageError(DpseError, ImportError):
    """An optional package that is needed is not installed."""


def package(module: str, install: str) -> Any:
    """Import a module of an optional package.

    Parameters
    ----------
    module : its name
    install : what ``pip install`` has to be told

    Raises
    ------
    MissingPackageError
        If it is not installed; a package that is there and fails raises its own.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise
        raise MissingPackageError(
            f"{module} is not installed in this environment: pip install {install!r}"
        ) from error
