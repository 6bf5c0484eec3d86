"""The two libraries that a program runs with."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import NamedTuple

from ..peers import PeerError, call

MOST_SECONDS = 400.0
TENSORFLOW = "lib/python*/site-packages/tensorflow"


class Side(NamedTuple):
    """A library in deepmd-kit's environment.

    Parameters
    ----------
    name : "ours" or "theirs"
    binaries : the environment's folder of programs
    variables : of the process
    """

    name: str
    binaries: Path
    variables: dict[str, str]

    def run(self, what: str, folder: Path, program: str, *arguments: str) -> str:
        """What a program of the environment prints."""
        command = [str(self.binaries / program), *arguments]
        return call(
            f"{what}, {self.name}", command, folder, MOST_SECONDS, self.variables
        )


def sides(peer_python: str, library: Path, **options: str) -> tuple[Side, Side]:
    """Ours, with its options, and theirs; both on one thread."""
    binaries = Path(peer_python).absolute().parent
    # deepmd-kit's own programs look for TensorFlow by themselves, its examples do not.
    folders = [binaries.parent / "lib", *binaries.parent.glob(TENSORFLOW)]
    one = {
        "LD_LIBRARY_PATH": ":".join(map(str, folders)),
        "OMP_NUM_THREADS": "1",
        "DP_INTRA_OP_PARALLELISM_THREADS": "1",
        "DP_INTER_OP_PARALLELISM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PATH": f"{binaries}:/usr/local/bin:/usr/bin:/bin",
    }
    preloaded = one | {"LD_PRELOAD": str(library / "libdeepmd_c.so"), **options}
    return Side("ours", binaries, preloaded), Side("theirs", binaries, one)


def in_python(side: Side, folder: Path) -> Side:
    """With cffi, which our library asks of the Python that runs in the process."""
    spec = importlib.util.find_spec("_cffi_backend")
    if spec is None or spec.origin is None:
        raise PeerError("expected cffi beside dpse-fast")
    backend = Path(spec.origin)
    (folder / "cffi-only").mkdir()
    (folder / "cffi-only" / backend.name).symlink_to(backend)
    path = {"PYTHONPATH": str(folder / "cffi-only")}
    return side._replace(variables=side.variables | path)
