"""`dpse-fast eval` that ends early: finished frames stay, and JSON has the error."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli.eval_frames import OUTPUTS, frames_of

import dpse_fast
from dpse_fast.writers.hdf5 import Hdf5Writer

Run = Callable[..., Any]


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
    assert got.err.count("good.xyz, frame 5") == 1
    assert frames_of(place / "o.xyz") == [0, 1, 2, 3, 4]


def test_nothing_but_bad_frames(run: Run, tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "none.xyz").write_text("0\n\n0\n\n")
    out = tmp_path / "out.h5"
    got = run("eval", tmp_path / "none.xyz", "-m", model_file, "-o", out, "--skip-bad")
    assert got.code == 1
    assert "no frame could be evaluated" in got.error
    assert [p.name for p in tmp_path.iterdir()] == ["none.xyz"]


@pytest.mark.usefixtures("interruptible")
def test_interrupt_keeps_finished_frames(
    run: Run, place: Path, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute, calls, signals = dpse_fast.Potential.compute, [], []

    def interrupt(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signals[-1])
            time.sleep(1)
        return compute(*arguments, **options)

    monkeypatch.setattr(dpse_fast.Potential, "compute", interrupt)
    # Who runs the tests may ignore it.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for sent, code, said in (
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGHUP, 129, "terminated"),
    ):
        calls.clear()
        signals.append(sent)
        out = place / f"out{code}.h5"
        got = run("eval", place / "good.xyz", "-m", model_file, "-o", out, "--json")
        assert (got.code, got.json["error"]) == (code, said)
        assert len(got.json["frames"]) == 2
        assert frames_of(place / f"out{code}.partial.h5") == [0, 1]
    signal.signal(signal.SIGHUP, before)


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


@pytest.mark.usefixtures("interruptible")
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
