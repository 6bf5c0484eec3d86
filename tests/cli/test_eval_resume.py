"""`dpse-fast eval --resume`: a run that ended early goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ase import Atoms
from ase.io import read, write
from cli.eval_frames import N_FRAMES, OUTPUTS, frames_of, gas

import dpse_fast
from dpse_fast.cli import main

Run = Callable[..., Any]


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


def test_resume_skips_what_stopped_the_run(
    run: Run, place: Path, model_file: Path
) -> None:
    once, twice = place / "once.h5", place / "twice.h5"
    command = ("eval", place / "bad.xyz", "-m", model_file, "-o")
    assert run(*command, once, "--skip-bad").code == 0
    assert run(*command, twice).code == 1
    assert run(*command, twice, "--skip-bad", "--resume").code == 0
    assert once.read_bytes() == twice.read_bytes()


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


@pytest.mark.parametrize("change", ["shorter", "position", "label"])
def test_resume_of_a_changed_trajectory_is_refused(
    run: Run, place: Path, model_file: Path, change: str
) -> None:
    arguments = ("eval", place / "bad.xyz", "-m", model_file, "-o", place / "out.h5")
    run(*arguments)
    frames = read(place / "good.xyz", index=":")
    if change == "position":  # of the first frame; the last finished one is as before
        frames[0].positions[0, 0] += 0.1
    elif change == "label":
        frames[0].info["REF_energy"] = -1.0
    write(place / "bad.xyz", frames[1:] if change == "shorter" else frames)
    got = run(*arguments, "--resume")
    assert got.code == 1
    assert "the trajectory has changed" in got.error
    assert frames_of(place / "out.partial.h5") == [0, 1, 2]


@pytest.mark.parametrize("line", [0, 2])
def test_resume_with_a_damaged_journal(
    run: Run, place: Path, model_file: Path, line: int
) -> None:
    arguments = ("eval", place / "bad.xyz", "-m", model_file, "-o", place / "out.h5")
    run(*arguments)
    journal = place / "out.partial.h5.jsonl"
    lines = journal.read_text().splitlines()
    lines[line] = '{"format": "dpse-fast progress", "version": 1}'
    journal.write_text("\n".join(lines) + "\n")
    got = run(*arguments, "--resume")
    assert got.code == 1
    assert "leave --resume out to begin anew" in got.error
    assert frames_of(place / "out.partial.h5") == [0, 1, 2]


def test_resume_without_an_earlier_run(run: Run, place: Path, model_file: Path) -> None:
    arguments = ("eval", place / "good.xyz", "-m", model_file, "--resume")
    got = run(*arguments, "-o", place / "out.xyz")
    assert got.code == 0
    assert "0 frames were done before" in got.err
    got = run(*arguments)
    assert got.code == 2
    assert "--resume: expected the --output" in got.error


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
