"""Calls with wrong pointers, sizes, numbers and texts: a status, never a crash."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from other_process import run

OK, INPUT, MODEL, HANDLE = 0, 1, 2, 3
CALLS = Path(__file__).parent / "hostile_calls.py"
OTHERS = {  # arguments that a text may name as well
    "n_all": ("n_rows", "n_all", "n_all, n_rows"),
    "n_rows": ("n_rows", "n_all, n_rows"),
    "first": ("first", "neighbours"),
    "pbc": ("pbc", "cell"),
}
OF_ATOMS = ("positions with", "positions that coincide", "types with", "centres twice")


@pytest.fixture(scope="module")
def said(library: Path) -> dict[str, dict[str, Any]]:
    """What the library said to each call, all of one process."""
    done = run(sys.executable, CALLS, library, timeout=100)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    names = [line["call"] for line in lines[::2]]
    assert names[-1:] == ["end"], f"it ended in {names[-1:]}: {done.stderr[-2000:]}"
    assert done.returncode == 0, done.stderr
    assert len(set(names)) == len(names)
    return dict(zip(names, lines[1::2], strict=False))


def of_group(said: dict[str, Any], beginning: str) -> dict[str, Any]:
    found = {k: v for k, v in said.items() if k.startswith(beginning)}
    assert found
    return found


def test_every_wrong_call_is_refused_with_its_argument(
    said: dict[str, dict[str, Any]],
) -> None:
    assert len(said) > 200
    for call, answer in said.items():
        status, text = answer["status"], answer["text"]
        if call.startswith("taken"):
            assert (status, text) == (OK, ""), (call, text)
            continue
        if "expected a number from dpse_init" in text:
            assert status == HANDLE, (call, text)
        elif re.search("no such file|model file|name too long", text):
            assert status == MODEL, (call, text)
        else:
            assert status == INPUT, (call, text)
        assert not answer["wrote"], call
        assert 10 < len(text) < 4096, call
        assert "Error" not in text, call
        assert "Traceback" not in text, call


def test_texts_name_the_argument(said: dict[str, dict[str, Any]]) -> None:
    for call, answer in said.items():
        argument = re.match(r"\w+", call)
        assert argument
        name = argument[0]
        if name in ("taken", "same_list", "model") or call.startswith("options "):
            continue
        named = re.match(r"[\w, ]+(?=:)", answer["text"])
        assert named, (call, answer["text"])
        assert named[0] in OTHERS.get(name, (name,)), (call, answer["text"])


def test_errors_of_atoms_have_their_place(said: dict[str, dict[str, Any]]) -> None:
    for call, answer in said.items():
        about = re.search(r"\batom (\d+)\b", answer["text"])
        assert answer["atom"] == (int(about[1]) if about else -1), (call, answer)
    for beginning in OF_ATOMS:
        for answer in of_group(said, beginning).values():
            assert answer["atom"] >= 0


def test_bytes_of_paths_are_kept(said: dict[str, dict[str, Any]]) -> None:
    assert said["model latin"]["text"].startswith("m\\xf6dell.pb: no such file")
    assert said["model bytes"]["text"].startswith("\x01\x02")
    assert "\\xfd\\xfe\\xff: no such file" in said["model bytes"]["text"]


@pytest.mark.parametrize("letters", range(4080, 4110, 3))
def test_texts_are_cut_between_letters(letters: int) -> None:
    from dpse_fast.library.texts import cut, encoded

    for letter in ("x", "Å", "€", "𝄞"):
        whole = encoded(letter * (letters // len(letter.encode())) + "yz" * 4)
        found = cut(whole, 4096)
        assert found.endswith(b"\0")
        assert len(found) <= 4096
        if len(whole) < 4096:
            assert found == whole + b"\0"
            continue
        beginning, _, end = found[:-1].decode().partition(" ... ")
        assert whole.decode().startswith(beginning)
        assert whole.decode().endswith(end)
        assert len(found) > 4096 - 2 * len(letter.encode())
        assert len(end) > 200


def test_texts_of_any_letters() -> None:
    from dpse_fast.library.texts import encoded

    assert encoded("a\0b") == b"a\\0b"
    assert encoded("\udcff") == b"\xff"
    assert encoded("\ud800") == b"\\ud800"
