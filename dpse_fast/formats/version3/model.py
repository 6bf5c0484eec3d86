"""The model of a native dictionary, and what the file says about it."""

from __future__ import annotations

from dataclasses import replace

from ...errors import ModelFileError
from ...model import Model
from ..tree import Tree
from .standard import read_standard
from .supported import kind_of, reject_kind
from .zbl import read_zbl


def read(root: Tree, kind: str, pytorch: bool) -> Model:
    """The model of the dictionary.

    Parameters
    ----------
    root : the dictionary
    kind : the name of the file's format
    pytorch : whether deepmd-kit evaluates such a file by its PyTorch code

    Raises
    ------
    ModelFileError
        If the model is not supported, or a value is missing or odd.
    """
    tree = root if _is_model(root) else root["model"]
    if tree.has("model_dict"):
        raise ModelFileError(
            "model.model_dict: a multi-task model; freeze one branch with "
            "dp --pt freeze --head <name>"
        )
    which = kind_of(tree, "standard")
    if which == "zbl":
        model = read_zbl(tree, pytorch)
    elif which == "standard":
        model = read_standard(tree)
    else:
        reject_kind(tree, which, "standard and zbl energy models")
    tables = any(d.compressed for d in model.descriptors)
    compressed = {"compressed": "yes"} if tables else {}
    return replace(
        model,
        min_distance=_shortest_distance(root),
        provenance=_provenance(root, kind) | compressed,
    )


def _is_model(root: Tree) -> bool:
    """Whether the dictionary is the model itself, without what else files have."""
    return not root.has("model") and any(
        root.has(key) for key in ("descriptor", "models")
    )


def _shortest_distance(root: Tree) -> float | None:
    """The trained minimum distance in Å; deepmd-kit writes −1 for unknown."""
    for place in (root, root["constants"] if root.has("constants") else root):
        if place.has("min_nbor_dist"):
            value = place.array("min_nbor_dist")
            if value.size != 1:
                raise ModelFileError(
                    f"{place.where('min_nbor_dist')}: expected one number, "
                    f"got shape {value.shape}"
                )
            distance = float(value.reshape(()))
            return None if distance < 0 else distance
    return None


def _provenance(root: Tree, kind: str) -> dict[str, str]:
    def shown(key: str) -> str:
        value = root.raw(key, None)
        return value if isinstance(value, str) and value.isprintable() else ""

    known = {
        "format": kind,
        "trainer": f"{shown('software')} {shown('version')}".strip(),
        "backend": shown("backend"),
        "written": shown("time"),
    }
    return {key: value for key, value in known.items() if value}
