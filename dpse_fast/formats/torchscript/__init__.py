"""TorchScript files (``.pth``), read without PyTorch and without running them."""

from __future__ import annotations

from pathlib import Path

from ...errors import ModelFileError
from ...model import Model
from ..tree import Tree
from . import current, early
from .archive import LARGEST_PICKLE, Archive, open_archive
from .unpickler import unpickle

__all__ = ["read"]


def read(path: Path) -> Model:
    """The model of a zip archive.

    Raises
    ------
    ModelFileError
        If the archive is damaged, is no TorchScript file, or holds a model that
        is not supported.
    """
    with open_archive(path) as archive:
        archive.root = _root(archive)
        pickle = f"{archive.root}/data.pkl"
        if archive.size_of(pickle) > LARGEST_PICKLE:
            raise ModelFileError(f"{pickle} has more than {LARGEST_PICKLE} bytes")
        tree = Tree(unpickle(archive.read(pickle)), "", archive.array)
        return current.read(tree) if tree.has("atomic_model") else early.read(tree)


def _root(archive: Archive) -> str:
    """The folder of the archive, after refusing what is no TorchScript file."""
    names = archive.names
    if any(name.endswith(("extra/model.json", "archive_format")) for name in names):
        raise ModelFileError(
            "an exported PyTorch program (.pt2, .pte) is not read; "
            "convert it with dp convert-backend model.pt2 model.dp"
        )
    if names and all(name.endswith(".npy") for name in names):
        raise ModelFileError(
            "a NumPy archive (.npz) holds no model; give a model file instead"
        )
    roots = [name[: -len("/data.pkl")] for name in names if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise ModelFileError(
            "a zip archive without a model of deepmd-kit; unpack it and give the "
            "model file (.pb, .pth, .dp) inside"
        )
    if not any(name.startswith(f"{roots[0]}/code/") for name in names):
        raise ModelFileError(
            "a PyTorch checkpoint (.pt) is not read, since it may hold any number of "
            "models; freeze it with dp --pt freeze -o model.pth"
        )
    return roots[0]
