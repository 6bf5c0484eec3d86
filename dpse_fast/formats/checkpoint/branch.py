"""The branches of a checkpoint: which there are, and the tensors of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ModelFileError
from ..other_programs import REMEDY
from ..tree import ToArray, Tree, describe

_OPTIONS = "_extra_state"
_DEEPEST = 32


@dataclass(frozen=True)
class Branch:
    """One model of a training.

    Parameters
    ----------
    name : Default if the training has one model
    options : the model's part of the training input
    tensors : by their attributes, atomic_model.descriptor.…
    """

    name: str
    options: Tree
    tensors: Tree


def branch_of(value: Any, to_array: ToArray, head: str | None) -> Branch:
    """The branch called `head`, or the only one.

    Raises
    ------
    ModelFileError
        If there is no such branch, or several and `head` is None, or this is no
        checkpoint of deepmd-kit.
    """
    state = _state(value)
    options = Tree(state[_OPTIONS], _OPTIONS, to_array)["model_params"]
    several = options.has("model_dict")
    known = branch_names(value, to_array) or ["Default"]
    name = _choose(known, head, several)
    if several:
        shared = options.raw("shared_dict", None)
        found = _resolved(options["model_dict"].raw(name), shared or {})
        options = Tree(found, f"model_dict.{name}", to_array)
    else:
        options = Tree(options.value, "model_params", to_array)
    tensors = _nested(state, f"model.{name}.")
    if not tensors:
        raise ModelFileError(
            f"a PyTorch checkpoint without tensors of the branch {describe(name)}; "
            "give the file that dp --pt train saved"
        )
    if "atomic_model" not in tensors:
        raise ModelFileError(
            "a checkpoint of the PyTorch code that preceded deepmd-kit v3 is not read; "
            "freeze it with the version that trained it"
        )
    return Branch(name, options, Tree(tensors, f"model.{name}", to_array))


def branch_names(value: Any, to_array: ToArray) -> list[str]:
    """The branches of a training of several models; none of one.

    Raises
    ------
    ModelFileError
        If this is no checkpoint of deepmd-kit.
    """
    options = Tree(_state(value)[_OPTIONS], _OPTIONS, to_array)["model_params"]
    return options["model_dict"].names() if options.has("model_dict") else []


def _state(value: Any) -> Mapping[Any, Any]:
    """The named tensors and options, with or without an optimizer beside them."""
    if isinstance(value, Mapping):
        inner = value.get("model")
        for state in (inner, value):
            if isinstance(state, Mapping) and isinstance(state.get(_OPTIONS), Mapping):
                return state
        if "pytorch-lightning_version" in value:
            raise ModelFileError(
                "a checkpoint of PyTorch Lightning, as of NequIP, is not read; "
                f"{REMEDY}"
            )
        if "json_file" in value and "state_dict" in value:
            raise ModelFileError(
                "a checkpoint of MatPL (PWMLFF) is not read; export it as jit_dp.pt "
                "with its command script, or give that file"
            )
    raise ModelFileError(
        "a PyTorch file that holds no training of deepmd-kit; give a checkpoint of "
        "dp --pt train, or a frozen model (.pth)"
    )


def _choose(known: list[str], head: str | None, several: bool) -> str:
    shown = ", ".join(ascii(name[:40])[1:-1] for name in known[:20])
    if len(known) > 20:
        shown += ", …"
    if head is None:
        if len(known) != 1:
            raise ModelFileError(
                f"a checkpoint of several models; name one with head: {shown}"
            )
        return known[0]
    if not several and head != "Default":
        raise ModelFileError(
            f"a checkpoint of one model has no branch {head[:40]!a}; leave head out"
        )
    if head not in known:
        raise ModelFileError(f"has no branch {head[:40]!a}, only {shown}")
    return head


def _resolved(value: Any, shared: Any) -> Any:
    """The options of a branch with the names of shared ones replaced by them."""
    if not isinstance(value, Mapping) or not isinstance(shared, Mapping):
        return value

    def meaning(item: Any) -> Any:
        name = item.partition(":")[0] if isinstance(item, str) else None
        return shared.get(name, item) if name else item

    found = {key: meaning(item) for key, item in value.items()}
    descriptor = found.get("descriptor")
    if isinstance(descriptor, Mapping) and isinstance(descriptor.get("list"), list):
        parts = [meaning(part) for part in descriptor["list"]]
        found["descriptor"] = {**descriptor, "list": parts}
    return found


def _nested(state: Mapping[Any, Any], prefix: str) -> dict[str, Any]:
    """The tensors whose names start so, as a tree of their attributes."""
    tree: dict[str, Any] = {}
    for name, tensor in state.items():
        if not isinstance(name, str) or not name.startswith(prefix):
            continue
        *path, last = name[len(prefix) :].split(".", _DEEPEST)
        place = tree
        for step in path:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                raise ModelFileError(f"{name[:80]!a}: stands inside another tensor")
            place = inner
        if last in place:
            raise ModelFileError(f"{name[:80]!a}: is there twice")
        place[last] = tensor
    return tree
