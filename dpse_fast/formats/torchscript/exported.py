"""Exported PyTorch programs (``.pt2``, ``.pte``): the native dictionary beside them."""

from __future__ import annotations

from dataclasses import replace

from ...errors import ModelFileError
from ...model import Descriptor, Model
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
    if _runs_on_a_graph(archive):
        parts = tuple(_without_slots(d) for d in model.descriptors)
        return replace(model, descriptors=parts)
    return model


def _text(archive: Archive, ending: str) -> bytes | None:
    names = [n for n in archive.names if n == ending or n.endswith(f"/{ending}")]
    if len(names) > 1:
        raise ModelFileError(f"holds {ending} more than once; the file is damaged")
    if not names:
        return None
    return archive.read(names[0])


def _runs_on_a_graph(archive: Archive) -> bool:
    """Whether the program takes a graph of all pairs within the cutoff."""
    text = _text(archive, _METADATA)
    if text is None:
        return False
    kind = Tree(parse_json(text), "metadata", list_values(len(text))).text(
        "lower_input_kind", "nlist"
    )
    return kind != "nlist"


def _without_slots(descriptor: Descriptor) -> Descriptor:
    """The descriptor that counts every pair within the cutoff, and nothing else.

    The dictionary states ``sel``, and deepmd-kit's program does not look at it.
    """
    return replace(descriptor, padding=(), list_size=0, keeps_all=True)
