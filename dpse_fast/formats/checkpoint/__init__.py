"""Checkpoints of deepmd-kit's PyTorch trainer (``.pt``), read without PyTorch.

A checkpoint keeps the tensors of every branch under their attribute names, and the
options of the training. Together they are the native dictionary of each branch.
"""

from __future__ import annotations

from typing import Any

from ...model import Model
from .. import native
from ..tree import ToArray, Tree
from .branch import branch_names, branch_of
from .native_dict import model_dict

__all__ = ["branch_names", "read", "training_script"]


def read(value: Any, to_array: ToArray, head: str | None) -> Model:
    """The model of one branch.

    Parameters
    ----------
    value : what the pickle of the checkpoint holds
    to_array : makes an array of a stored tensor
    head : the branch, None if there is one only

    Raises
    ------
    ModelFileError
        If this is no checkpoint of deepmd-kit, the branch is not named or unknown,
        or its model is not supported.
    """
    branch = branch_of(value, to_array, head)
    tree = {
        "software": "deepmd-kit",
        "backend": "PyTorch",
        "model": model_dict(branch.options, branch.tensors["atomic_model"]),
        "@variables": {"min_nbor_dist": branch.tensors.raw("min_nbor_dist", None)},
    }
    kind = f"PyTorch checkpoint (.pt), branch {branch.name}"
    return native.read_tree(Tree(tree, "", to_array), kind)


def training_script(value: Any, to_array: ToArray, head: str | None) -> Any:
    """The options of the branch's model, as `read` finds it."""
    return branch_of(value, to_array, head).options.value
