"""A kernel of a GPU has the name and the parameters of the processors' kernel.

Two kernels are twins if both files and both functions have the same names. A kernel of
a GPU without a twin is listed here, with the reason.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.cuda.defined_kernels import kernels_of

KERNELS = Path(__file__).parents[2] / "kernels"
Functions = dict[str, list[str]]
# By file: why these kernels have no twin in kernels/cpu, and their names.
WITHOUT_TWIN = {
    "activation.py": (
        "steps between cuBLAS products; on the processors they are one kernel",
        {"activate", "hand_down", "last_layers", "split", "times_slope"},
    ),
    "boundary.py": ("arrays on the host are checked with NumPy", {"check_atoms"}),
    "caller_list.py": (
        "a caller's list is sorted by type; on the processors it is used as it is",
        {"check_list_on_device", "key_atoms", "list_gradients", "sort_by_type"},
    ),
    "cells.py": (
        "steps around a sort on the device; on the processors they are one loop",
        {"fill_cells", "invert_order", "key_cells", "key_rows", "sort_places"},
    ),
    "environment.py": (
        "rows with too many neighbours; a part of the processors' `environments`",
        {"keep_nearest"},
    ),
    "forces.py": (
        "all rows at once; on the processors each block adds its own forces",
        {"gather_forces", "scatter_forces"},
    ),
    "images.py": (
        "`measure_images` and NumPy do this on the processors",
        {"place_images", "wrap_atoms"},
    ),
    "incoming.py": (
        "forces on ghosts in a fixed order; on the processors blocks add them",
        {"find_incoming", "gather_incoming"},
    ),
    "neighbour_list.py": (
        "by neighbour type; the processors sort by type in `environments`",
        {"list_by_type", "summarise"},
    ),
    "pair_potential.py": (
        "NumPy does this on the processors",
        {"take_over"},
    ),
    "reverse.py": ("only a GPU gathers forces by reverse pairs", {"find_reverse"}),
    "rows.py": (
        "NumPy does this on the processors",
        {
            "finish_energies",
            "finish_inputs",
            "gather_rows",
            "renumber",
            "scatter_rows",
            "set_factors",
        },
    ),
    "skin.py": ("`follow_owners` of the processors takes other arrays", {"follow"}),
    "sums.py": ("NumPy does this on the processors", {"hand_over", "sum_parts"}),
}


def functions(path: Path) -> Functions:
    """Names and parameters of a file's functions, those in factories too."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            given = node.args
            every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
            found[node.name] = [argument.arg for argument in every]
    return found


def in_both(file: str) -> set[str]:
    """Functions of the same name in the same file of both folders."""
    here, there = (KERNELS / folder / file for folder in ("cuda", "cpu"))
    return functions(here).keys() & functions(there).keys() if there.exists() else set()


FILES = sorted(path.name for path in (KERNELS / "cuda").glob("[!_]*.py"))
TWINS = [(file, name) for file in FILES for name in sorted(in_both(file))]


@pytest.mark.parametrize(("file", "name"), TWINS)
def test_the_same_parameters(file: str, name: str) -> None:
    here, there = (functions(KERNELS / folder / file) for folder in ("cuda", "cpu"))
    assert here[name] == there[name]


def test_kernels_without_a_twin_are_listed_with_the_reason() -> None:
    alone = {
        file: kernels_of(KERNELS / "cuda" / file) - in_both(file) for file in FILES
    }
    listed = {file: names for file, (_, names) in WITHOUT_TWIN.items()}
    assert {file: names for file, names in alone.items() if names} == listed
