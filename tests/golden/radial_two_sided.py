"""Rebuilds the golden models of two-sided se_e2_r.

    TENSORFLOW/bin/python radial_two_sided.py

Of deepmd-kit's programs only TensorFlow evaluates such a model. Its dictionary is that
of se_r.dp with a net for each pair of types; deepmd-kit writes it as .yaml and makes
the .pb of it, which gives the reference numbers of all files.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from reference import store

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class TwoSided:
    """What `reference.store` asks for."""

    n_types: int = 2
    frames: tuple[str, ...] = ("orthorhombic", "triclinic", "tiny", "open", "overflow")
    parameters: tuple[int, int] = (0, 0)


def contents(excluded: list[list[int]]) -> dict[str, Any]:
    """The dictionary, with nets of all pairs, and zeros where a pair is excluded."""
    from deepmd.dpmodel.utils.serialization import load_dp_model

    root: dict[str, Any] = load_dp_model(str(HERE / "se_r.dp"))
    descriptor = root["model"]["descriptor"]
    collection = descriptor["embeddings"]
    rng = np.random.default_rng(5)
    nets = []
    for k in range(4):
        net = copy.deepcopy(collection["networks"][k % 2])
        for layer in net["layers"]:
            for key, values in layer["@variables"].items():
                if values is not None:
                    scale = rng.uniform(0.5, 1.5, values.shape)
                    if sorted([k % 2, k // 2]) in excluded:
                        scale[...] = 0
                    layer["@variables"][key] = values * scale
        nets.append(net)
    collection.update(ndim=2, networks=nets)
    changes = {"type_one_side": False, "exclude_types": excluded, "sel": [9, 14]}
    descriptor.update(changes)
    root["model_def_script"]["descriptor"].update(changes)
    for key, values in descriptor["@variables"].items():
        first = [values[:, :1], values[:, -1:]]
        parts = [np.repeat(v, n, axis=1) for v, n in zip(first, [9, 14], strict=True)]
        descriptor["@variables"][key] = np.concatenate(parts, axis=1)
    return root


def plain(value: Any) -> Any:
    """The same without NumPy's scalars, which YAML cannot hold."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def main() -> None:
    from deepmd.dpmodel.utils.serialization import save_dp_model
    from deepmd.entrypoints.convert_backend import convert_backend

    for name, excluded in (
        ("se_r_two_sided", []),
        ("se_r_two_sided_excluded", [[0, 1]]),
    ):
        text, graph = HERE / f"{name}.yaml", HERE / f"{name}.pb"
        save_dp_model(str(text), plain(contents(excluded)))
        convert_backend(INPUT=str(text), OUTPUT=str(graph))
        store(graph, TwoSided(), HERE / f"{name}.npz")
        if not excluded:
            tree = yaml.safe_load(text.read_text())
            text.with_suffix(".json").write_text(json.dumps(tree))


if __name__ == "__main__":
    main()
