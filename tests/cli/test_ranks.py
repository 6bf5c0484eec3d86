"""Commands under an MPI launcher: ranks share the frames, one of them reports."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ase import Atoms
from ase.io import write
from cli.eval_frames import N_FRAMES, frames_of
from engines import needs
from engines import run as start
from golden.command_systems import HERE, MODELS, write_systems

from dpse_fast.cli import mpi_ranks
from dpse_fast.md.abort import PASSED_ON

Run = Callable[..., Any]

CLI = ("-m", "dpse_fast.cli")
QUIET = ("--sel-overflow", "truncate", "--threads", 1, "--tol", 0)
DYING = """
import sys
import dpse_fast
from dpse_fast.cli import main
from dpse_fast.cli.mpi_ranks import started_ranks

compute = dpse_fast.Potential.compute
def fail(*arguments, **options):
    if started_ranks().rank == 1:
        raise KeyError("of rank 1")
    return compute(*arguments, **options)
dpse_fast.Potential.compute = fail
sys.exit(main())
"""
SLOW = """
import sys, time
import dpse_fast
from dpse_fast.cli import main
from dpse_fast.cli.mpi_ranks import started_ranks

compute = dpse_fast.Potential.compute
def slow(*arguments, **options):
    time.sleep(0.2 * (started_ranks().rank == RANK))
    return compute(*arguments, **options)
dpse_fast.Potential.compute = slow
sys.exit(main())
"""
SHORT = """
import sys
from pathlib import Path
from dpse_fast.cli import main
from dpse_fast.cli.mpi_ranks import started_ranks

if started_ranks().rank == 1:
    sys.argv[2] = str(Path(sys.argv[2]).with_name("short.xyz"))
sys.exit(main())
"""


def ranks(*arguments: Any, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command that two ranks run."""
    needs("mpi4py", "mpi4py", load=False)
    if not (Path(sys.executable).parent / "mpirun").exists():
        pytest.skip("no mpirun beside Python here: pip install mpich")
    return start(*arguments, ranks=2, cwd=cwd)


@pytest.mark.parametrize("name", ["eval", "embed"])
def test_ranks_write_the_same_file(
    run: Run, tmp_path: Path, trajectory: Path, narrow_file: Path, name: str
) -> None:
    one, two = tmp_path / "one.h5", tmp_path / "two.h5"
    command = (name, trajectory, "-m", narrow_file, "--json", "-o")
    expected = run(*command, one).json
    done = ranks(*CLI, *command, two, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert two.read_bytes() == one.read_bytes()
    assert found["frames"] == expected["frames"]
    assert found["warnings"] == expected["warnings"]
    assert found["warnings"][0]["count"] > 1
    assert done.stderr.count("Warning: ") == len(found["warnings"])


def test_an_error_of_one_frame_ends_all_and_the_run_goes_on(
    run: Run, place: Path, model_file: Path
) -> None:
    """The bad frame is one of the second rank."""
    command = ("eval", place / "bad.xyz", "-m", model_file, "-o", place / "out.xyz")
    done = ranks(*CLI, *command, cwd=place)
    assert done.returncode == 1
    assert done.stderr.count("Error: bad.xyz, frame 3") == 1
    assert frames_of(place / "out.partial.xyz") == [0, 1, 2]
    (place / "bad.xyz").write_text((place / "good.xyz").read_text())
    done = ranks(*CLI, *command, "--resume", cwd=place)
    assert done.returncode == 0, done.stderr
    found = (place / "out.xyz").read_bytes()
    assert run(*command).code == 0
    assert found == (place / "out.xyz").read_bytes()
    assert frames_of(place / "out.xyz") == list(range(N_FRAMES))


def test_test_and_model_devi_write_the_same_files(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_systems(tmp_path)
    models = [HERE / name for name in MODELS]
    test = ("test", "-m", models[0], "-f", "list", *QUIET, "-d")
    devi = ("model-devi", "-m", *models, "-s", ".", *QUIET, "-o")
    said = run(*test, "one").out
    assert said
    assert run(*devi, "one.devi").code == 0
    done = ranks(*CLI, *test, "two", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, said)
    assert ranks(*CLI, *devi, "two.devi", cwd=tmp_path).returncode == 0
    files = sorted(tmp_path.glob("one.*"))
    assert len(files) == 7
    for file in files:
        other = file.with_name(file.name.replace("one", "two"))
        assert file.read_bytes() == other.read_bytes(), file.name


@pytest.mark.parametrize("slow", [0, 1])
def test_frames_before_what_cannot_be_read_are_not_lost(
    tmp_path: Path, slow: int
) -> None:
    """Whichever rank comes first to the second system, which has no coordinates."""
    write_systems(tmp_path)
    (tmp_path / "b/set.000/coord.npy").unlink()
    command = ("test", "-m", HERE / MODELS[0], "-f", "list", *QUIET, "-d", "x")
    done = ranks("-c", SLOW.replace("RANK", str(slow)), *command, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("Error: b/set.000: has no coord.npy") == 1
    assert "# number of test data : 5" in done.stdout
    lines = (tmp_path / "x.e.partial.out").read_text().splitlines()
    assert len(lines) == 1 + 5


def test_a_rank_that_fails_ends_all(place: Path, model_file: Path) -> None:
    command = ("eval", place / "good.xyz", "-m", model_file)
    done = ranks("-c", DYING, *command, cwd=place)
    assert done.returncode == 1
    assert done.stderr.count("Error: rank 1: unexpected KeyError") == 1
    assert "Traceback" not in done.stderr


def test_a_rank_that_sees_another_file_ends_all(
    place: Path, model_file: Path, frames: list[Atoms]
) -> None:
    write(place / "short.xyz", frames[:3])
    command = ("eval", place / "good.xyz", "-m", model_file, "--skip-bad")
    done = ranks("-c", SHORT, *command, cwd=place)
    assert done.returncode == 1
    assert done.stderr.count("Error: rank 1 reads only 3 frames") == 1


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """This process is one of two, and the first."""
    monkeypatch.setenv("PMI_SIZE", "2")
    monkeypatch.setenv("PMI_RANK", "0")
    mpi_ranks.started_ranks.cache_clear()
    yield monkeypatch
    mpi_ranks.started_ranks.cache_clear()


def test_without_mpi4py_one_process_says_so(
    run: Run, place: Path, model_file: Path, launched: pytest.MonkeyPatch
) -> None:
    launched.setitem(sys.modules, "mpi4py", None)
    command = ("eval", place / "good.xyz", "-m", model_file, "-o", place / "out.h5")
    got = run(*command)
    assert got.code == 1
    assert "2 processes were started, which share the frames by mpi4py" in got.error
    launched.setenv("PMI_RANK", "1")
    slept: list[float] = []
    launched.setattr("time.sleep", slept.append)
    got = run(*command)
    assert (got.code, got.out, got.err, slept) == (1, "", "", [PASSED_ON])
    got = run(*command, "--wrong")
    assert (got.code, got.out, got.err) == (2, "", "")
    assert not (place / "out.h5").exists()


def test_an_mpi_that_cannot_be_loaded(
    run: Run, place: Path, launched: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("cannot load MPI library")

    launched.setattr(mpi_ranks, "package", fail)
    got = run("test", "-m", "x.pb", "-s", place / "good.xyz")
    assert "mpi4py cannot load an MPI library (cannot load" in got.error


def test_another_mpi_than_the_launchers_is_refused(
    run: Run, place: Path, launched: pytest.MonkeyPatch
) -> None:
    world = SimpleNamespace(Get_rank=lambda: 0, Get_size=lambda: 1)
    mpi = SimpleNamespace(COMM_WORLD=world)
    launched.setattr(mpi_ranks, "package", lambda *_: mpi)
    got = run("test", "-m", "x.pb", "-s", place / "good.xyz")
    assert "2 processes were started, but mpi4py knows of 1" in got.error


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"PMI_SIZE": "1", "PMI_RANK": "0"}, None),
        ({"OMPI_COMM_WORLD_SIZE": "3", "OMPI_COMM_WORLD_RANK": "2"}, (2, 3)),
        ({"SLURM_STEP_NUM_TASKS": "4", "SLURM_PROCID": "1"}, (1, 4)),
        ({"PMI_SIZE": "2", "PMI_RANK": "0", "DPSE_FAST_MPI": "0"}, None),
        ({"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}, None),  # a batch script
    ],
)
def test_what_launchers_say(
    environment: dict[str, str], expected: tuple[int, int] | None
) -> None:
    assert mpi_ranks.launched_ranks(environment) == expected
