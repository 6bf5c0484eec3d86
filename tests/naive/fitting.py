"""Atomic energies from descriptors and parameters."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dpse_fast.model import Model, Parameters

from .networks import scalar_net

Array = NDArray[np.float64]


def parameters(
    model: Model, n: int, fparam: ArrayLike | None, aparam: ArrayLike | None
) -> Array:
    """Normalised frame and atomic parameters of n atoms, side by side."""
    columns = [np.empty((n, 0))]
    if model.fparam is not None:
        values = _given(model.fparam, fparam, (model.fparam.count,), "fparam")
        columns.append(np.tile(_normalised(model.fparam, values), (n, 1)))
    if model.aparam is not None:
        shape = (n, model.aparam.count)
        values = _given(model.aparam, aparam, shape, "aparam")
        columns.append(_normalised(model.aparam, values))
    return np.hstack(columns)


def _given(
    p: Parameters, values: ArrayLike | None, shape: tuple[int, ...], name: str
) -> Array:
    if values is None:
        assert p.default is not None, f"the model needs {name}"
        return np.broadcast_to(p.default.astype(np.float64), shape)
    return np.asarray(values, np.float64).reshape(shape)


def _normalised(p: Parameters, values: Array) -> Array:
    return (values - p.mean.astype(np.float64)) * p.scale.astype(np.float64)


def atomic_energies(
    model: Model, features: Array, p: Array, t: NDArray[np.int64]
) -> tuple[Array, Array]:
    """Energies (N,) eV and their derivatives by the features (N, n_descriptor)."""
    energies = np.zeros(len(t))
    gradient = np.zeros_like(features)
    for kind, net in enumerate(model.fitting):
        atoms = t == kind
        value, slope = scalar_net(net, np.hstack([features, p])[atoms])
        if model.vacuum and model.vacuum[kind] is not None:
            value = value - scalar_net(model.vacuum[kind], p[atoms])[0]
        scale = float(model.scale[kind])
        energies[atoms] = value * scale + float(model.bias[kind])
        gradient[atoms] = slope()[:, : features.shape[1]] * scale
    return energies, gradient
