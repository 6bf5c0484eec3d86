"""Exported PyTorch programs (``.pt2``, ``.pte``): the native dictionary beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import ModelFileError
from ...model import Descriptor, Layer, Model, Net
from .. import native
from ..native_values import list_values, parse_json
from ..tree import Tree, located
from .archive import Archive

_DICTIONARY = "extra/model.json"
_METADATA = "extra/metadata.json"


def is_exported(archive: Archive) -> bool:
    """Whether `torch.export` wrote the archive."""
    return any(
        name.endswith((f"/{_DICTIONARY}", "/archive_format")) or name == _DICTIONARY
        for name in archive.names
    )


def read(archive: Archive) -> Model:
    """The model of the dictionary; the program itself is not looked at.

    Raises
    ------
    ModelFileError
        If there is no dictionary, or it is damaged or not supported.
    """
    text = _text(archive, _DICTIONARY)
    if text is None:
        raise ModelFileError(
            "an exported PyTorch program without the model of deepmd-kit "
            f"({_DICTIONARY}), as other programs write it; if the model is of "
            "deepmd-kit, convert what it was made from with dp convert-backend"
        )
    with located(_DICTIONARY):
        value = parse_json(text)
    tree = Tree(value, "", list_values(len(text)))
    kind = "exported PyTorch program (.pt2, .pte)"
    model = native.read_tree(tree, kind, pytorch=False)
    if _sees_real_pairs_only(archive):
        parts = tuple(_without_empty_slots(d) for d in model.descriptors)
        return replace(model, descriptors=parts)
    return model


def _text(archive: Archive, ending: str) -> bytes | None:
    names = [n for n in archive.names if n == ending or n.endswith(f"/{ending}")]
    if len(names) > 1:
        raise ModelFileError(f"holds {ending} more than once; the file is damaged")
    if not names:
        return None
    return archive.read(names[0])


def _sees_real_pairs_only(archive: Archive) -> bool:
    """Whether the program runs on a graph of pairs, which has no empty slots."""
    text = _text(archive, _METADATA)
    if text is None:
        return False
    kind = Tree(parse_json(text), "metadata", list_values(len(text))).text(
        "lower_input_kind", "nlist"
    )
    return kind != "nlist"


def _without_empty_slots(descriptor: Descriptor) -> Descriptor:
    """The descriptor to which an empty slot adds nothing."""
    if not descriptor.family.has_products or not np.any(descriptor.davg[..., 0]):
        return descriptor
    width = descriptor.width
    nothing = Net((Layer(np.zeros((1, width)), np.zeros(width), "linear"),))
    return replace(descriptor, padding=(nothing,) * descriptor.n_types)
