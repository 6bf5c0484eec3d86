"""TorchScript models of deepmd-kit v3."""

from __future__ import annotations

from ...model import Model
from .. import version3
from ..tree import Tree
from .classes import native_members, reject_class


def read(root: Tree) -> Model:
    """The model of the scripted object tree.

    Raises
    ------
    ModelFileError
        If a value is missing or odd, or the model is not supported.
    """
    reject_class(root, "model", ("EnergyModel", "DPZBLModel"))
    tree = root.with_members(native_members)
    return version3.read(tree, "TorchScript (.pth)", pytorch=True)
