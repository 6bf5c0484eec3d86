"""A kernel of a GPU has the name and the parameters of the processors' kernel."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

KERNELS = Path(__file__).parents[2] / "kernels"
Functions = dict[str, list[str]]


def functions(path: Path) -> Functions:
    """Names and parameters of a file's functions, those in factories too."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            given = node.args
            every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
            found[node.name] = [argument.arg for argument in every]
    return found


def twins() -> list[tuple[str, str]]:
    """(file, function) that both have."""
    return [
        (path.name, name)
        for path in sorted((KERNELS / "cuda").glob("*.py"))
        if (KERNELS / "cpu" / path.name).exists()
        for name in sorted(
            functions(path).keys() & functions(KERNELS / "cpu" / path.name)
        )
    ]


@pytest.mark.parametrize(("file", "name"), twins())
def test_the_same_parameters(file: str, name: str) -> None:
    here, there = (functions(KERNELS / folder / file) for folder in ("cuda", "cpu"))
    assert here[name] == there[name]
