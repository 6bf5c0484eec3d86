"""GraphDef → Model."""

from __future__ import annotations

from ...errors import ModelFileError
from ...model import (
    Model,
    unnamed_types,
)
from . import wire
from .descriptor import descriptors
from .energies import constant_energies
from .fitting import fitting_nets
from .graph import Graph
from .pair_table import pair_table
from .parameters import parameters
from .script import read_script
from .supported import check
from .text import graph_from_text, looks_like_text
from .type_embedding import shown_vectors, type_vectors
from .version_0 import SWITCH, is_version_0

_TYPE_MAP = "model_attr/tmap"
_VERSION = "model_attr/model_version"
_MIN_DISTANCE = "train_attr/min_nbor_dist"
_MAX_TYPE_MAP = 1 << 16
_LFS = b"version https://git-lfs"
_FIRST_RELEASE = ("DescrptSeA", "DescrptSeR")


def looks_like_graph(data: memoryview | bytes) -> bool:
    """Whether the first bytes are a GraphDef's first node: its name, its kind."""
    view = memoryview(data).cast("B")
    try:
        key, at = wire.varint(view, 0)
        size, at = wire.varint(view, at)
        if key != 0x0A or not 0 < size <= len(view) - at:
            return False
        start = list(_first_fields(view[at : at + min(size, 4096)], 2))
    except ModelFileError:
        return False
    return [number for number, _ in start] == [1, 2] and all(
        value.isascii() and value.decode().isprintable() for _, value in start
    )


def read(data: memoryview | bytes, source: str) -> Model:
    """The model in the bytes of a frozen graph, binary or text.

    Parameters
    ----------
    data : the whole file
    source : its name, for messages

    Raises
    ------
    ModelFileError
        If the bytes are no complete GraphDef, or the graph is not an energy
        model of a supported kind; the message names what it is.
    """
    view = memoryview(data).cast("B")
    kind = "TensorFlow frozen graph"
    try:
        if bytes(view[: len(_LFS)]) == _LFS:
            raise ModelFileError(
                "a git-LFS pointer, not the model itself; fetch it with git lfs pull"
            )
        if looks_like_text(view):
            view, kind = memoryview(graph_from_text(view)), f"{kind} as text"
        elif not looks_like_graph(view):
            raise ModelFileError(
                "not a TensorFlow graph: it does not begin with a node; expected a "
                ".pb or .pbtxt file written by dp freeze or dp compress"
            )
        return _model(Graph(view), kind)
    except ModelFileError as error:
        raise ModelFileError(f"{source}: {error}") from None


def _model(graph: Graph, kind: str) -> Model:
    script = read_script(graph)
    check(graph, script)
    found = descriptors(graph, script)
    environments = [environment for environment, _ in found]
    parts = tuple(part for _, part in found)
    n, n_descriptor = parts[0].n_types, sum(part.n_out for part in parts)
    fparam, aparam = (parameters(graph, name) for name in ("fparam", "aparam"))
    vectors = type_vectors(graph, "", n)
    nets = fitting_nets(graph, n, n_descriptor, vectors)
    energies = constant_energies(graph, nets, n_descriptor, (fparam, aparam))
    names = _type_map(graph, n)
    provenance = {"format": kind, **_versions(graph)}
    if not names:
        provenance["type_map"] = "empty in the file"
    if any(part.compressed for part in parts):
        provenance["compressed"] = "yes"
    return Model(
        type_map=names or unnamed_types(n),
        descriptors=parts,
        fitting=nets,
        bias=energies.bias,
        scale=energies.scale,
        fparam=fparam,
        aparam=aparam,
        vacuum=energies.vacuum,
        pair_table=pair_table(graph, environments, energies.statistics),
        min_distance=graph.scalar(_MIN_DISTANCE) if _MIN_DISTANCE in graph else None,
        type_embeddings=shown_vectors(graph, vectors),
        provenance=provenance,
    )


def _type_map(graph: Graph, n: int) -> tuple[str, ...]:
    text = graph.string(_TYPE_MAP) if _TYPE_MAP in graph else b""
    names = str(text[:_MAX_TYPE_MAP], "utf-8", "replace").split()
    if names and len(names) != n:
        raise ModelFileError(
            f"node {_TYPE_MAP} names {len(names)} types, the descriptor has {n}; "
            "freeze the model again"
        )
    return tuple(names)


def _versions(graph: Graph) -> dict[str, str]:
    version = (
        str(graph.string(_VERSION), "utf-8", "replace") if _VERSION in graph else ""
    )
    if is_version_0(graph):
        written = {"version": version[:40]} if version else {}
        return {"trainer": "deepmd-kit before 1.0", "note": SWITCH, **written}
    if any(name.endswith("_attr/t_out_bias") for name in graph.nodes):
        trainer = "deepmd-kit 3.1.1 or later"
    elif graph.with_op(*_FIRST_RELEASE):
        trainer = "deepmd-kit 1"
    else:
        trainer = {"1.0": "deepmd-kit 2.0"}.get(version, "deepmd-kit")
    return {"version": version[:40] or "1", "trainer": trainer}


def _first_fields(data: memoryview, count: int) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    for number, _, value in wire.fields(data):
        if not isinstance(value, memoryview):
            break
        found.append((number, bytes(value)))
        if len(found) == count:
            break
    return found
