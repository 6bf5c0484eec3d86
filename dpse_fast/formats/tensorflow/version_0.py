"""Graphs of deepmd-kit before 1.0, and what ``dp convert-from 0.12`` makes of them.

They hold se_e2_a under other names: the operation is DescrptNorot, the nets of a
centre type stand in the scope DS_layer_type_*, and nothing names the types, the kind
or the version. The converter renames operations and adds what later versions ask for.
"""

from __future__ import annotations

import re
from collections import Counter

from ...errors import ModelFileError
from .graph import Graph

OPERATION = "DescrptNorot"
PREFIX = "DS_layer_type_"
SWITCH = (
    "the switch is quintic, as in deepmd-kit 0.12 and later; if an earlier version "
    "(0.9 to 0.11) trained it, that had a cosine, which no file tells"
)
_NUMBER_OF_TYPES = ("t_ntypes", "descrpt_attr/ntypes")
_MOMENTS = re.compile(rf"({PREFIX}\d{{1,4}})/MatMul(_\d{{1,4}})?")


def is_version_0(graph: Graph) -> bool:
    """Whether deepmd-kit before 1.0 wrote the graph, converted or not."""
    return any(name.startswith(PREFIX) for name in graph.nodes)


def check_version_0(graph: Graph) -> None:
    """Refuse what deepmd-kit evaluates by another function.

    Raises
    ------
    ModelFileError
        If the graph is of deepmd-kit 0.8, whose switch function was a cosine, or was
        trained with ``type_fitting_net``.
    """
    if not any(name in graph for name in _NUMBER_OF_TYPES):
        raise ModelFileError(
            "a graph of deepmd-kit 0.8 is not supported: its switch function was "
            "another (a cosine), which deepmd-kit 0.12 and later do not have either; "
            "train the model again with deepmd-kit 2 or later"
        )
    axes = Counter(
        node.name.rpartition("/")[0]
        for node in graph.with_op("Slice")
        if node.name.startswith(PREFIX) and _reads_moments(graph, node.input(0))
    )
    if any(count > 1 for count in axes.values()):
        raise ModelFileError(
            "the option type_fitting_net of deepmd-kit before 1.0 (a descriptor for "
            "each pair of neighbour types) is not supported; train the model again "
            "with deepmd-kit 2 or later"
        )


def _reads_moments(graph: Graph, name: str) -> bool:
    """Whether the value is a matrix product over the neighbours, scaled or not."""
    found = graph.before(name, ("Mul", "RealDiv"))
    return found.op.startswith("BatchMatMul") and bool(_MOMENTS.fullmatch(found.name))
