"""`dpse-fast eval` that ends early: finished frames stay, and the run can go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from other_process import users_environment

import dpse_fast
from dpse_fast.cli import main
from dpse_fast.writers.hdf5 import Hdf5Writer

Run = Callable[..., Any]
OUTPUTS = ("out.xyz", "out.h5")
N_FRAMES = 6


def frames_of(path: Path) -> list[int]:
    """The numbers of the frames in a file of results."""
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            assert len(file["atoms/force"]) == file["frames/end"][-1]
            return list(file["frames/index"][: len(file["frames/end"])])
    return [atoms.info["frame"] for atoms in read(path, index=":")]


def gas(seed: int, n: int = 5) -> Atoms:
    """Atoms far enough from each other, in a box."""
    rng = np.random.default_rng(seed)
    places = np.array(np.unravel_index(rng.permutation(27)[:n], (3, 3, 3))).T
    symbols = ["O", *["H"] * (n - 1)]
    return Atoms(symbols, 3.0 * places + rng.uniform(0, 1, (n, 3)), cell=[9] * 3, pbc=1)


@pytest.fixture
def frames() -> list[Atoms]:
    return [gas(seed, 3 + seed) for seed in range(N_FRAMES)]


@pytest.fixture
def place(tmp_path: Path, frames: list[Atoms]) -> Path:
    """Six good frames in good.xyz; the fourth is bad in bad.xyz."""
    write(tmp_path / "good.xyz", frames)
    frames[3].positions[1] = np.nan
    write(tmp_path / "bad.xyz", frames)
    return tmp_path


@pytest.mark.parametrize("name", OUTPUTS)
def test_finished_frames_stay(
    run: Run, place: Path, model_file: Path, name: str
) -> None:
    out, partial = place / name, place / name.replace("out.", "out.partial.")
    out.write_text("precious")
    got = run("eval", place / "bad.xyz", "-m", model_file, "-o", out)
    assert got.code == 1
    assert "bad.xyz, frame 3: positions" in got.error
    assert f"3 finished frames are in {partial}" in got.err
    assert "3 frames, 12 atoms" in got.out
    assert out.read_text() == "precious"
    assert frames_of(partial) == [0, 1, 2]


def test_json_of_a_run_that_fails(run: Run, place: Path, model_file: Path) -> None:
    out = place / "out.h5"
    got = run("eval", place / "bad.xyz", "-m", model_file, "-o", out, "--json")
    assert got.code == 1
    assert [frame["frame"] for frame in got.json["frames"]] == [0, 1, 2]
    assert got.json["summary"]["frames"] == 3
    assert got.json["output"] is None
    assert got.json["partial_output"] == str(place / "out.partial.h5")
    assert got.error == f"Error: {got.json['error']}"


@pytest.mark.parametrize("command", ["eval", "info", "convert", "compress", "bench"])
def test_json_of_other_failures(run: Run, place: Path, command: str) -> None:
    paths = {
        "eval": [place / "good.xyz", "-m", place / "none.pb"],
        "info": [place / "none.pb"],
        "convert": [place / "none.pb", place / "new.h5"],
        "compress": [place / "none.pb", place / "new.h5"],
        "bench": ["-m", place / "none.pb"],
    }[command]
    got = run(command, *paths, "--json")
    assert got.code == 1
    assert got.json.keys() == {"error"}
    assert "none.pb" in got.json["error"]


@pytest.mark.parametrize("name", OUTPUTS)
def test_resumed_run_gives_the_same_file(
    run: Run, place: Path, model_file: Path, name: str
) -> None:
    whole = run("eval", place / "good.xyz", "-m", model_file, "-o", place / name)
    assert whole.code == 0
    expected = (place / name).read_bytes()
    (place / name).unlink()
    bad = (place / "bad.xyz").read_text()
    good = (place / "good.xyz").read_text()
    (place / "good.xyz").write_text(bad)
    begin = ["eval", place / "good.xyz", "-m", model_file, "-o", place / name]
    assert run(*begin).code == 1
    (place / "good.xyz").write_text(good)
    got = run(*begin, "--resume", "--json", "--threads", 1)
    assert got.code == 0
    assert (place / name).read_bytes() == expected
    assert [frame["frame"] for frame in got.json["frames"]] == list(range(N_FRAMES))
    assert got.json["summary"]["atoms"] == sum(range(3, 3 + N_FRAMES))
    assert sorted(p.name for p in place.iterdir()) == sorted(
        ["good.xyz", "bad.xyz", name]
    )


def test_resume_sums_up_errors_and_warnings_of_the_whole_run(
    run: Run, place: Path, narrow_file: Path, frames: list[Atoms]
) -> None:
    for atoms in frames:
        atoms.info["REF_energy"] = 1.0
    whole = [*frames[:3], gas(3, 6), *frames[4:]]
    write(place / "t.xyz", whole)
    command = ["eval", place / "t.xyz", "-m", narrow_file, "-o", place / "out.h5"]
    expected = run(*command, "--json").json
    write(place / "t.xyz", frames)
    run(*command)
    write(place / "t.xyz", whole)
    found = run(*command, "--json", "--resume").json
    for summary in (found["summary"], expected["summary"]):
        del summary["seconds"], summary["microseconds_per_atom"]
    assert found["summary"] == expected["summary"]
    assert found["summary"]["errors"]["energy_per_atom"]["values"] == 5
    assert found["warnings"] == expected["warnings"]


@pytest.mark.parametrize("name", OUTPUTS)
def test_skip_bad(run: Run, place: Path, model_file: Path, name: str) -> None:
    out = place / name
    arguments = ("eval", place / "bad.xyz", "-m", model_file, "-o", out, "--skip-bad")
    got = run(*arguments)
    assert got.code == 0
    assert "3 skipped: bad.xyz, frame 3: positions" in got.out
    assert "1 frames skipped" in got.out
    assert frames_of(out) == [0, 1, 2, 4, 5]
    (skipped,) = run(*arguments, "--json").json["skipped"]
    assert (skipped["frame"], skipped["name"]) == (3, "bad.xyz, frame 3")
    assert "positions" in skipped["error"]


def test_resume_skips_what_stopped_the_run(
    run: Run, place: Path, model_file: Path
) -> None:
    once, twice = place / "once.h5", place / "twice.h5"
    command = ("eval", place / "bad.xyz", "-m", model_file, "-o")
    assert run(*command, once, "--skip-bad").code == 0
    assert run(*command, twice).code == 1
    assert run(*command, twice, "--skip-bad", "--resume").code == 0
    assert once.read_bytes() == twice.read_bytes()


def test_truncated_tail(run: Run, place: Path, model_file: Path) -> None:
    text = (place / "good.xyz").read_text()
    (place / "good.xyz").write_text(text[:-40])
    command = ("eval", place / "good.xyz", "-m", model_file, "-o", place / "o.xyz")
    got = run(*command)
    assert got.code == 1
    assert frames_of(place / "o.partial.xyz") == [0, 1, 2, 3, 4]
    got = run(*command, "--skip-bad", "--json")
    assert got.code == 0
    assert got.json["skipped"] == []
    (warning,) = got.json["warnings"]
    assert warning["category"] == "TruncatedTrajectoryWarning"
    assert frames_of(place / "o.xyz") == [0, 1, 2, 3, 4]


def test_nothing_but_bad_frames(run: Run, tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "none.xyz").write_text("0\n\n0\n\n")
    out = tmp_path / "out.h5"
    got = run("eval", tmp_path / "none.xyz", "-m", model_file, "-o", out, "--skip-bad")
    assert got.code == 1
    assert "no frame could be evaluated" in got.error
    assert [p.name for p in tmp_path.iterdir()] == ["none.xyz"]


def test_a_later_run_keeps_partial_results(
    run: Run, place: Path, model_file: Path
) -> None:
    arguments = ("eval", place / "bad.xyz", "-m", model_file, "-o", place / "out.h5")
    run(*arguments)
    before = (place / "out.partial.h5").read_bytes()
    got = run(*arguments)
    assert "out.partial-1.h5; --resume would have continued it" in got.err
    assert (place / "out.partial-1.h5").read_bytes() == before
    run(*arguments)
    assert (place / "out.partial-2.h5").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--tol", "0.001"], "tol 1e-05, got tol 0.001"),
        (["--atomic"], "atomic False, got atomic True"),
        (["--index", "::2"], "index :, got index ::2"),
        (["--precision", "mixed"], "precision"),
    ],
)
def test_resume_of_another_run_is_refused(
    run: Run, place: Path, model_file: Path, options: list[str], said: str
) -> None:
    arguments = ("eval", place / "bad.xyz", "-m", model_file, "-o", place / "out.h5")
    run(*arguments)
    got = run(*arguments, "--resume", *options)
    assert got.code == 1
    assert said in got.error
    assert frames_of(place / "out.partial.h5") == [0, 1, 2]


def test_resume_of_a_changed_trajectory_is_refused(
    run: Run, place: Path, model_file: Path
) -> None:
    arguments = ("eval", place / "bad.xyz", "-m", model_file, "-o", place / "out.h5")
    run(*arguments)
    frames = read(place / "good.xyz", index=":")
    write(place / "bad.xyz", frames[1:])
    got = run(*arguments, "--resume")
    assert got.code == 1
    assert "the trajectory has changed" in got.error
    assert frames_of(place / "out.partial.h5") == [0, 1, 2]


def test_resume_without_an_earlier_run(run: Run, place: Path, model_file: Path) -> None:
    arguments = ("eval", place / "good.xyz", "-m", model_file, "--resume")
    got = run(*arguments, "-o", place / "out.xyz")
    assert got.code == 0
    assert "0 frames were done before" in got.err
    got = run(*arguments)
    assert got.code == 2
    assert "--resume: expected the --output" in got.error


def test_interrupt_keeps_finished_frames(
    run: Run, place: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute, calls = dpse_fast.Potential.compute, []

    def interrupt(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM if with_term else signal.SIGINT)
            time.sleep(1)
        return compute(*arguments, **options)

    monkeypatch.setattr(dpse_fast.Potential, "compute", interrupt)
    for with_term, code, said in ((0, 130, "interrupted"), (1, 143, "terminated")):
        calls.clear()
        out = place / f"out{with_term}.h5"
        got = run("eval", place / "good.xyz", "-m", model_file, "-o", out, "--json")
        assert (got.code, got.json["error"]) == (code, said)
        assert len(got.json["frames"]) == 2
        assert frames_of(place / f"out{with_term}.partial.h5") == [0, 1]


def test_interrupt_where_python_lets_none_through(
    run: Run, place: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute, calls = dpse_fast.Potential.compute, []

    class Dying:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)

    def interrupt(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            Dying()
        return compute(*arguments, **options)

    monkeypatch.setattr(dpse_fast.Potential, "compute", interrupt)
    out = place / "out.h5"
    got = run("eval", place / "good.xyz", "-m", model_file, "-o", out, "--json")
    assert (got.code, got.json["error"]) == (143, "terminated")
    assert "Exception ignored" not in got.err
    assert frames_of(place / "out.partial.h5") == [0, 1, 2]


def test_interrupt_while_a_frame_is_written(
    run: Run, place: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_frame, written = Hdf5Writer.write, []

    def interrupt(self: Hdf5Writer, evaluation: Any) -> None:
        written.append(1)
        if len(written) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        write_frame(self, evaluation)

    monkeypatch.setattr(Hdf5Writer, "write", interrupt)
    out = place / "out.h5"
    got = run("eval", place / "good.xyz", "-m", model_file, "-o", out, "--json")
    assert got.code == 130
    assert len(got.json["frames"]) == len(frames_of(place / "out.partial.h5")) == 2


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


def test_two_programs_do_not_write_the_same_file(
    run: Run, place: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["eval", place / "good.xyz", "-m", model_file, "-o", place / "out.h5"]
    compute, codes = dpse_fast.Potential.compute, []

    def start_another(*given: Any, **options: Any) -> Any:
        monkeypatch.setattr(dpse_fast.Potential, "compute", compute)
        codes.append(main([str(a) for a in arguments]))
        return compute(*given, **options)

    monkeypatch.setattr(dpse_fast.Potential, "compute", start_another)
    got = run(*arguments)
    assert codes == [1]
    assert "another program is writing out.partial.h5" in got.err
    assert got.code == 0
    assert frames_of(place / "out.h5") == list(range(N_FRAMES))
