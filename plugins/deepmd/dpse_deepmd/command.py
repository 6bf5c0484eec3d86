"""The command ``dp``: deepmd-kit's options, and the commands of dpse-fast."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from . import embedding_commands, system_commands
from .other_provider import advice, other_provider

Arguments = list[str]

# Each gives the command lines of dpse-fast to run.
COMMANDS: dict[str, Callable[[Arguments, str], list[Arguments]]] = {
    "test": system_commands.test,
    "model-devi": system_commands.model_devi,
    "show": system_commands.show,
    "convert-backend": system_commands.convert,
    "eval-desc": embedding_commands.eval_desc,
    "embed": embedding_commands.embed,
}
REFUSED = {
    "train": "training",
    "freeze": "freezing checkpoints; it evaluates them as they are",
    "compress": "deepmd-kit's compression, and needs none; 'dpse-fast compress' stores "
    "its own tables",
    "transfer": "transferring parameters",
    "convert-from": "converting .pb files, and reads those of all versions",
    "doc-train-input": "training",
    "neighbor-stat": "statistics of training data",
    "change-bias": "changing models",
    "train-nvnmd": "training",
    "gui": "a graphical interface",
    "pretrained": "downloading models",
}
# The file says which backend wrote it. The names, and the suffix of their files.
BACKENDS = {
    **dict.fromkeys(("tf", "tensorflow", "tf2", "tensorflow2"), ".pb"),
    **dict.fromkeys(("pt", "pytorch"), ".pth"),
    **dict.fromkeys(("pt-expt", "pytorch-exportable"), ".pt2"),
    **dict.fromkeys(("dp", "dpmodel", "np", "numpy"), ".dp"),
    "jax": ".hlo",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code of dpse-fast, 2 for wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    other = other_provider()
    if other is not None:
        print(
            f"dp: this is the dp of dpse-fast-deepmd; {advice(other)}", file=sys.stderr
        )
        return 2
    first = _parser().parse_args(given)
    if first.command in REFUSED:
        why = f"dpse-fast has no {REFUSED[first.command]}"
        print(f"dp {first.command}: {why}", file=sys.stderr)
        return 2
    from dpse_fast.cli import main as dpse_fast

    for line in COMMANDS[first.command](first.rest, BACKENDS[first.backend]):
        code = dpse_fast(line)
        if code:
            return code
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "dp",
        description="Commands of deepmd-kit that dpse-fast has. They take dpse-fast's "
        "options too; 'dp test --help' lists them.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=_version())
    parser.add_argument(
        "-b",
        "--backend",
        choices=BACKENDS,
        default="tf",
        help="Only for the suffix of models that are named without one.",
    )
    for name in BACKENDS:
        parser.add_argument(
            f"--{name}",
            dest="backend",
            action="store_const",
            const=name,
            help=argparse.SUPPRESS,
        )
    parser.add_argument("command", choices=[*COMMANDS, *REFUSED])
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...")
    return parser


def _version() -> str:
    from importlib.metadata import version

    return f"dp of dpse-fast {version('dpse-fast')}, as deepmd-kit 3.2"
