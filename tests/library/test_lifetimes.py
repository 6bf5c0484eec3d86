"""Forks, threads that free, and calls after the end: programs in C."""

from __future__ import annotations

from pathlib import Path

import pytest
from library.conftest import compiled
from other_process import run

SOURCE = Path(__file__).parent / "lifetimes.c"


@pytest.fixture(scope="module")
def program(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("lifetimes") / "lifetimes"
    compiled(
        ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{library}"],
        *(SOURCE, f"-L{library}", "-ldpse", f"-Wl,-rpath,{library}"),
        *("-pthread", "-ldl", "-o", made),
    )
    return made


def said(program: Path, kind: str, *more: object) -> str:
    done = run(program, kind, *more, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_program_frees_what_another_thread_uses(program: Path) -> None:
    assert said(program, "frees") == ""


def test_calls_when_the_program_exits(program: Path) -> None:
    assert said(program, "exit") == "late: 0 \n"


def test_calls_after_the_program_has_ended_python(program: Path) -> None:
    text = said(program, "ends")
    assert text.startswith("late: 4 Python was ended in this process")


def test_forks_of_the_program_while_it_computes(program: Path) -> None:
    pytest.importorskip(
        "dpse_fast.runtime.forks", reason="sessions are not renewed after a fork"
    )
    assert said(program, "forks") == ""
