"""The standard model of v3: descriptors and the fitting behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...array_types import Doubles
from ...errors import ModelFileError
from ...model import Descriptor, Model
from ..tree import Tree, located
from .arrays import energies_by_type, excluded_pairs, excluded_types
from .descriptors import read_parts
from .fitting import read_fitting
from .parts import type_embeddings
from .supported import check_class, reject_training_input
from .tensorflow import needs_tensorflow

# Beside the fitting of a scripted model: what masks its nets, `out_bias` apart.
SILENT_TYPES = "types_without_net"


def read_standard(tree: Tree) -> Model:
    """The model, without what the file says about it.

    Raises
    ------
    ModelFileError
        If it is not supported, or a value is missing or odd.
    """
    for key in ("descriptor", "fitting"):
        if not tree.has(key):
            reject_training_input(tree, key)
    check_class(tree, 2, "Model")
    tensorflow = needs_tensorflow(tree["descriptor"])
    parts = read_parts(tree["descriptor"], tensorflow)
    n_types = parts[0].descriptor.n_types
    if any(part.descriptor.n_types != n_types for part in parts):
        raise ModelFileError(
            f"{tree.where('descriptor')}: its parts have several numbers of types"
        )
    descriptors = [part.descriptor for part in parts]
    _reject_masks_beyond_cutoff(tree, descriptors)
    size = 0 if tensorflow else list_size(descriptors)
    fitting = read_fitting(tree["fitting"], parts, tensorflow)
    included = included_types(tree, n_types)
    heard = included.copy()
    heard[list(excluded_types(tree, SILENT_TYPES, n_types))] = 0
    _reject_own_exclusions(tree["fitting"], heard)
    scale = heard * (_deviations(tree, n_types) if tensorflow else 1.0)
    bias = fitting.bias * scale + energies_by_type(tree, "out_bias", n_types)
    with located(tree.place):
        return Model(
            type_map=tuple(tree.texts("type_map")),
            descriptors=tuple(
                d if d.mixed else replace(d, list_size=size) for d in descriptors
            ),
            fitting=fitting.nets,
            bias=bias * included,
            scale=scale,
            fparam=fitting.fparam,
            aparam=fitting.aparam,
            vacuum=fitting.vacuum,
            emptied=excluded_pairs(tree, "pair_exclude_types", n_types),
            type_embeddings=type_embeddings(parts),
        )


def _reject_masks_beyond_cutoff(tree: Tree, parts: Sequence[Descriptor]) -> None:
    """Refuse exclusions that reach beyond the cutoff of the part that has them.

    deepmd-kit gives the parts of a hybrid one neighbour list; an excluded pair takes
    its slot up to the longest cutoff, where an empty slot would have counted.
    """
    longest = max(part.rcut for part in parts)
    for k, part in enumerate(parts):
        if part.excluded and part.rcut < longest and np.any(part.davg[..., 0]):
            raise ModelFileError(
                f"{tree.where('descriptor')}: part {k} of the hybrid has "
                f"exclude_types, a mean other than zero and a shorter cutoff "
                f"({part.rcut:g} Å) than another part ({longest:g} Å), so that pairs "
                "beyond its cutoff change its energy; this is not supported, train it "
                "with set_davg_zero"
            )


def list_size(descriptors: Sequence[Descriptor]) -> int:
    """Neighbours in the one list that serves all these descriptors.

    It keeps the nearest, whatever their types, before each descriptor picks its own.
    """
    if any(d.mixed for d in descriptors):
        return max(d.n_slots for d in descriptors)
    return int(np.max([d.sel for d in descriptors], axis=0).sum())


def _deviations(tree: Tree, n_types: int) -> Doubles:
    """``out_std``, by which only TensorFlow multiplies energies; 1 if there is none."""
    if not tree.has("out_std"):
        return np.ones(n_types)
    return energies_by_type(tree, "out_std", n_types)


def included_types(tree: Tree, n_types: int) -> Doubles:
    """1 for every type, 0 for those whose energy the model leaves out."""
    excluded = excluded_types(tree, "atom_exclude_types", n_types)
    return np.array([float(t not in excluded) for t in range(n_types)])


def _reject_own_exclusions(fitting: Tree, included: Doubles) -> None:
    """Refuse types that the fitting alone excludes: no version writes such a file."""
    if included[list(excluded_types(fitting, "exclude_types", included.size))].any():
        raise ModelFileError(
            f"{fitting.where('exclude_types')}: types that the fitting excludes and "
            "the model does not, which deepmd-kit forgets on loading; exclude them in "
            "the model (atom_exclude_types)"
        )
