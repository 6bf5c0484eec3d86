"""Train a small DeepPot-SE potential in JAX and export it with h5py.

The model is a pure function of a pytree. One embedding net is used for all pairs and
one fitting net for all types; both take a trained vector for each type as input
(docs/model-format.md, "Shared nets").

    python examples/export_jax.py model.h5
"""

import sys
from itertools import pairwise

import h5py
import jax
import jax.numpy as jnp
import numpy as np

import dpse_fast

jax.config.update("jax_enable_x64", True)

TYPES = ["O", "H"]
RCUT, RCUT_SMTH = 5.0, 1.0  # Å
SEL = [16, 16]  # more neighbours of each type than any atom has
WIDTH, AXIS, TYPE_WIDTH, NORMALISATION = 16, 4, 3, 8.0
DEVIATION = np.array([0.2, 0.1, 0.1, 0.1])  # typical size of a neighbour's numbers


def random_net(rng, *widths):
    shapes = pairwise(widths)
    return [(rng.normal(size=s) / np.sqrt(s[0]), np.zeros(s[1])) for s in shapes]


def tanh_net(layers, x):
    for weight, bias in layers:
        x = jnp.tanh(x @ weight + bias)
    return x


def energy(parameters, x, types):
    """Energy (eV) of atoms at x (N, 3) in Å."""
    n = len(x)
    d = x[None, :] - x[:, None]  # from centre i to neighbour j
    r = jnp.sqrt((d**2).sum(-1) + jnp.eye(n))
    u = jnp.clip((r - RCUT_SMTH) / (RCUT - RCUT_SMTH), 0, 1)
    s = (1 + u**3 * (-10 + 15 * u - 6 * u**2)) / r * (1 - jnp.eye(n))
    row = jnp.concatenate([s[..., None], (s / r)[..., None] * d], -1) / DEVIATION
    e = parameters["types"][types]
    neighbour, centre = jnp.tile(e, (n, 1, 1)), jnp.repeat(e[:, None], n, 1)
    inputs = jnp.concatenate([row[..., :1], neighbour, centre], -1)
    g = tanh_net(parameters["embedding"], inputs)
    moments = jnp.einsum("ijm,ijk->imk", g, row) / NORMALISATION
    features = jnp.einsum("imk,iak->ima", moments, moments[:, :AXIS]).reshape(n, -1)
    *hidden, (weight, bias) = parameters["fitting"]
    outputs = tanh_net(hidden, jnp.concatenate([features, e], -1)) @ weight + bias
    return (outputs[:, 0] + parameters["bias"][types]).sum()


def write_net(group, layers, last="tanh"):
    for k, (weight, bias) in enumerate(layers):
        part = group.create_group(str(k))
        part["weight"], part["bias"] = weight, bias
        part.attrs["activation"] = last if k == len(layers) - 1 else "tanh"


def export(parameters, path):
    with h5py.File(path, "w") as file:
        file.attrs.update(format="dpse-fast model", version=1, type_map=TYPES)
        file["bias"] = parameters["bias"]
        file["type_embedding"] = parameters["types"]
        descriptor = file.create_group("descriptor")
        descriptor.attrs.update(type="se_e2_a", rcut=RCUT, rcut_smth=RCUT_SMTH, sel=SEL)
        descriptor.attrs.update(axis_neuron=AXIS, normalisation=NORMALISATION)
        descriptor["davg"] = np.zeros((2, 2, 4))  # no mean: empty slots count nothing
        descriptor["dstd"] = np.broadcast_to(DEVIATION, (2, 2, 4))
        write_net(descriptor.create_group("embedding/shared"), parameters["embedding"])
        write_net(file.create_group("fitting/shared"), parameters["fitting"], "linear")


def toy_energy(x, types):
    """Morse pairs, deeper between unlike atoms: stands for the reference data."""
    i, j = np.triu_indices(len(x), 1)
    decay = np.exp(-1.5 * (np.linalg.norm(x[i] - x[j], axis=-1) - 1.5))
    return (np.where(types[i] == types[j], 0.2, 0.5) * (decay - 2) * decay).sum()


def main(path):
    rng = np.random.default_rng(1)
    types = np.arange(9) % len(TYPES)
    grid = np.argwhere(np.ones((3, 3, 3)))[::3]
    clusters = 1.7 * grid + 0.2 * rng.normal(size=(12, 9, 3))
    energies = np.array([toy_energy(x, types) for x in clusters])
    parameters = {
        "types": rng.normal(size=(len(TYPES), TYPE_WIDTH)),
        "embedding": random_net(rng, 1 + 2 * TYPE_WIDTH, 8, WIDTH),
        "fitting": random_net(rng, WIDTH * AXIS + TYPE_WIDTH, 32, 32, 1),
        "bias": np.full(len(TYPES), energies.mean() / len(types)),  # eV an atom
    }

    @jax.jit
    @jax.value_and_grad
    def loss(parameters):
        found = jax.vmap(lambda x: energy(parameters, x, types))(clusters)
        return ((found - energies) ** 2).mean()

    for step in range(301):
        value, slope = loss(parameters)
        if step % 100 == 0:
            print(f"step {step}: error {np.sqrt(value):.3f} eV")
        parameters = jax.tree.map(lambda p, g: p - 3e-4 * g, parameters, slope)
    export(parameters, path)
    expected, slope = jax.value_and_grad(energy, 1)(parameters, clusters[0], types)
    result = dpse_fast.load(path, tol=0).compute(clusters[0], types)
    gap = abs(result.energy - float(expected))
    force_gap = np.abs(result.forces + slope).max()
    print(f"largest differences: {gap:.1e} eV, {force_gap:.1e} eV/Å")
    return gap, force_gap


if __name__ == "__main__":
    main(sys.argv[1])
