"""Compiles a share of the examples; prints what their machine code does as JSON.

In a process without the simulator:
``python -m tests.cuda.compile_examples SHARE SHARES MODULE…``.
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

from dpse_fast.plan.plan import PRECISIONS
from tests.cuda.absent_gpu import compiled, pretend
from tests.cuda.example import Example, examples_of
from tests.cuda.sass import CAPABILITIES, read


def shared_out(share: int, shares: int, modules: list[str]) -> Any:
    """(module, precision, example); one process has all precisions of a kernel,
    for it may be the same in two of them."""
    for module in modules:
        for precision in PRECISIONS:
            for example in examples_of(module, precision):
                if sum(example.name.encode()) % shares == share:
                    yield module, precision, example


def main(share: int, shares: int, modules: list[str]) -> None:
    pretend(CAPABILITIES["9.0"][0][:2])
    report: list[dict[str, Any]] = []
    libraries = []
    for module, precision, example in shared_out(share, shares, modules):
        entry = {"kernel": f"{module}.{example.name}", "precision": precision}
        report.append(entry)
        try:
            libraries.append((entry, cubins_of(example)))
        except Exception:
            entry["error"] = traceback.format_exc(limit=-1)
    for name, (_, model) in CAPABILITIES.items():
        codes = read([cubins[name] for _, cubins in libraries], model)
        for (entry, _), code in zip(libraries, codes, strict=True):
            entry[name] = code
    print(json.dumps(report))


def cubins_of(example: Example) -> dict[str, bytes]:
    library = compiled(example.kernel, example.arguments)
    return {
        name: bytes(library.get_cubin(cc=capability).code)
        for name, (capability, _) in CAPABILITIES.items()
    }


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
