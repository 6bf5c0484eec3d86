"""Commands that have the same options in dpse-fast."""

from __future__ import annotations

from .options import Parser, from_environment, model_path

EVALUATION = (
    *("precision", "tol", "threads", "sel_overflow", "device", "gemm", "head"),
    "type_map",
)
GRAPHS = [f"graph.{k:03d}" for k in range(4)]


def test(arguments: list[str], suffix: str) -> list[list[str]]:
    """``dp test``."""
    parser = Parser("test")
    parser.add_argument("-m", "--model", default="frozen_model")
    parser.add_argument("--head", "--model-branch")
    parser.add_argument("-a", "--atomic", action="store_true")
    given, rest = parser.taken(arguments)
    if given.atomic:
        parser.error("-a/--atomic is not available: labels of atoms are not read")
    head = [] if given.head is None else ["--head", given.head]
    rest = [*head, *rest]
    model = ["--model", model_path(given.model, suffix)]
    found = from_environment("test", EVALUATION, rest)
    return [["test", *model, *found, *rest]]


def model_devi(arguments: list[str], suffix: str) -> list[list[str]]:
    """``dp model-devi``."""
    parser = Parser("model-devi")
    parser.add_argument("-m", "--models", nargs="+", default=GRAPHS)
    given, rest = parser.taken(arguments)
    models = [w for m in given.models for w in ("-m", model_path(m, suffix))]
    found = from_environment("model-devi", EVALUATION, rest)
    return [["model-devi", *models, *found, *rest]]


def show(arguments: list[str], suffix: str) -> list[list[str]]:
    """``dp show``."""
    _, rest = Parser("show").taken(arguments)
    return [["show", *rest]]


def convert(arguments: list[str], suffix: str) -> list[list[str]]:
    """``dp convert-backend``."""
    parser = Parser("convert-backend")
    parser.add_argument("--atomic-virial", action="store_true")
    given, rest = parser.taken(arguments)
    if given.atomic_virial:
        parser.error("--atomic-virial is not needed: all models give atomic virials")
    return [["convert", *rest]]
