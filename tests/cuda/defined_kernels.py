"""Which kernels there are."""

from __future__ import annotations

import ast
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "kernels" / "cuda"


def defined_kernels() -> set[str]:
    """Functions decorated with ``@kernel`` or handed to ``kernel(…)``."""
    found = set()
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                if any(_is_kernel(decorator) for decorator in node.decorator_list):
                    found.add(node.name)
            elif isinstance(node, ast.Call) and _is_kernel(node):
                found |= {a.id for a in node.args if isinstance(a, ast.Name)}
    return found


def _is_kernel(node: ast.expr) -> bool:
    """Whether it is ``kernel`` or ``kernel(…)``."""
    named = node.func if isinstance(node, ast.Call) else node
    return isinstance(named, ast.Name) and named.id == "kernel"
