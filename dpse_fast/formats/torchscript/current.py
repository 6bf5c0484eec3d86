"""TorchScript models of deepmd-kit v3 and of its own PyTorch code before the release.

Every commit of early 2024 scripted slightly other objects. What differs is taken
from what is there (`classes.native_members`), never from a date. What changed its
meaning and not its name is refused: until March 2024 a model was its own atomic model,
and in these months gelu and se_e2_r became other functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import ModelFileError
from ...model import Model
from .. import version3
from ..tree import Tree
from .classes import class_of, native_members, reject_class


def read(root: Tree) -> Model:
    """The model of the scripted object tree.

    Raises
    ------
    ModelFileError
        If a value is missing or odd, or the model is not supported.
    """
    reject_class(root, "model", ("EnergyModel", "DPZBLModel"))
    released = root.has("atomic_model")
    if not released and class_of(root.value) != "EnergyModel":
        raise ModelFileError(
            "a zbl model of the PyTorch code before March 2024 is not supported: its "
            "switch counts empty neighbour slots, later versions do not; train or "
            "convert it with deepmd-kit 3"
        )
    tree = root.with_members(native_members if released else _with_one_meaning)
    return version3.read(tree, "TorchScript (.pth)", pytorch=True)


def is_current(root: Tree) -> bool:
    """Whether the object is of deepmd-kit itself, not of the code that it took over."""
    if root.has("atomic_model") or not root.has("descriptor"):
        return root.has("atomic_model")
    descriptor = root["descriptor"]
    inside = ("sea", "se_atten", "descrpt_list")
    if any(descriptor.has(key) for key in inside):
        return True
    return descriptor.has("filter_layers") and descriptor["filter_layers"].has(
        "networks"
    )


def _with_one_meaning(value: Any) -> Mapping[str, Any]:
    """The members; what had two meanings before March 2024 is refused."""
    found = native_members(value)
    if class_of(value) == "DescrptSeR":
        raise ModelFileError(
            "se_e2_r of the PyTorch code before March 2024 is not supported: its "
            "normalisation changed in these weeks (mean of means over 10, mean over "
            "5), which the file does not tell; train it with deepmd-kit 3"
        )
    if str(found.get("activation_function")).lower() == "gelu" and "w" in found:
        raise ModelFileError(
            "the gelu of the PyTorch code before March 2024 (with erf) differs from "
            "today's and is not supported; train with tanh"
        )
    return found
