"""One step with a new neighbour list, between the marks where ncu profiles."""

from __future__ import annotations

import json
import sys

from ..backend import backend_named
from ..models import subjects
from ..motion import BLOCK, SKIN, Box
from ..running import emit


def main() -> None:
    options = json.loads(sys.argv[1])
    backend = backend_named(options["device"])
    (subject,) = subjects(options)
    potential = subject.configured(backend.device, *options["kind"])
    frame = subject.frame(potential)
    box = Box(backend, frame, potential.type_map, options["atoms"])
    session = potential.session(SKIN)
    session.compute(*box.arguments(0))
    # The first step of the next block is the next that builds a list.
    arguments = box.arguments(BLOCK)
    backend.synchronise()
    with backend.profiled():
        session.compute(*arguments)
        backend.synchronise()
    emit({"atoms": box.n_atoms, "list_builds": session.list_builds})


if __name__ == "__main__":
    main()
