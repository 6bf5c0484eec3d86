"""Which kernels of a GPU there are."""

from __future__ import annotations

import ast
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "kernels" / "cuda"


def defined_kernels() -> set[str]:
    """Of all files."""
    return {name for path in FOLDER.glob("[!_]*.py") for name in kernels_of(path)}


def kernels_of(path: Path) -> set[str]:
    """Functions of a file that are decorated with `kernel`, or handed to it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            if any(_names_kernel(decorator) for decorator in node.decorator_list):
                found.add(node.name)
        elif isinstance(node, ast.Call) and _names_kernel(node.func):
            found |= {a.id for a in node.args if isinstance(a, ast.Name)}
    return found


def _names_kernel(node: ast.AST) -> bool:
    """Whether `kernel` occurs in it, as in ``partial(kernel, blocks=6)``."""
    return any(isinstance(n, ast.Name) and n.id == "kernel" for n in ast.walk(node))
