"""A model that deepmd-kit's TensorFlow reads and compresses; runs in its environment.

    to_tensorflow.py SOURCE TARGET.pb PRECISION MIN_DISTANCE

SOURCE is deepmd-kit's ``.dp``, whose nets are cast to PRECISION (float64 or
float32), or a frozen ``.pb``, which stays in its own. What ``dp compress`` needs
beside the model is added where it is missing: a learning rate in the training
script, which it checks but does not use, and the shortest distance between atoms,
which bounds its tables (MIN_DISTANCE in Å).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from deepmd.tf.env import tf

SCRIPT = "train_attr/training_script"
DISTANCE = "train_attr/min_nbor_dist"
LEARNING_RATE = {"start_lr": 1e-3, "stop_lr": 1e-8}


def cast(tree: Any, precision: str) -> None:
    """Set every ``precision`` in a model's dictionary."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key == "precision":
                tree[key] = precision
            else:
                cast(value, precision)
    elif isinstance(tree, list):
        for value in tree:
            cast(value, precision)


def freeze(source: str, target: str, precision: str) -> None:
    """Write a ``.dp`` as a frozen graph.

    ``dp compress`` of deepmd-kit 3.2 keeps the fitting's bias and drops the
    model's ``out_bias`` (the energy of water was off by 156 eV/atom), so the
    energies of single atoms go into the fitting.
    """
    from deepmd.dpmodel.utils.serialization import load_dp_model
    from deepmd.tf.utils.serialization import deserialize_to_file

    data = load_dp_model(source)
    cast(data, precision)
    model = data["model"]
    bias = model["@variables"]["out_bias"]
    atomic = model["fitting"]["@variables"]
    atomic["bias_atom_e"] = np.reshape(atomic["bias_atom_e"], bias[0].shape) + bias[0]
    model["@variables"]["out_bias"] = np.zeros_like(bias)
    deserialize_to_file(target, data)


def complete(graph: Any, distance: float) -> None:
    """Add what ``dp compress`` asks for to a frozen graph."""
    nodes = {node.name: node for node in graph.node}
    if SCRIPT in nodes:
        text = nodes[SCRIPT].attr["value"].tensor.string_val
        script = json.loads(text[0])
        script["learning_rate"] = LEARNING_RATE | (script.get("learning_rate") or {})
        text[0] = json.dumps(script).encode()
    if DISTANCE not in nodes:
        with tf.Graph().as_default() as extra:
            tf.constant(distance, name=DISTANCE, dtype=tf.float64)
            graph.node.extend(extra.as_graph_def().node)


def main() -> None:
    source, target, precision, distance = sys.argv[1:]
    if source.endswith(".dp"):
        freeze(source, target, precision)
        source = target
    graph = tf.GraphDef()
    graph.ParseFromString(Path(source).read_bytes())
    complete(graph, float(distance))
    Path(target).write_bytes(graph.SerializeToString())


if __name__ == "__main__":
    main()
