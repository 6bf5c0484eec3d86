"""Write a model file from a trainer's arrays, with h5py and NumPy alone.

The layout is described in docs/model-format.md; export_pytorch.py and export_jax.py
export trained models. Run this program to write a small random model, then try
``dpse-fast info random.h5``.
"""

import itertools
import sys

import h5py
import numpy as np


def write_net(group, layers):
    """Layers are (weight (in, out), bias (out), activation, skip)."""
    for k, (weight, bias, activation, skip) in enumerate(layers):
        layer = group.create_group(str(k))
        layer["weight"], layer["bias"] = weight, bias
        layer.attrs["activation"], layer.attrs["skip"] = activation, skip


def write_model(path, type_map, rcut, rcut_smth, sel, axis, davg, dstd,
                embedding, fitting, bias):  # fmt: skip
    """One embedding net a neighbour type, one fitting net a centre type."""
    with h5py.File(path, "w") as file:
        file.attrs.update(format="dpse-fast model", version=1, type_map=type_map)
        file["bias"] = bias
        descriptor = file.create_group("descriptor")
        descriptor.attrs.update(type="se_e2_a", rcut=rcut, rcut_smth=rcut_smth)
        descriptor.attrs.update(sel=sel, axis_neuron=axis)
        descriptor["davg"], descriptor["dstd"] = davg, dstd
        for t in range(len(type_map)):
            write_net(descriptor.create_group(f"embedding/all_{t}"), embedding[t])
            write_net(file.create_group(f"fitting/{t}"), fitting[t])


def random_net(rng, widths, last="tanh"):
    """A net of these widths, each doubling of the width with a skip."""
    layers = []
    for k, (n_in, n_out) in enumerate(itertools.pairwise(widths)):
        skip = {1: "identity", 2: "double"}.get(n_out / n_in, "none")
        activation = last if k == len(widths) - 2 else "tanh"
        weight = rng.normal(size=(n_in, n_out)) / np.sqrt(n_in + n_out)
        layers.append((weight, rng.normal(size=n_out), activation, skip))
    return layers


def main(path):
    """Write a random model of water."""
    rng = np.random.default_rng(7)
    axis, width = 4, 16
    fitting = [width * axis, 24, 24, 1]
    write_model(
        path, type_map=["O", "H"], rcut=6.0, rcut_smth=0.5, sel=[46, 92], axis=axis,
        davg=np.zeros((2, 2, 4)), dstd=np.full((2, 2, 4), 0.1),
        embedding=[random_net(rng, [1, 4, 8, width]) for _ in range(2)],
        fitting=[random_net(rng, fitting, "linear") for _ in range(2)],
        bias=np.array([-432.0, -13.6]),
    )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "random.h5")
