"""The machine code of every kernel, read without a GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from other_process import users_environment

from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.defined_kernels import defined_kernels
from tests.cuda.example import MODULES, Example, examples_of
from tests.cuda.sass import CAPABILITIES, Code, missing

HERE = Path(__file__).parent
BAD = "bad_examples"
PROCESSES = 2

Codes = dict[tuple[str, str], dict[str, Any]]


def cases() -> list[Any]:
    return [
        pytest.param(
            f"{module}.{example.name}",
            example,
            precision,
            capability,
            id=f"{example.name}-{precision}-{capability}",
        )
        for module in MODULES
        for precision in PRECISIONS
        for example in examples_of(module, precision)
        for capability in CAPABILITIES
    ]


def complaints(example: Example, precision: str, code: Code) -> list[str]:
    """What a kernel does that it should not."""
    found = []
    if code.registers > example.registers:
        found.append(f"{code.registers} registers, {example.registers} are meant")
    if code.local or code.stack:
        found.append(f"{code.local} accesses to {code.stack} bytes of local memory")
    if code.float64 and precision == "single" and not example.float64:
        found.append(f"{code.float64} float64 instructions")
    if example.wide_loads and not code.wide_loads:
        found.append("no load of 16 bytes")
    return found


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> Codes:
    """Compiled in processes that do not simulate CUDA."""
    reason = missing()
    if reason is not None:
        pytest.skip(f"no machine code to read: {reason}")
    environment = users_environment(
        PYTHONPATH=f"{HERE.parents[1]}:{HERE.parent}",
        XDG_CACHE_HOME=str(tmp_path_factory.mktemp("kernels")),
    )
    command = [sys.executable, "-m", "tests.cuda.compile_examples"]
    running = [
        subprocess.Popen(
            [*command, str(share), str(PROCESSES), BAD, *MODULES],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in range(PROCESSES)
    ]
    printed = [process.communicate()[0] for process in running]
    assert not any(process.returncode for process in running)
    return {
        (entry["kernel"], entry["precision"]): entry
        for output in printed
        for entry in json.loads(output)
    }


def code_of(codes: Codes, kernel: str, precision: str, capability: str) -> Code:
    entry = codes[kernel, precision]
    assert "error" not in entry, entry["error"]
    return Code(*entry[capability])


@pytest.mark.parametrize(("kernel", "example", "precision", "capability"), cases())
def test_kernel(
    codes: Codes, kernel: str, example: Example, precision: str, capability: str
) -> None:
    code = code_of(codes, kernel, precision, capability)
    assert not complaints(example, precision, code)


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("literals", ["float64"]),
        ("run_time_index", ["local memory"]),
        ("narrow_loads", ["16 bytes"]),
        ("spills", ["local memory"]),
        ("many_registers", ["registers"]),
        ("good", []),
    ],
)
def test_faults_are_found(
    codes: Codes, name: str, words: list[str], capability: str
) -> None:
    (example,) = (e for e in examples_of(BAD, "single") if e.name == name)
    code = code_of(codes, f"{BAD}.{name}", "single", capability)
    found = complaints(example, "single", code)
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))


def test_every_kernel_has_an_example() -> None:
    shown = {
        example.kernel.py_func.__name__
        for module in MODULES
        for precision in PRECISIONS
        for example in examples_of(module, precision)
    }
    assert defined_kernels() - shown == set()
