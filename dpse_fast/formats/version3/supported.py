"""What is read of deepmd-kit v3, and how the rest is refused."""

from __future__ import annotations

from typing import NoReturn

from ...errors import ModelFileError
from ..other_outputs import why_not
from ..tree import Tree, describe

USE_DEEPMD = "evaluate it with deepmd-kit itself"


def kind_of(tree: Tree, default: str) -> str:
    """What the dictionary calls its ``type``, shown safely if it is no name."""
    kind = tree.raw("type", default)
    return kind if isinstance(kind, str) else describe(kind)


def reject_unsupported(tree: Tree, key: str, what: str) -> NoReturn:
    """Refuse a model that deepmd-kit evaluates, and we do not.

    Parameters
    ----------
    key : the member of the dictionary that says so
    what : ends in "is not supported" or the like
    """
    raise ModelFileError(f"{tree.where(key)}: {what}; {USE_DEEPMD}")


def reject_kind(tree: Tree, kind: str, supported: str) -> NoReturn:
    """Refuse a kind of model, descriptor or fitting, with advice that fits it."""
    if (reason := why_not(kind)) is not None:
        raise ModelFileError(f"{tree.where('type')}: {reason}")
    reject_unsupported(
        tree, "type", f"{describe(kind)} is not supported, only {supported}"
    )


def reject_option(tree: Tree, key: str, meaning: str) -> None:
    """Refuse a dictionary whose option `key` is set."""
    if tree.raw(key, None):
        reject_unsupported(tree, key, f"{meaning} not supported")


def reject_training_input(tree: Tree, key: str) -> NoReturn:
    raise ModelFileError(
        f"{tree.where(key)}: holds no trained values, as in a training input; "
        "give the frozen model, not input.json"
    )


def check_class(tree: Tree, latest: int, *names: str) -> None:
    """Refuse another class than those named, and versions after the latest known."""
    name = tree.text("@class", names[0])
    if name not in names:
        tree.reject("@class", " or ".join(names), name)
    version = tree.raw("@version", 1)
    if version not in range(1, latest + 1):
        raise ModelFileError(
            f"{tree.where('@version')}: version {describe(version)} of a {name} is "
            f"unknown, the latest known is {latest}; update dpse-fast, or export "
            "the model with deepmd-kit 3.2"
        )
