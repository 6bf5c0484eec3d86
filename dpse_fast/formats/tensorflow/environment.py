"""Environment nodes: which descriptors a graph has, their geometry and statistics."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ...array_types import AnyArray
from ...errors import ModelFileError
from ..statistics import per_neighbour_type, shared_slots
from . import version_0
from .graph import Graph, Node
from .supported import unsupported

_MAX_TYPES = 256
_SCOPE = re.compile(r"descrpt_attr((?:_\d{1,3}){0,3}|_a)/t_avg(/read)?")
_FILTER = "filter_type_"
# The first is se_ar of deepmd-kit 1: its se_a part, then se_r without a suffix.
_FIRST_OF_TWO = "_a"


@dataclass(frozen=True, eq=False)
class _Kind:
    """How an operation calls its attributes."""

    rcut: str
    rcut_smth: str
    sel: str
    components: int
    mixed: bool = False


_ANGULAR = _Kind("rcut_r", "rcut_r_smth", "sel_a", 4)
_RADIAL = _Kind("rcut", "rcut_smth", "sel", 1)
_MIXED = _Kind("rcut_r", "rcut_r_smth", "sel_a", 4, mixed=True)
_KINDS = {
    "ProdEnvMatA": _ANGULAR,
    "DescrptSeA": _ANGULAR,
    "ProdEnvMatR": _RADIAL,
    "DescrptSeR": _RADIAL,
    version_0.OPERATION: _ANGULAR,
    "ProdEnvMatAMix": _MIXED,
}


@dataclass(frozen=True, eq=False)
class Environment:
    """One environment node and what it says.

    Parameters
    ----------
    suffix : of the scopes ``descrpt_attr`` and of the embeddings
    prefix : of the scopes of the embeddings: ``filter_type_``, or ``DS_layer_type_``
        as deepmd-kit before 1.0 calls them
    rcut, rcut_smth : Å
    sel : (n_types,) or (1,) if ``mixed``
    davg, dstd : (n_types, n_types, components)
    components : 4, or 1 with radial information only
    mixed : whether neighbours of all types share the slots
    """

    node: Node
    suffix: str
    prefix: str
    rcut: float
    rcut_smth: float
    sel: tuple[int, ...]
    davg: AnyArray
    dstd: AnyArray
    components: int
    mixed: bool

    def scope(self, centre: int | str) -> str:
        """The scope of the embeddings of a centre type, or of "all"."""
        return f"{self.prefix}{centre}{self.suffix}"

    @property
    def n_types(self) -> int:
        return len(self.davg)

    @property
    def centred(self) -> bool:
        """Whether an empty slot has a row that is not zero."""
        return bool(np.any(self.davg))


def environments(graph: Graph) -> tuple[Environment, ...]:
    """Every environment of the graph, in the order of the descriptors.

    Raises
    ------
    ModelFileError
        If there is none, or what it says fits no descriptor.
    """
    nodes = graph.with_op(*_KINDS)
    if not nodes:
        raise ModelFileError(
            "a TensorFlow graph, but not a Deep Potential: it has no node of the "
            "kind ProdEnvMatA or DescrptSeA; give a model frozen by dp freeze"
        )
    suffixes = [_suffix(node) for node in nodes]
    if len(set(suffixes)) < len(nodes):
        raise unsupported("a linear model (several energies)")
    order = sorted(range(len(nodes)), key=lambda k: _place(suffixes[k]))
    prefix = version_0.PREFIX if version_0.is_version_0(graph) else _FILTER
    found = tuple(_environment(graph, nodes[k], suffixes[k], prefix) for k in order)
    counts = {e.n_types for e in found}
    if len(counts) > 1:
        raise ModelFileError(
            f"the descriptors have statistics of {sorted(counts)} types, expected "
            "the same number in each; freeze the model again"
        )
    return found


def _suffix(node: Node) -> str:
    match = _SCOPE.fullmatch(node.input(-2))
    return match[1] if match else ""


def _place(suffix: str) -> tuple[int, ...]:
    if suffix == _FIRST_OF_TWO:
        return (-1,)
    return tuple(int(number or 0) for number in suffix.split("_"))


def _environment(graph: Graph, node: Node, suffix: str, prefix: str) -> Environment:
    kind = _KINDS[node.op]
    sel = _sel(node, kind)
    davg, dstd = (
        _statistics(graph, node.input(k), sel, kind, empty)
        for k, empty in ((-2, 0.0), (-1, 1.0))
    )
    return Environment(
        node=node,
        suffix=suffix,
        prefix=prefix,
        rcut=node.number(kind.rcut),
        rcut_smth=node.number(kind.rcut_smth),
        sel=sel,
        davg=davg,
        dstd=dstd,
        components=kind.components,
        mixed=kind.mixed,
    )


def _sel(node: Node, kind: _Kind) -> tuple[int, ...]:
    sel = tuple(node.integers(kind.sel))
    most = 1 if kind.mixed else _MAX_TYPES
    if not 0 < len(sel) <= most or any(not 0 <= s < 1 << 31 for s in sel):
        raise ModelFileError(
            f"node {node.name}: {kind.sel} holds {len(sel)} numbers, "
            f"{str(sel[:4])[:40]}…; expected a count for each of 1 to {most} types"
        )
    if kind.components == 4 and any(node.integers("sel_r")):
        raise ModelFileError(
            f"node {node.name}: sel_r is not zero; neighbours with radial information "
            "only inside se_e2_a are not supported, train a hybrid with se_e2_r"
        )
    return sel


def _statistics(
    graph: Graph, name: str, sel: tuple[int, ...], kind: _Kind, empty: float
) -> AnyArray:
    """(n, n, components); a neighbour type of no slots gets ``empty``."""
    values = graph.array(name)
    if values.dtype.kind != "f":
        raise ModelFileError(f"node {name}: expected numbers, got {values.dtype}")
    if not kind.mixed:
        return per_neighbour_type(values, sel, f"node {name}", empty, kind.components)
    n = values.shape[0] if values.ndim else 0
    if not 0 < n <= _MAX_TYPES:
        raise ModelFileError(
            f"node {name}: expected a row for each of 1 to {_MAX_TYPES} types, "
            f"got shape {values.shape}"
        )
    return shared_slots(values, n, sel[0], f"node {name}")
