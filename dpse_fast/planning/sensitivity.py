"""The norm in which a fitting net's first layer sees the embedding."""

from __future__ import annotations

import numpy as np

from ..array_types import Floats
from ..model import Descriptor
from .sampled import Sampled

SAMPLED_ATOMS = 24  # of a type in each structure
# Directions that the first layer hardly sees keep this part of the largest weight.
LEAST_SENSITIVITY = 1e-5


def of_products(
    sampled: Sampled, descriptor: Descriptor, k: int, species: int, weight: Floats
) -> Floats:
    """(M, M) of a centre type's descriptor k, from moments of sampled atoms.

    Parameters
    ----------
    weight : (n_out, n_1) the descriptor's part of the first layer
    """
    moments = sampled.moments(k, species, SAMPLED_ATOMS)
    return sensitivity(moments, weight, descriptor.n_axis)


def of_sums(
    sampled: Sampled, descriptor: Descriptor, k: int, species: int, weight: Floats
) -> Floats:
    """As `of_products`; the first layer sees all sums alike."""
    return radial_sensitivity(weight)


def sensitivity(moments: Floats, weight: Floats, axis: int) -> Floats:
    """L (M, M) with |Lᵀ δ| the change of the first layer by a change δ of a T_c.

    The root mean square over sampled moments and components c.

    Parameters
    ----------
    moments : (n, 4, M)
    weight : (M · axis, n_out)
    """
    width = moments.shape[2]
    cube = weight.astype(np.float64).reshape(width, axis, -1)
    total = np.zeros((width, width))
    samples = moments.reshape(-1, width)
    by_axis = cube.transpose(1, 0, 2).reshape(axis, -1)
    by_width = cube.reshape(width, -1)
    for t in samples:
        jacobian = (t[:axis] @ by_axis).reshape(width, -1)
        jacobian[:axis] += (t @ by_width).reshape(axis, -1)
        total += jacobian @ jacobian.T
    return _root(total / len(samples))


def radial_sensitivity(weight: Floats) -> Floats:
    """As `sensitivity` where D is the sum of the embeddings, weight (M, n_out)."""
    cube = weight.astype(np.float64)
    return _root(cube @ cube.T)


def _root(square: Floats) -> Floats:
    values, vectors = np.linalg.eigh(square)
    roots = np.sqrt(np.maximum(values, 0.0))
    roots = np.maximum(roots, LEAST_SENSITIVITY * max(roots.max(), 1e-300))
    return np.asarray((vectors * roots) @ vectors.T)
