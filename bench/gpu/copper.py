"""A stand-in for a published copper model: its architecture, weights at random.

Jia et al., SC20 (arXiv:2005.00223): copper with a cutoff of 8 Å, up to 512 neighbours,
an embedding of 25-50-100 and fitting nets of 240-240-240; axis 16 is deepmd-kit's
default. Energies and forces mean nothing. Random weights say nothing of what a plan
could leave out of a trained model either, so it is meant to be run with `tol=0`, with
every channel and product of the architecture. `bench.gpu` takes a real model in its
place.
"""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from dpse_fast.model import Layer, Model, Net, SeE2A, Skip
from dpse_fast.trajectory import Frame

LATTICE = 3.615  # Å, fcc copper at room temperature
RCUT, RCUT_SMTH, SEL = 8.0, 2.0, 512
EMBEDDING, AXIS, FITTING = (25, 50, 100), 16, (240, 240, 240)
NEAREST = LATTICE / 2**0.5
SKIPS: dict[float, Skip] = {1: "identity", 2: "double"}  # by outputs over inputs
SEED = 29


def copper_cell() -> Frame:
    """The conventional cell of four atoms."""
    corners = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    return Frame(
        name="fcc copper",
        index=0,
        positions=LATTICE * np.array(corners),
        types=np.zeros(4, np.int64),
        names=("Cu",),
        cell=LATTICE * np.eye(3),
        pbc=(True, True, True),
    )


def copper_model(
    embedding: tuple[int, ...] = EMBEDDING,
    fitting: tuple[int, ...] = FITTING,
    axis: int = AXIS,
) -> Model:
    """The model; deepmd-kit's initial weights, its statistics of the crystal."""
    rng = np.random.default_rng(SEED)
    # s(r) of DeepPot-SE (arXiv:1805.09003): 1/r, smooth to zero at the cutoff.
    r = neighbour_distances()
    u = np.clip((r - RCUT_SMTH) / (RCUT - RCUT_SMTH), 0.0, 1.0)
    s = (1 + u**3 * (-10 + u * (15 - 6 * u))) / r
    mean, square = s.sum() / SEL, (s**2).sum() / SEL  # empty slots count
    spread = np.sqrt([square - mean**2, *[square / 3] * 3])
    descriptor = SeE2A(
        rcut=RCUT,
        rcut_smth=RCUT_SMTH,
        sel=(SEL,),
        davg=np.array([[[mean, 0.0, 0.0, 0.0]]]),
        dstd=spread.reshape(1, 1, 4),
        axis_neuron=axis,
        embedding=((_net(rng, 1, *embedding),),),
        normalisation=float(SEL),
    )
    net = _net(rng, embedding[-1] * axis, *fitting)
    return Model(
        type_map=("Cu",),
        descriptors=(descriptor,),
        fitting=(Net((*net.layers, *_net(rng, fitting[-1], 1, linear=True).layers)),),
        bias=np.zeros(1),
        min_distance=0.8 * NEAREST,
        provenance={"description": "random weights in the architecture of copper"},
    )


def neighbour_distances() -> NDArray[np.float64]:
    """(n,) Å, to all neighbours of an atom of the crystal."""
    cells = np.array(list(product(range(-3, 4), repeat=3)))[:, None]
    r = np.linalg.norm(cells * LATTICE + copper_cell().positions, axis=-1).reshape(-1)
    return np.asarray(r[(r > 0.1) & (r < RCUT)])


def _net(rng: np.random.Generator, *widths: int, linear: bool = False) -> Net:
    layers = []
    for n_in, n_out in pairwise(widths):
        weights = rng.normal(size=(n_in, n_out)) / np.sqrt(n_in + n_out)
        bias, skip = rng.normal(size=n_out), SKIPS.get(n_out / n_in, "none")
        activation = "linear" if linear else "tanh"
        layers.append(Layer(weights, bias, activation, None, skip))
    return Net(tuple(layers))
