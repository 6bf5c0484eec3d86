"""Descriptors from their environments: embedding, normalisation, exclusions."""

from __future__ import annotations

import numpy as np

from ...errors import ModelFileError
from ...model import Descriptor, SeE2A, SeE2R
from .embedding import Pair, pair_embeddings
from .environment import Environment, environments
from .graph import Graph
from .rows import axis_and_divisor, excluded_pairs, mean_divisor
from .script import DescriptorScript, Script
from .type_embedding import type_vectors
from .typed_embedding import TypedEmbedding, is_typed, typed_embedding


def descriptors(
    graph: Graph, script: Script
) -> tuple[tuple[Environment, Descriptor], ...]:
    """Every descriptor with its environment, in the order of the fitting inputs."""
    return tuple(
        (environment, _descriptor(graph, environment, script))
        for environment in environments(graph)
    )


def _descriptor(graph: Graph, environment: Environment, script: Script) -> Descriptor:
    section = script.descriptor(environment.suffix)
    excluded = excluded_pairs(graph, environment)
    _check_mask(graph, environment, section, excluded)
    if environment.components == 1:
        return _radial(graph, environment, section, excluded)
    embedded = _embedded(graph, environment, section, excluded)
    axis, divisor = axis_and_divisor(graph, environment, section)
    return SeE2A(
        rcut=environment.rcut,
        rcut_smth=environment.rcut_smth,
        sel=environment.sel,
        axis_neuron=axis,
        davg=environment.davg,
        dstd=environment.dstd,
        embedding=embedded.rows,
        padding=embedded.padding,
        normalisation=divisor,
        excluded=excluded if environment.mixed else frozenset(),
        switch_float32=True,
        mixed=environment.mixed,
    )


def _embedded(
    graph: Graph,
    environment: Environment,
    section: DescriptorScript,
    excluded: frozenset[Pair],
) -> TypedEmbedding:
    if environment.mixed or is_typed(graph, environment.suffix):
        vectors = type_vectors(graph, environment.suffix, environment.n_types)
        return typed_embedding(graph, environment, vectors, excluded)
    return TypedEmbedding(pair_embeddings(graph, environment, section, excluded))


def _radial(
    graph: Graph,
    environment: Environment,
    section: DescriptorScript,
    excluded: frozenset[Pair],
) -> SeE2R:
    """se_e2_r, where the mask of a pair sets empty slots to the row 0 too."""
    davg = np.array(environment.davg)
    for pair in excluded:
        davg[pair] = 0
    return SeE2R(
        rcut=environment.rcut,
        rcut_smth=environment.rcut_smth,
        sel=environment.sel,
        davg=davg,
        dstd=environment.dstd,
        embedding=pair_embeddings(graph, environment, section, excluded),
        normalisation=mean_divisor(graph, environment),
        excluded=excluded,
        switch_float32=True,
    )


def _check_mask(
    graph: Graph,
    environment: Environment,
    section: DescriptorScript,
    excluded: frozenset[Pair],
) -> None:
    """Nets that serve all centres cannot leave out pairs without a mask."""
    scope = f"{environment.scope('all')}/"
    shared = any(name.startswith(scope) for name in graph.nodes)
    if shared and section.excluded(environment.n_types) and not excluded:
        raise ModelFileError(
            "the training script has exclude_types, but the mask of the pairs is not "
            "found in the graph; freeze the model again with deepmd-kit 2.1 or later"
        )
