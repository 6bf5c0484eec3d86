"""Rows of the Hessian by deepmd-kit's own code, differentiated twice by JAX.

    python deepmd_hessian.py model.dp given.npz rows.npy

Needs deepmd-kit with JAX. ``given.npz`` has coord (N, 3), box (3, 3), atype (N,) and
atoms (n,); written are (3n, 3N) eV/Å².
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from deepmd.dpmodel.utils.nlist import extend_input_and_build_neighbor_list
from deepmd.dpmodel.utils.serialization import load_dp_model
from deepmd.jax.env import jax, jnp
from deepmd.jax.model.model import BaseModel


def main(model_file: str, given_file: str, output: str) -> None:
    """Write the rows."""
    given = np.load(given_file)
    positions, types, cell = given["coord"], given["atype"], given["box"]
    model = BaseModel.deserialize(load_dp_model(model_file)["model"])
    found = extend_input_and_build_neighbor_list(
        positions[None],
        types[None],
        model.get_rcut(),
        model.get_sel(),
        mixed_types=model.mixed_types(),
        box=cell.reshape(1, 9),
    )
    extended, species, owners, listed = (np.asarray(one) for one in found)
    shifts = extended.reshape(-1, 3) - positions[owners[0]]

    def energy(x: Any) -> Any:
        atoms = model.atomic_model.forward_common_atomic(
            (x[owners[0]] + shifts)[None],
            jnp.asarray(species),
            jnp.asarray(listed),
            mapping=jnp.asarray(owners),
        )
        return atoms["energy"].sum()

    at = jnp.asarray(positions)
    gradient = jax.grad(energy)
    along = jax.jit(lambda v: jax.jvp(gradient, (at,), (v,))[1])
    rows = []
    for atom in given["atoms"]:
        for axis in range(3):
            direction = np.zeros(positions.shape)
            direction[atom, axis] = 1.0
            rows.append(np.asarray(along(jnp.asarray(direction))).reshape(-1))
    np.save(output, np.array(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
