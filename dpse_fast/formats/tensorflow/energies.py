"""Constant energies of each type, and the net in the vacuum of ``atom_ener``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...array_types import Doubles
from ...errors import ModelFileError
from ...model import Net, Parameters
from ..constant_inputs import vacuum
from .fitting import final_scope
from .graph import Graph, Node
from .layers import PASS_ON, products
from .parameters import variable

_TO_DIFFERENCE = (*PASS_ON, "Reshape", "BiasAdd", "Add", "AddV2")


@dataclass(frozen=True, eq=False)
class ConstantEnergies:
    """E = (net − vacuum)·scale + bias, all (n_types,) in eV.

    ``statistics`` is ``t_bias_atom_e``, which ``bias`` includes; zeros without.
    """

    bias: Doubles
    scale: Doubles
    statistics: Doubles
    vacuum: tuple[Net | None, ...]


def constant_energies(
    graph: Graph,
    nets: tuple[Net, ...],
    n_descriptor: int,
    parameters: Sequence[Parameters | None],
) -> ConstantEnergies:
    """What the graph adds to and takes off the fitting nets' values.

    deepmd-kit 1 to 2.1 bake the bias into the last layer; in the vacuum a type's
    vector stays, so that the nets of the types already contain it.
    """
    n = len(nets)
    statistics = _per_type(graph, "t_bias_atom_e", n, 0.0)
    scale = _per_type(graph, "t_out_std", n, 1.0)
    assigned = [_assigned(graph, t) for t in range(n)]
    removed = [energy is not None for energy in assigned]
    constants, without = vacuum(nets, removed, n_descriptor, parameters)
    bias = statistics + [energy or 0.0 for energy in assigned] - constants
    bias = bias * scale + _per_type(graph, "t_out_bias", n, 0.0)
    return ConstantEnergies(bias, scale, statistics, without)


def _per_type(graph: Graph, name: str, n: int, default: float) -> Doubles:
    found = variable(graph, name, n)
    return np.full(n, default) if found is None else found


def _assigned(graph: Graph, t: int) -> float | None:
    """The energy in vacuum that replaces net(0) of type t; None if nothing does.

    The graph then holds the net twice, its second copy on a zero descriptor.
    deepmd-kit 1 to 2.1: net(D) + (E_t − net(0)); later net(D) − net(0), with E_t
    in ``t_bias_atom_e``.
    """
    uses = products(graph, f"{final_scope(graph, t)}/matrix")
    if len(uses) == 1:
        return None
    difference = _difference(graph, uses)
    if len(uses) != 2 or difference is None:
        raise ModelFileError(
            f"the fitting net of type {t} is used {len(uses)} times in a way that is "
            "not atom_ener; expected a graph of deepmd-kit"
        )
    minuend = difference.input(0)
    return graph.scalar(minuend) if graph.is_constant(minuend) else 0.0


def _difference(graph: Graph, uses: list[Node]) -> Node | None:
    found = [
        node
        for use in uses
        for node in graph.after(use.name, _TO_DIFFERENCE)
        if node.op == "Sub"
    ]
    return found[0] if found else None
