"""deepmd-kit's native model: one dictionary, in HDF5 (``.dp``), YAML or JSON."""

from __future__ import annotations

from ..errors import ModelFileError
from ..model import Model
from . import version3
from .hdf5 import File
from .native_values import dataset_values, list_values, parse_json, parse_text
from .tree import Tree, describe


def read_hdf5(file: File) -> Model:
    """The model of a ``.dp`` (or ``.hlo``) file.

    Raises
    ------
    ModelFileError
        If the file is damaged or holds a model that is not supported.
    """
    text = file.attribute(file.root, "json")
    if not isinstance(text, str):
        raise ModelFileError(f"attribute json: expected text, got {describe(text)}")
    tree = Tree(parse_json(text), "", dataset_values(file))
    return read_tree(tree, "deepmd-kit native HDF5 (.dp)", pytorch=False)


def read_text(text: bytes) -> Model:
    """The model of a ``.yaml`` or ``.json`` file of deepmd-kit.

    Raises
    ------
    ModelFileError
        If the text is no such model or the model is not supported.
    """
    tree = Tree(parse_text(text), "", list_values(len(text)))
    return read_tree(tree, "deepmd-kit native text (.yaml, .json)", pytorch=False)


def read_tree(root: Tree, kind: str, pytorch: bool = True) -> Model:
    """The model of the dictionary, whatever it stands in; see `version3.read`."""
    return version3.read(root.with_members(version3.members), kind, pytorch)
