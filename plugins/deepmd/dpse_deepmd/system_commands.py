"""Commands that have the same options in dpse-fast."""

from __future__ import annotations

from .options import Parser, from_environment, model_path

EVALUATION = ("precision", "tol", "threads", "sel_overflow", "device", "head")
GRAPHS = [f"graph.{k:03d}" for k in range(4)]


def test(arguments: list[str], suffix: str) -> list[list[str]]:
    """``dp test``."""
    parser = Parser("test")
    parser.add_argument("-m", "--model", default="frozen_model")
    parser.add_argument("--head", "--model-branch")
    parser.add_argument("-a", "--atomic", action="store_true")
    parser.add_argument("--train-data")
    parser.add_argument("--valid-data")
    given, rest = parser.taken(arguments)
    for option in ("atomic", "train_data", "valid_data"):
        if getattr(given, option):
            parser.error(f"--{option.replace('_', '-')} is not available in dpse-fast")
    head = [] if given.head is None else ["--head", given.head]
    rest = [*head, *rest]
    model = ["--model", model_path(given.model, suffix)]
    return [["test", *model, *from_environment(EVALUATION, rest), *rest]]


def model_devi(arguments: list[str], suffix: str) -> list[list[str]]:
    """``dp model-devi``."""
    parser = Parser("model-devi")
    parser.add_argument("-m", "--models", nargs="+", default=GRAPHS)
    given, rest = parser.taken(arguments)
    models = [w for m in given.models for w in ("-m", model_path(m, suffix))]
    return [["model-devi", *models, *from_environment(EVALUATION, rest), *rest]]


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
