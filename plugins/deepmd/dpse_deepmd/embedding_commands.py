"""Commands for descriptors, which dpse-fast has in one."""

from __future__ import annotations

from pathlib import Path

from .options import Parser, from_environment, model_path

DTYPES = {"fp32": "float32", "fp64": "float64", "native": "float64"}
OPTIONS = ("threads", "sel_overflow", "head", "type_map")


def _parser(command: str, model: str, output: str, dtype: str) -> Parser:
    parser = Parser(command)
    parser.add_argument("-m", "--model", default=model)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-s", "--system", default=".")
    where.add_argument("-f", "--datafile")
    parser.add_argument("-o", "--output", default=output)
    parser.add_argument("--dtype", choices=DTYPES, default=dtype)
    parser.add_argument("--head", "--model-branch")
    return parser


def eval_desc(arguments: list[str], suffix: str) -> list[list[str]]:
    """``dp eval-desc``: a file of NumPy for each system."""
    parser = _parser("eval-desc", "frozen_model", "desc", "native")
    given, rest = parser.taken(arguments)
    if given.datafile is not None:
        try:
            lines = Path(given.datafile).read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError) as error:
            parser.error(f"-f/--datafile: expected a list of systems ({error})")
        systems = [line.strip() for line in lines if line.strip()]
    else:
        found = sorted(Path(given.system).rglob("type.raw"))
        systems = [str(file.parent) for file in found]
    if not systems:
        parser.error(f"-s/--system: no system in {given.system}")
    folder = Path(given.output)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{Path(system).resolve().name}.npy" for system in systems]
    if len(set(files)) < len(files):
        parser.error(
            "-s/--system: expected systems of different names, of which the files of "
            "descriptors are named"
        )
    pairs = [(system, str(file)) for system, file in zip(systems, files, strict=True)]
    more = ["--features", "descriptor"]
    return _lines("eval-desc", given, suffix, pairs, [*more, *rest])


def embed(arguments: list[str], suffix: str) -> list[list[str]]:
    """``dp embed``: one HDF5 file, with the frames of all systems."""
    parser = _parser("embed", "model.ckpt.pt", "embedding.hdf5", "fp32")
    given, rest = parser.taken(arguments)
    if given.datafile is not None:
        parser.error("-f/--datafile is not available; give a folder with -s/--system")
    return _lines("embed", given, suffix, [(given.system, given.output)], rest)


def _lines(command, given, suffix, pairs, rest):  # type: ignore[no-untyped-def]
    """A command line for each pair of a system and its output."""
    if given.head is not None:
        rest = ["--head", given.head, *rest]
    options = [
        *("--model", model_path(given.model, suffix), "--dtype", DTYPES[given.dtype]),
        *from_environment(command, OPTIONS, rest),
        *rest,
    ]
    return [["embed", system, "--output", file, *options] for system, file in pairs]
