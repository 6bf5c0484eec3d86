"""``-m bench.gpu.worker NAME OPTIONS``: a measurement in a process of its own.

NAME is a module of `workers`, whose ``records`` gets the options, one JSON object; each
record that it yields is printed as it comes, a JSON object a line.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module


def main() -> None:
    name, options = sys.argv[1:]
    module = import_module(f"{__package__}.workers.{name}")
    for record in module.records(json.loads(options)):
        print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main()
