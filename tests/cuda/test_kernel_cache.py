"""Machine code of GPUs on disk: found again, and never another kernel's."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from other_process import lines_of

from tests.cuda.example import MODULES
from tests.cuda.sass import missing

# Made by factories: they differ in the functions that they call, in a number, in the
# registers that they may use. Two are the same kernel with the same bounds.
NAMES = {
    "examples_fitting": ("activate_tanh", "activate_relu6", "times_slope"),
    "bad_examples": ("spills", "many_registers", "good"),
}
SAME = {"many_registers", "good"}
COMPILE = """
from hashlib import sha256
from tests.cuda.absent_gpu import compiled, pretend
pretend(CAPABILITY)
from tests.cuda.example import examples_of
from tests.cuda.test_kernel_cache import NAMES
for module, names in NAMES.items():
    for example in examples_of(module, "mixed"):
        if example.name in names:
            library = compiled(example.kernel, example.arguments)
            hits = sum(example.kernel.stats.cache_hits.values())
            code = sha256(bytes(library.get_cubin().code)).hexdigest()
            print(example.name, hits, code)
"""
DESCRIBE = """
from tests.cuda.example import examples_of
for module in MODULES:
    for precision in ("double", "mixed", "single"):
        for example in examples_of(module, precision):
            print(id(example.kernel), example.kernel._cache._what)
"""


class Compiled(NamedTuple):
    """What a process has of a kernel."""

    was_found: bool
    code: str


def run(cache: Path, capability: tuple[int, int] = (9, 0)) -> dict[str, Compiled]:
    """Compile the kernels in a process of its own."""
    found = {}
    for line in lines_of(COMPILE.replace("CAPABILITY", str(capability)), cache):
        name, hits, code = line.split()
        found[name] = Compiled(hits != "0", code)
    return found


@pytest.fixture(autouse=True)
def _tools() -> None:
    reason = missing()
    if reason is not None:
        pytest.skip(f"nothing can be compiled: {reason}")


def test_cache(tmp_path: Path) -> None:
    first, second = run(tmp_path), run(tmp_path)
    assert {name for name, kernel in first.items() if kernel.was_found} == {"good"}
    assert all(kernel.was_found for kernel in second.values())
    assert {name: kernel.code for name, kernel in first.items()} == {
        name: kernel.code for name, kernel in second.items()
    }
    different = first.keys() - SAME
    assert len({first[name].code for name in different}) == len(different)
    assert first["spills"].code != first["good"].code == first["many_registers"].code
    files = list(tmp_path.rglob("*.nbc"))
    assert len(files) == len(different) + 1
    for path in files:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert run(tmp_path) == first
    assert run(tmp_path) == second
    other_gpu = run(tmp_path, (8, 0))
    assert not other_gpu["activate_tanh"].was_found
    assert other_gpu["activate_tanh"].code != first["activate_tanh"].code


def test_every_kernel_has_a_key_of_its_own_in_all_processes(tmp_path: Path) -> None:
    code = DESCRIBE.replace("MODULES", str(MODULES))
    keys = []
    for seed in ("1", "2"):
        lines = lines_of(code, tmp_path, PYTHONHASHSEED=seed)
        kernels = dict(line.split(" ", 1) for line in lines)
        keys.append(set(kernels.values()))
        assert len(keys[-1]) == len(kernels) > 40
    assert keys[0] == keys[1]
