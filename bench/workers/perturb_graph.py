"""Committees of a frozen graph; runs in deepmd-kit's environment.

    perturb_graph.py SOURCE.pb FOLDER NUMBER CHANGE

Each of NUMBER graphs, FOLDER/0.pb and so on, has all weights and biases of its
fitting nets, but the last bias, multiplied by 1 + CHANGE times a normal random number,
as several trainings would give them. SOURCE is compressed: its only layers are those
of the fitting nets.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from deepmd.tf.env import tf

LAYER, ARRAYS = "layer_", ("matrix", "bias")


def is_of_fitting(node: Any) -> bool:
    last = node.name.rpartition("/")[2]
    return node.op == "Const" and LAYER in node.name and last.startswith(ARRAYS)


def perturbed(graph: Any, rng: np.random.Generator, change: float) -> tuple[Any, int]:
    """A copy with other nets, and how many arrays were changed."""
    found, n_changed = tf.GraphDef(), 0
    found.CopyFrom(graph)
    for node in filter(is_of_fitting, found.node):
        values = tf.make_ndarray(node.attr["value"].tensor)
        if values.dtype.kind != "f" or values.size < 2:  # an energy of free atoms
            continue
        values = values * (1 + change * rng.normal(size=values.shape))
        node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(values))
        n_changed += 1
    return found, n_changed


def main(source: str, folder: str, number: str, change: str) -> None:
    graph = tf.GraphDef()
    graph.ParseFromString(Path(source).read_bytes())
    for k in range(int(number)):
        rng = np.random.default_rng(100 + k)
        found, n_changed = perturbed(graph, rng, float(change))
        if not n_changed:
            sys.exit(f"{source}: expected fitting nets with layers, found none")
        (Path(folder) / f"{k}.pb").write_bytes(found.SerializeToString())


if __name__ == "__main__":
    main(*sys.argv[1:])
