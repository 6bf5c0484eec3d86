"""`dpse-fast eval` in a process that is killed, or whose disk or pipe gives way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from ase.io import read, write
from cli.eval_frames import N_FRAMES, OUTPUTS, frames_of
from other_process import users_environment

Run = Callable[..., Any]


def command_of(place: Path, model_file: Path, *more: object) -> list[str]:
    command = [sys.executable, "-m", "dpse_fast.cli", "eval", place / "good.xyz"]
    return [str(word) for word in (*command, "-m", model_file, "--threads", 1, *more)]


@pytest.mark.parametrize("name", OUTPUTS)
def test_killed(run: Run, place: Path, model_file: Path, name: str) -> None:
    """The file opens and has all frames that the journal has; the run goes on."""
    frames = read(place / "good.xyz", index=":")
    write(place / "good.xyz", frames * 50)
    out, partial = place / name, place / name.replace("out.", "out.partial.")
    journal = Path(f"{partial}.jsonl")
    process = subprocess.Popen(
        command_of(place, model_file, "-o", out), env=users_environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not journal.exists() or journal.stat().st_size < 3000:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    done = (
        len(
            [line for line in journal.read_text().splitlines(True) if line[-1:] == "\n"]
        )
        - 1
    )
    assert 1 <= done < 300
    if partial.suffix == ".h5":
        with h5py.File(partial) as file:
            assert len(file["frames/end"]) >= done
            n = int(file["frames/end"][done - 1])
            assert np.isfinite(file["atoms/force"][:n]).all()
    else:
        end = json.loads(journal.read_text().splitlines()[done])["end"]
        partial.write_bytes(partial.read_bytes()[:end])
        assert frames_of(partial) == list(range(done))
    got = run(
        "eval",
        place / "good.xyz",
        "-m",
        model_file,
        "-o",
        out,
        "--resume",
        "--threads",
        1,
    )
    assert got.code == 0
    assert len(frames_of_many(out)) == 300


def frames_of_many(out: Path) -> list[int]:
    if out.suffix == ".h5":
        return frames_of(out)
    marks = [line for line in out.read_text().splitlines() if " frame=" in line]
    return [int(line.partition(" frame=")[2].split()[0]) for line in marks]


LIMITED = """
import resource, signal, sys
from dpse_fast.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def limited(place: Path, model_file: Path) -> Callable[..., Any]:
    """Evaluates many frames where files cannot be longer than some bytes."""
    frames = read(place / "good.xyz", index=":")
    write(place / "good.xyz", frames * 20)

    def evaluate(n_bytes: int, *more: object) -> subprocess.CompletedProcess[str]:
        arguments = command_of(place, model_file, *more)[3:]
        return subprocess.run(
            [sys.executable, "-c", LIMITED, str(n_bytes), *arguments],
            env=users_environment(), capture_output=True, text=True,
        )  # fmt: skip

    return evaluate


def test_full_disk(
    run: Run, place: Path, model_file: Path, limited: Callable[..., Any]
) -> None:
    out, partial = place / "out.xyz", place / "out.partial.xyz"
    got = limited(30_000, "-o", out)
    assert got.returncode == 1
    assert "Traceback" not in got.stderr
    assert (
        f"Error: output {partial}: cannot be written to (File too large)" in got.stderr
    )
    done = frames_of(partial)
    assert 5 < len(done) < 120
    assert done == list(range(len(done)))
    again = run(
        "eval",
        place / "good.xyz",
        "-m",
        model_file,
        "-o",
        out,
        "--resume",
        "--threads",
        1,
    )
    assert again.code == 0
    assert frames_of(out) == list(range(120))


def test_output_in_a_pipe_that_closes(place: Path, model_file: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = place / "out.h5"
    done = subprocess.run(
        command_of(place, model_file, "-o", out), env=users_environment(),
        stdout=writing, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == 1
    assert "finished frames are in" in done.stderr
    assert "Traceback" not in done.stderr
    assert frames_of(place / "out.partial.h5")


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
def test_closed_streams(place: Path, model_file: Path, closed: tuple[int, ...]) -> None:
    out = place / "out.h5"
    shut = " ".join(f"{number}>&-" for number in closed)
    for more, code in ((["-o", out], 0), ([], int(1 in closed))):
        command = command_of(place, model_file, *more)
        quoted = " ".join(f"'{word}'" for word in command)
        done = subprocess.run(
            ["sh", "-c", f"{quoted} {shut}"], env=users_environment(),
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
    assert frames_of(out) == list(range(N_FRAMES))


def test_full_standard_output(place: Path, model_file: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command_of(place, model_file), env=users_environment(),
            stdout=full, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: ")
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
