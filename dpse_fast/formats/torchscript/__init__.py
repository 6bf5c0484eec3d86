"""Zip archives of PyTorch, read without it and without running what they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...errors import ModelFileError
from ...model import Model
from .. import checkpoint
from ..other_programs import REMEDY, program_of
from ..tree import Tree
from . import current, early, exported, matpl
from .archive import LARGEST_PICKLE, Archive, open_archive
from .unpickler import most_objects, unpickle

__all__ = ["branch_names", "read", "training_script"]


def read(path: Path, head: str | None = None) -> Model:
    """The model of a PyTorch file: ``.pth``, ``.pt``, ``.pt2`` or ``.pte``.

    Parameters
    ----------
    path : the archive
    head : the branch of a checkpoint of several models

    Raises
    ------
    ModelFileError
        If the archive is damaged, is of another kind, or holds a model that is not
        supported.
    """
    with open_archive(path) as archive:
        if exported.is_exported(archive):
            _reject_head(head)
            return exported.read(archive)
        value = _unpickled(archive)
        if not _is_scripted(archive):
            return checkpoint.read(value, archive.array, head)
        _reject_head(head)
        tree = Tree(value, "", archive.array)
        if matpl.is_matpl(tree):
            return matpl.read(tree)
        return current.read(tree) if current.is_current(tree) else early.read(tree)


def training_script(path: Path, head: str | None = None) -> Any:
    """What an archive has of the training input: a text, a dictionary, or None."""
    with open_archive(path) as archive:
        if exported.is_exported(archive):
            return None
        value = _unpickled(archive)
        if not _is_scripted(archive):
            return checkpoint.training_script(value, archive.array, head)
        return Tree(value, "", archive.array).raw("model_def_script", None)


def branch_names(path: Path) -> list[str]:
    """The branches of a checkpoint of several models; none of other archives.

    Raises
    ------
    ModelFileError
        If the archive is damaged or of another kind.
    """
    with open_archive(path) as archive:
        if exported.is_exported(archive):
            return []
        value = _unpickled(archive)
        if _is_scripted(archive):
            return []
        return checkpoint.branch_names(value, archive.array)


def _unpickled(archive: Archive) -> Any:
    archive.root = _root(archive)
    pickle = f"{archive.root}/data.pkl"
    if archive.size_of(pickle) > LARGEST_PICKLE:
        raise ModelFileError(f"{pickle} has more than {LARGEST_PICKLE} bytes")
    return unpickle(archive.read(pickle), most_objects(archive.size))


def _reject_head(head: str | None) -> None:
    if head is not None:
        raise ModelFileError(
            f"head {head[:40]!a}: a frozen model has no branches; leave head out"
        )


def _is_scripted(archive: Archive) -> bool:
    return any(name.startswith(f"{archive.root}/code/") for name in archive.names)


def _root(archive: Archive) -> str:
    """The folder of the archive, after refusing what PyTorch does not write."""
    names = archive.names
    if names and all(name.endswith(".npy") for name in names):
        raise ModelFileError(
            "a NumPy archive (.npz) holds no model; give a model file instead"
        )
    roots = [name[: -len("/data.pkl")] for name in names if name.endswith("/data.pkl")]
    if len(roots) != 1:
        parts = (part for name in names for part in name.split("/")[:3])
        program = next(filter(None, map(program_of, parts)), None)
        if program is not None:
            raise ModelFileError(f"a package of {program} is not read; {REMEDY}")
        raise ModelFileError(
            "a zip archive without a model of deepmd-kit; unpack it and give the "
            "model file (.pb, .pth, .dp) inside"
        )
    return roots[0]
