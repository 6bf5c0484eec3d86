"""Descriptors and last layers of golden models, as deepmd-kit 3.2.0 gives them.

    PYTORCH/bin/python feature_numbers.py       # of .dp, which it converts to .pth
    TENSORFLOW/bin/python feature_numbers.py    # of .pb

Each writes ``features/FILE.npz`` for the files that its backend evaluates. PyTorch's
environment may lack the compiled operators (libdeepmd_op_pt.so).
"""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
FRAMES = ("open", "virtual_open", "triclinic")
TORCH = (
    "plain", "hybrid", "se_r", "excluded", "parameters", "shapes", "float32",
    "dpa1", "dpa1_hybrid", "dpa1_one_sided", "dpa1_strip", "dpa1_econf",
    "atom_exclude", "pair_exclude", "virtual",
)  # fmt: skip
TENSORFLOW = (
    "hybrid", "se_r_excluded", "trained_typed", "trained_atten", "trained_atten_v2",
    "dpa1_plain", "trained-compressed", "trained_hybrid-compressed",
    "trained_atten_strip-compressed", "trained_typed_strip-compressed", "trained_srtab",
)  # fmt: skip

Numbers = dict[str, NDArray[Any]]


def arguments(frame: Numbers) -> dict[str, Any]:
    """Of deepmd-kit, for one frame of a golden file."""
    cell = frame["cell"]
    given = {
        "coords": frame["positions"][None],
        "cells": cell.reshape(1, 9) if cell.size else None,
        "atom_types": frame["types"].tolist(),
    }
    for name in ("fparam", "aparam"):
        if name in frame:
            given[name] = frame[name][None]
    return given


def frames_of(file: Path) -> dict[str, Numbers]:
    """One frame of a file of reference numbers: the first of `FRAMES` that it has."""
    found: dict[str, Numbers] = {}
    with np.load(file) as stored:
        for key in stored.files:
            frame, quantity = key.split("/")
            found.setdefault(frame, {})[quantity] = stored[key]
    name = next((name for name in FRAMES if name in found), next(iter(found)))
    return {name: found[name]}


def numbers(model: Path, reference: Path) -> Numbers:
    """Everything that deepmd-kit shows of a model."""
    from deepmd.infer import DeepPot

    potential = DeepPot(str(model))
    found: Numbers = {}
    try:
        found["type_embedding"] = np.asarray(potential.eval_typeebd())
    except KeyError:
        print(model.name, "has no type embedding")
    for name, frame in frames_of(reference).items():
        given = arguments(frame)
        if model.suffix == ".pb":
            found[f"{name}/descriptor"] = potential.eval_descriptor(**given)[0]
            continue
        kinds = ("descriptor", "atomic_feature", "structural_feature")
        values = potential.eval_embedding(**given, dtype="native")
        found |= {f"{name}/{k}": v[0] for k, v in zip(kinds, values, strict=True)}
        descriptor = potential.eval_descriptor(**given)[0]
        last = potential.eval_fitting_last_layer(**given)[0]
        assert (found[f"{name}/descriptor"] == descriptor).all()
        assert (found[f"{name}/atomic_feature"] == last).all()
    return found


def main() -> None:
    target = HERE / "features"
    target.mkdir(exist_ok=True)
    if importlib.util.find_spec("torch") is None:
        for name in TENSORFLOW:
            file = HERE / f"{name}.pb"
            found = numbers(file, HERE / f"{name}.pb.npz")
            np.savez_compressed(target / f"{file.name}.npz", **found)
        return
    import torch
    from deepmd.entrypoints.convert_backend import convert_backend

    with tempfile.TemporaryDirectory() as folder:
        for name in TORCH:
            archive = Path(folder) / f"{name}.pth"
            convert_backend(INPUT=str(HERE / f"{name}.dp"), OUTPUT=str(archive))
            with torch.jit.optimized_execution(False):
                found = numbers(archive, HERE / f"{name}.npz")
            np.savez_compressed(target / f"{name}.dp.npz", **found)


if __name__ == "__main__":
    main()
