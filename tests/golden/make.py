"""Rebuilds the golden models and their reference numbers with deepmd-kit.

deepmd-kit 3.2.0 comes from PyPI, in environments of its own (README.md):

    PYTORCH/bin/python make.py --tensorflow TENSORFLOW/bin/python \\
        --operators PYTORCH_2_11/bin/python

All files of PyTorch's side (.dp, .yaml, .json, .pth, .pte, .pt2) share ``NAME.npz``; a
file NAME.pb goes with ``NAME.pb.npz``, because TensorFlow evaluates another function,
and a compressed file, whose function is its tables, with numbers of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from families import FAMILIES, Family, build_family, pair_potential
from models import MODELS, TRAINED, Golden, build, definition
from reference import store
from refused import write_refused
from training import TRAINED_FAMILIES, compress, train

HERE = Path(__file__).resolve().parent
CONVERTED = {"pth", "pte", "pt2"}
NATIVE = CONVERTED | {"dp", "yaml", "json"}
CASES: dict[str, Golden | Family] = {
    **MODELS,
    **FAMILIES,
    **TRAINED,
    **TRAINED_FAMILIES,
}


def contents(name: str) -> dict[str, Any]:
    """The file contents of a model, as deepmd-kit's serializers take them."""
    return build(name) if name in MODELS else build_family(name, "table.txt")


def native(names: list[str]) -> None:
    """Writes every .dp, and what deepmd-kit's own Python can convert it to."""
    import torch
    from deepmd.dpmodel.utils.serialization import save_dp_model
    from deepmd.entrypoints.convert_backend import convert_backend

    pair_potential("table.txt")
    for name in names:
        case = CASES[name]
        if name in TRAINED or name in TRAINED_FAMILIES:
            continue
        path = Path(f"{name}.dp")
        save_dp_model(str(path), contents(name))
        for suffix in {"pth", *case.formats} & CONVERTED:
            convert_backend(INPUT=str(path), OUTPUT=str(path.with_suffix("." + suffix)))
        if "yaml" in case.formats:
            save_dp_model(str(path.with_suffix(".yaml")), contents(name))
        if "json" in case.formats:
            _extract(path.with_suffix(".pte"), "extra/model.json")
        for suffix in set(case.formats) & NATIVE:
            _keep(path.with_suffix("." + suffix))
        if {"dp", "pth"} & set(case.formats):
            # Optimised, PyTorch stops at the second structure with atom_ener.
            with torch.jit.optimized_execution(False):
                store(path.with_suffix(".pth"), case, HERE / f"{name}.npz")


def graphs(names: list[str]) -> None:
    """Writes every .pb: converted, compressed, and trained for a few steps."""
    from deepmd.entrypoints.convert_backend import convert_backend

    for name in names:
        case = CASES[name]
        files = [Path(f"{name}.pb")] if "pb" in case.formats else []
        if name in TRAINED:
            graph = train(name, definition(TRAINED[name]), steps=100)
            files.append(compress(graph, TRAINED[name].tables))
        elif name in TRAINED_FAMILIES:
            graph = train(name, TRAINED_FAMILIES[name].model, steps=30)
            if "compressed" in case.formats:
                files.append(compress(graph, 0.2))
        elif files:
            convert_backend(INPUT=f"{name}.dp", OUTPUT=f"{name}.pb")
        table = isinstance(case, Family) and "use_srtab" in case.model
        for file in files:
            store(file, case, HERE / f"{file}.npz", by_neighbour=not table)
            _keep(file)


def tables(names: list[str]) -> None:
    """Writes every compressed .pth, with PyTorch's compiled operators."""
    from deepmd.entrypoints.convert_backend import convert_backend

    for name in names:
        if name in FAMILIES and "compressed" in FAMILIES[name].formats:
            archive = Path(f"{name}.pth")
            convert_backend(INPUT=f"{name}.dp", OUTPUT=str(archive))
            file = compress(archive, 0.2)
            store(file, FAMILIES[name], HERE / f"{file}.npz")
            _keep(file)


def _extract(archive: Path, member: str) -> None:
    with zipfile.ZipFile(archive) as source:
        text = source.read(f"{archive.stem}/{member}")
    archive.with_suffix(".json").write_bytes(text)


def _keep(file: Path) -> None:
    if not zipfile.is_zipfile(file):
        (HERE / file.name).write_bytes(file.read_bytes())
        return
    # Without programs, which no reader runs, and without the debug records, which
    # name the folders of the machine that wrote the file.
    with (
        zipfile.ZipFile(file) as source,
        zipfile.ZipFile(HERE / file.name, "w") as target,
    ):
        for member in source.infolist():
            if member.filename.endswith((".debug_pkl", ".so", ".cpp")):
                continue
            program = "/code/" in member.filename or "/models/" in member.filename
            target.writestr(member, b"" if program else source.read(member))


def refused(names: list[str]) -> None:
    """Writes the models that no reader may open."""
    del names
    write_refused(HERE / "refused", HERE / "trained_float32-compressed.pb")


STAGES = {"native": native, "graphs": graphs, "tables": tables, "refused": refused}
ENVIRONMENTS = {"graphs": "tensorflow", "tables": "operators"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="models to rebuild, all if left out")
    parser.add_argument("--tensorflow", help="python with deepmd-kit and TensorFlow")
    parser.add_argument("--operators", help="python with deepmd-kit and PyTorch 2.11")
    parser.add_argument("--stage", choices=STAGES, default="native")
    arguments = parser.parse_args()
    if arguments.stage != "native":
        STAGES[arguments.stage](arguments.names)
        return
    names = arguments.names or list(CASES)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        native(names)
        for stage in ("graphs", "tables"):
            python = getattr(arguments, ENVIRONMENTS[stage])
            if python:
                program = [python, Path(__file__).resolve(), "--stage", stage]
                subprocess.run([*program, *names], check=True)
        if arguments.tensorflow and not arguments.names:
            program = [arguments.tensorflow, Path(__file__).resolve()]
            subprocess.run([*program, "--stage", "refused"], check=True)


if __name__ == "__main__":
    main()
