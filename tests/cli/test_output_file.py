"""No command writes over one of its inputs, however they are spelled."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dpse_fast.cli.options import embedded_model

Run = Callable[..., Any]


@pytest.fixture
def inputs(tmp_path: Path, model_file: Path, trajectory: Path) -> Path:
    """A folder with model.h5 and frames.xyz, and other names of both."""
    (tmp_path / "folder").mkdir()
    shutil.copy(model_file, tmp_path / "model.h5")
    shutil.copy(trajectory, tmp_path / "frames.xyz")
    for name in ("model.h5", "frames.xyz"):
        file = tmp_path / name
        (tmp_path / f"symbolic-{name}").symlink_to(file)
        (tmp_path / f"hard-{name}").hardlink_to(file)
    return tmp_path


SPELLINGS = ("{}", "./{}", "folder/../{}", "symbolic-{}", "hard-{}")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("eval frames.xyz -m model.h5 -o OUT", "model.h5"),
        ("eval frames.xyz -m symbolic-model.h5 -o OUT", "model.h5"),
        ("eval frames.xyz -m model.h5 -o OUT", "frames.xyz"),
        ("eval symbolic-frames.xyz -m model.h5 -o OUT", "frames.xyz"),
        ("convert model.h5 OUT", "model.h5"),
        ("convert hard-model.h5 OUT", "model.h5"),
        ("compress model.h5 OUT", "model.h5"),
    ],
)
def test_inputs_are_not_written_over(
    run: Run, inputs: Path, monkeypatch: pytest.MonkeyPatch,
    command: str, name: str, spelling: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(inputs)
    before = Path(name).read_bytes()
    got = run(*command.replace("OUT", spelling.format(name)).split())
    assert got.code == 1
    what = "model" if name == "model.h5" else "trajectory"
    assert f"expected another file than the {what}" in got.error
    assert Path(name).read_bytes() == before
    assert Path(f"symbolic-{name}").is_symlink()


def test_partial_results_are_not_written_over_inputs(
    run: Run, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inputs)
    Path("frames.xyz").rename("out.partial.xyz")
    got = run("eval", "out.partial.xyz", "-m", "model.h5", "-o", "out.xyz")
    assert got.code == 1
    assert "than the trajectory, since out.partial.xyz is written too" in got.error
    Path("model.h5").rename("out.partial.h5")
    got = run("eval", "hard-frames.xyz", "-m", "out.partial.h5", "-o", "out.h5")
    assert "than the model, since out.partial.h5 is written too" in got.error


def test_the_embedded_model_is_not_written_over(run: Run, trajectory: Path) -> None:
    before = embedded_model().read_bytes()
    got = run("eval", trajectory, "-o", embedded_model())
    assert got.code == 1
    assert "than the model" in got.error
    assert embedded_model().read_bytes() == before


def test_the_frames_of_a_check_are_not_written_over(
    run: Run, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(inputs)
    Path("frames.h5").symlink_to("frames.xyz")
    got = run("compress", "model.h5", "frames.h5", "--check", "frames.xyz")
    assert got.code == 1
    assert "than the trajectory" in got.error


def test_a_link_is_written_through(
    run: Run, inputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an output links to is made, and the link stays."""
    monkeypatch.chdir(inputs)
    for name, command in (
        ("out.xyz", "eval frames.xyz -m model.h5 -o"),
        ("copy.h5", "convert model.h5"),
    ):
        Path(name).symlink_to(f"folder/{name}")
        assert run(*command.split(), name).code == 0
        assert Path(name).is_symlink()
        assert Path("folder", name).stat().st_size > 0


@pytest.mark.parametrize(
    ("command", "out"),
    [("convert", "new.h5"), ("convert", "new.dp"), ("compress", "new.h5")],
)
def test_full_disk(
    run: Run, inputs: Path, monkeypatch: pytest.MonkeyPatch, command: str, out: str
) -> None:
    """HDF5 itself would end the process."""

    def refuse(self: Path, data: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    before = sorted(inputs.iterdir())
    got = run(command, inputs / "model.h5", inputs / out)
    assert got.code == 1
    assert f"{inputs / out}: the model cannot be written (No space left" in got.error
    assert sorted(inputs.iterdir()) == before
