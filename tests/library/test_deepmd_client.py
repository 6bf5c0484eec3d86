"""A C program that knows only deepmd-kit's names, in a process without Python."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from formats.graph_text import graph_text
from library.conftest import compiled
from other_process import run, users_environment
from random_model import random_model

import dpse_fast
from dpse_fast.formats import read_model
from dpse_fast.formats.exchange.writer import write

SOURCE = Path(__file__).parent / "deepmd_client.c"
GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = Path(__file__).parent / "deepmd_names.txt"
WATER = [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]


def made(folder: Path, linked: Path, library: Path, *flags: str) -> Path:
    """The program, linked with one library and run with another."""
    program = folder / "client"
    compiled(
        ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", *flags],
        *(SOURCE, f"-L{linked}", "-ldeepmd_c", f"-Wl,-rpath,{library}", "-o", program),
    )
    return program


def test_a_program_in_c(deepmd_library: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.h5"
    write(random_model(), file)
    program = made(tmp_path, deepmd_library, deepmd_library)
    environment = users_environment(DPSE_TOL="0", DPSE_THREADS="1")
    graph = GOLDEN / "se_r_overflow.pb"
    text, back = tmp_path / "graph.pbtxt", tmp_path / "graph.pb"
    text.write_bytes(graph_text(graph.read_bytes()))
    done = run(program, file, text, back, env=environment)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    summary = [line for line in said if line.startswith("> ")]
    assert summary[0].startswith("> engine:             dpse-fast")
    assert "> DPSE_TOL:           0.0" in summary
    assert "> DPSE_THREADS:       1" in summary
    assert "> DPSE_PRECISION:     double (default)" in summary
    assert any(line.startswith("> model:              ") for line in summary)
    rest = said[len(summary) :]
    model = random_model()
    assert rest[0] == f"{' '.join(model.type_map)} {model.rcut:g}"
    expected = dpse_fast.load(file, threads=1, tol=0).compute(WATER, [0, 1, 1])
    want = [expected.energy, *expected.forces.reshape(-1)]
    for line in rest[1:3]:
        np.testing.assert_allclose(
            [float(word) for word in line.split()], want, rtol=1e-12, atol=1e-12
        )
    assert read_model(back).digest() == read_model(graph).digest()
    done = run(program, file, file, back, env=environment)
    assert "model.h5: expected a graph of TensorFlow as text" in done.stderr


def test_a_program_of_a_newer_interface(deepmd_library: Path, tmp_path: Path) -> None:
    source, newer = tmp_path / "newer.c", tmp_path / "libdeepmd_c.so"
    names = [*NAMES.read_text().split(), "DP_OfALaterInterface"]
    source.write_text("".join(f"void {name}(void) {{}}\n" for name in names))
    soname = "-Wl,-soname,libdeepmd_c.so"
    compiled(["cc", "-shared", "-fPIC", soname], source, "-o", newer)
    flags = ("-DNEWER", "-Wl,-z,lazy")
    program = made(tmp_path, tmp_path, deepmd_library, *flags)
    done = run(program, "model.h5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused: the program calls DP_OfALaterInterface")
    assert "C interface of deepmd-kit 3.2" in done.stdout


def test_a_program_with_another_python(deepmd_library: Path, tmp_path: Path) -> None:
    flags = ("-DOTHER_PYTHON", "-rdynamic")
    program = made(tmp_path, deepmd_library, deepmd_library, *flags)
    done = run(program, "model.h5")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused: this process runs Python 3.5, and the")
