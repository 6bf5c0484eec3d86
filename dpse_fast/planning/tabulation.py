"""Tables of a model's embeddings, refined until they are accurate enough."""

from __future__ import annotations

import numpy as np

from ..cpu.fitting_net import FittingNet
from ..errors import AccuracyWarning, warn
from ..model import Descriptor, Model
from ..plan.accuracy import Accuracy
from ..plan.domain import shortest_bond, trained_types
from ..plan.jets import RadialEmbedding, switch_of
from ..plan.nets import net_definition
from ..plan.pair_functions import Pair
from ..plan.tables import TableBuilder, Tables, first_edges
from .reference import Reference

EXACT = 3e-12  # of max|G|: what tol=0 converges the tables to
LOOSEST = 1e-6
LEVEL_STEP = 4.0  # from the error of one table to that of the next finer
CONVERGED = 1e-8  # eV/Å; a larger force error at tol=0 is said
SHORTEST = 0.1  # Å; tables start here


class Tabulation:
    """The tables of a model's pairs of types, from coarse to fine.

    Parameters
    ----------
    types : the types that count

    Attributes
    ----------
    functions : by descriptor, the embedding of each pair; equal ones are one object
    empty : by descriptor, (T, G, M) what an empty slot adds
    """

    functions: tuple[dict[Pair, RadialEmbedding], ...]

    def __init__(self, model: Model, types: frozenset[int]) -> None:
        self.functions = tuple(d.family.functions(d, types) for d in model.descriptors)
        self.empty = tuple(d.family.empty(d, types) for d in model.descriptors)
        self._builders: dict[int, TableBuilder] = {}
        for descriptor, pairs in zip(model.descriptors, self.functions, strict=True):
            for f in pairs.values():
                if id(f) not in self._builders:
                    self._builders[id(f)] = _builder(model, descriptor, f)
        order = np.arange(model.n_descriptor + model.n_parameters)
        packed: dict[tuple[int, ...], np.ndarray] = {}
        nets = {
            t: FittingNet(net_definition(model.fitting[t], order), np.float64, packed)
            for t in sorted(trained_types(model, types))
        }
        self._reference = Reference(model, self.functions, nets, self.empty)
        self.relative = LOOSEST

    def at(self, relative: float) -> tuple[Tables, Accuracy]:
        """The tables with this error relative to max|G|, and what they cost.

        Each call must ask for as much as the ones before.
        """
        self.relative = max(relative, EXACT)
        built = {}
        for key, builder in self._builders.items():
            builder.refine(self.relative)
            built[key] = builder.table()
        tables = tuple(
            {pair: built[id(f)] for pair, f in pairs.items()}
            for pairs in self.functions
        )
        return tables, self._reference.measure(tables)

    def levels(self, force: float) -> tuple[list[Tables], Accuracy]:
        """Tables from the coarsest on to those within ``force`` eV/Å, and these' cost.

        Warns with an AccuracyWarning where converged tables do not reach it.
        """
        found = []
        while True:
            tables, accuracy = self.at(self.relative)
            found.append(tables)
            if accuracy.force <= force:
                return found, accuracy
            if self.relative <= EXACT:
                warn(
                    f"tol: the tables reach a force error of {accuracy.force:.1e} eV/Å "
                    f"on sampled environments, not {force:.1e}; the embedding is not "
                    "smooth enough",
                    AccuracyWarning,
                )
                return found, accuracy
            self.relative /= LEVEL_STEP

    def converged(self) -> tuple[Tables, Accuracy]:
        """The finest tables; warns where they are not accurate."""
        self.relative = EXACT
        found, accuracy = self.levels(CONVERGED)
        return found[-1], accuracy


def _builder(
    model: Model, descriptor: Descriptor, function: RadialEmbedding
) -> TableBuilder:
    switch = switch_of(descriptor)
    shortest = min(SHORTEST, 0.1 * switch.cutoff)
    typical = shortest_bond(model, switch.cutoff)
    edges = first_edges(shortest, switch.start, switch.cutoff)
    return TableBuilder(function, edges, function.breakpoints(shortest), typical)
