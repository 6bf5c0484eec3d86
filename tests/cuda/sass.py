"""What the machine code of kernels does: registers, memory, kinds of instructions."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from platform import machine
from typing import Any, NamedTuple

# As numba-cuda and the disassembler name what the gate looks at.
CAPABILITIES: dict[str, tuple[tuple[int, int, str], str]] = {
    "8.0": ((8, 0, ""), "SM80"),
    "8.9": ((8, 9, ""), "SM89"),
    "9.0": ((9, 0, "a"), "SM90a"),
}
BYTES = 16  # of an instruction, since compute capability 7.0
_INSTRUCTION = re.compile(r"/\*([0-9a-f]{4,})\*/\s+(?:@!?\w+\s+)?([A-Z][A-Z0-9_.]*)")
_RESOURCE = re.compile(r"(REG|STACK|SHARED):(\d+)")
_FLOAT64 = re.compile(r"D(FMA|ADD|MUL|SETP|MNMX|MMA)\b|.*\.F64\b|.*64H\b")
_WIDE_LOAD = re.compile(r"LDG\..*\b128\b")
_LOCAL = re.compile(r"LDL|STL")


class Code(NamedTuple):
    """Of one kernel for one compute capability."""

    registers: int
    stack: int  # bytes
    shared: int  # bytes
    instructions: int
    float64: int  # arithmetic, comparisons and conversions
    wide_loads: int  # of 16 bytes from global memory
    local: int  # loads and stores of what has no register


def missing() -> str | None:
    """What compiling and disassembling lack here, or None."""
    if (sys.platform, machine()) != ("linux", "x86_64"):
        return f"{sys.platform} on {machine()} has no CUDA tools"
    for module in ("numba_cuda", "cuda.pathfinder"):
        try:
            found = find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return f"{module} is not installed"
    for name in ("cuobjdump", "nvdisasm"):
        if _tool(name) is None:
            return f"{name} is not installed"
    return None


def read(cubins: Sequence[bytes], model: str) -> list[Code]:
    """Of each cubin, which holds one kernel.

    The disassembler takes 0.3 s to start, so it reads them all at once.
    """
    texts = [_text(cubin) for cubin in cubins]
    kinds = _instructions(b"".join(texts), model)
    found, begin = [], 0
    for cubin, text in zip(cubins, texts, strict=True):
        end = begin + len(text) // BYTES
        found.append(_code(cubin, kinds[begin:end]))
        begin = end
    return found


def _code(cubin: bytes, kinds: Sequence[str]) -> Code:
    counts = Counter(kinds)
    resources = dict(_RESOURCE.findall(_run("cuobjdump", cubin, "-res-usage")))

    def count(pattern: re.Pattern[str]) -> int:
        return sum(n for kind, n in counts.items() if pattern.match(kind))

    return Code(
        registers=int(resources["REG"]),
        stack=int(resources["STACK"]),
        shared=int(resources["SHARED"]),
        instructions=len(kinds) - counts["NOP"],
        float64=count(_FLOAT64),
        wide_loads=count(_WIDE_LOAD),
        local=count(_LOCAL),
    )


def _text(cubin: bytes) -> bytes:
    """The instructions of the only kernel of an ELF file."""
    (table,) = struct.unpack_from("<Q", cubin, 0x28)
    size, n, names = struct.unpack_from("<HHH", cubin, 0x3A)
    sections = [
        struct.unpack_from("<IIQQQQIIQQ", cubin, table + k * size) for k in range(n)
    ]
    name_offset = sections[names][4]
    texts = [
        cubin[offset : offset + length]
        for name, _, _, _, offset, length, *_ in sections
        if cubin.startswith(b".text.", name_offset + name)
    ]
    if len(texts) != 1:
        raise ValueError(f"expected one kernel, found {len(texts)}")
    return texts[0]


def _instructions(text: bytes, model: str) -> list[str]:
    listing = _run("nvdisasm", text, "-ndf", "--binary", model)
    found = _INSTRUCTION.findall(listing)
    places = [int(place, 16) for place, _ in found]
    if places != list(range(0, len(text), BYTES)):
        raise ValueError("the disassembler's listing was not understood")
    return [kind for _, kind in found]


def _tool(name: str) -> Any:
    from cuda import pathfinder

    return pathfinder.find_nvidia_binary_utility(name)


def _run(tool: str, content: bytes, *options: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "code"
        path.write_bytes(content)
        done = subprocess.run(
            [_tool(tool), *options, str(path)],
            capture_output=True,
            text=True,
            check=True,
        )
    return done.stdout
