"""Rules of the code base that programs can check."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

import dpse_fast

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    [*(ROOT / "dpse_fast").rglob("*.py"), *(ROOT / "kernels").rglob("*.py")]
)
COMPILE = {"_jit.py", "_cuda.py"}
KERNELS = [p for p in SOURCES if "kernels" in p.parts and p.name not in COMPILE]
# Only these need the packages of a GPU.
GPU = {
    "numba.cuda": {f"kernels/cuda/_{name}.py" for name in ("cache", "cuda", "memory")},
    "cupy": {"dpse_fast/cuda/cupy_device.py"},
}
RUN_TIME = {"tensorflow", "torch", "jax", "paddle", "deepmd"}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


def test_every_package_is_installed() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {
        "dpse_fast" + "".join(f".{part}" for part in p.parent.relative_to(base).parts)
        if base.name == "dpse_fast"
        else ".".join(["dpse_fast.kernels", *p.parent.relative_to(base).parts])
        for base in (ROOT / "dpse_fast", ROOT / "kernels")
        for p in base.rglob("*.py")
    }
    assert set(setup["packages"]) == folders


def test_the_quick_tests_exist_and_take_some_of_each_folder() -> None:
    named = [ROOT / name for name in (ROOT / "tests/quick.txt").read_text().split()]
    assert [path for path in named if not path.is_file()] == []
    folders = {path.parent for path in (ROOT / "tests").rglob("test_*.py")}
    assert folders - {path.parent for path in named} == set()


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_source_file(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 400
    assert not imports(path) & RUN_TIME
    assert ast.get_docstring(tree) or not tree.body


def is_imported(package: str, path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{name.name}" for name in node.names]
        if any(f"{name}.".startswith(f"{package}.") for name in names):
            return True
    return False


@pytest.mark.parametrize("package", GPU)
def test_packages_of_gpus_are_imported_in_few_places(package: str) -> None:
    found = {str(p.relative_to(ROOT)) for p in SOURCES if is_imported(package, p)}
    assert found == GPU[package]


@pytest.mark.parametrize("name", sorted(set(dpse_fast.__all__) - {"__version__"}))
def test_public_names_are_documented(name: str) -> None:
    item = getattr(dpse_fast, name)
    assert item.__doc__
    members = vars(item).items() if isinstance(item, type) else ()
    for member, value in members:
        if callable(value) and not member.startswith("_"):
            assert value.__doc__, f"{name}.{member}"


@pytest.mark.parametrize("path", KERNELS, ids=lambda p: str(p.relative_to(ROOT)))
def test_kernels_leave_compiling_to_two_files(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        named = node.attr if isinstance(node, ast.Attribute) else None
        named = node.id if isinstance(node, ast.Name) else named
        assert named not in {"njit", "jit", "vectorize", "guvectorize"}
