"""GraphDef → Model."""

from __future__ import annotations

from ...errors import ModelFileError
from ...model import EmbeddingTable, Model, unnamed_types
from . import wire
from .descriptor import descriptor
from .fitting import constant_energies, fitting_nets
from .graph import Graph, Node
from .script import read_script
from .supported import environment

_TYPE_MAP = "model_attr/tmap"
_VERSION = "model_attr/model_version"
_MIN_DISTANCE = "train_attr/min_nbor_dist"
_MAX_TYPE_MAP = 1 << 16
_LFS = b"version https://git-lfs"


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
    """The model in the bytes of a frozen graph.

    Parameters
    ----------
    data : the whole file
    source : its name, for messages

    Raises
    ------
    ModelFileError
        If the bytes are no complete GraphDef, or the graph is not an energy
        model with the descriptor se_e2_a; the message names what it is.
    """
    view = memoryview(data).cast("B")
    try:
        if bytes(view[: len(_LFS)]) == _LFS:
            raise ModelFileError(
                "a git-LFS pointer, not the model itself; fetch it with git lfs pull"
            )
        if not looks_like_graph(view):
            raise ModelFileError(
                "not a TensorFlow graph: it does not begin with a node; expected a "
                "binary .pb file written by dp freeze or dp compress"
            )
        return _model(Graph(view))
    except ModelFileError as error:
        raise ModelFileError(f"{source}: {error}") from None


def _model(graph: Graph) -> Model:
    script = read_script(graph)
    node = environment(graph, script)
    sea = descriptor(graph, node, script)
    nets = fitting_nets(graph, sea.n_types)
    bias, scale = constant_energies(graph, nets)
    names = _type_map(graph, sea.n_types)
    provenance = _provenance(graph, node)
    if not names:
        provenance["type_map"] = "empty in the file"
    if any(isinstance(g, EmbeddingTable) for row in sea.embedding for g in row):
        provenance["compressed"] = "yes"
    return Model(
        type_map=names or unnamed_types(sea.n_types),
        descriptors=(sea,),
        fitting=nets,
        bias=bias,
        scale=scale,
        min_distance=graph.scalar(_MIN_DISTANCE) if _MIN_DISTANCE in graph else None,
        provenance=provenance,
    )


def _type_map(graph: Graph, n: int) -> tuple[str, ...]:
    text = graph.string(_TYPE_MAP) if _TYPE_MAP in graph else b""
    names = str(text[:_MAX_TYPE_MAP], "utf-8", "replace").split()
    if names and len(names) != n:
        raise ModelFileError(
            f"node {_TYPE_MAP} names {len(names)} types, the descriptor's sel has {n}; "
            "freeze the model again"
        )
    return tuple(names)


def _provenance(graph: Graph, node: Node) -> dict[str, str]:
    version = (
        str(graph.string(_VERSION), "utf-8", "replace") if _VERSION in graph else ""
    )
    if any(name.endswith("_attr/t_out_bias") for name in graph.nodes):
        trainer = "deepmd-kit 3.1.1 or later"
    elif node.op == "DescrptSeA":
        trainer = "deepmd-kit 1"
    else:
        trainer = {"1.0": "deepmd-kit 2.0"}.get(version, "deepmd-kit")
    return {
        "format": "TensorFlow frozen graph",
        "version": version[:40] or "1",
        "trainer": trainer,
    }


def _first_fields(data: memoryview, count: int) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    for number, _, value in wire.fields(data):
        if not isinstance(value, memoryview):
            break
        found.append((number, bytes(value)))
        if len(found) == count:
            break
    return found
