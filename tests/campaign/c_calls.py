"""dpse.h with good and hostile arguments; a crash ends a child process only."""

from __future__ import annotations

import ctypes as c
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from ghosts import with_ghosts
from library.binding import Binding, List, Sums, ints, pointer
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.errors import DpseError
from dpse_fast.formats import exchange

from .target import Skipped, Target

INPUT, MODEL, HANDLE, INTERNAL = 1, 2, 3, 5
NUMBERS = (0, -1, 1, 2, 7, 10**6, 2**31 - 1, -(2**31))
STARTS = (2**31, 2**40, 2**60, 2**63 - 1, -1, -(2**63))
LIMIT = 1e-10


class CCalls(Target):
    name = "c"
    promise = (
        "Functions of dpse.h return a status and a text for every NULL, size and "
        "number that can be checked; they never end the process"
    )
    tried = (
        "all functions of the shared library with NULL, absurd sizes and numbers, "
        "texts of any bytes, wrong potentials; good calls in between are compared "
        "with Python"
    )
    time_limit = 60.0
    batch = 20
    full = 100_000

    def prepare(self, folder: Path) -> None:
        if shutil.which("cc") is None:
            raise Skipped("no C compiler cc")
        if importlib.util.find_spec("cffi") is None:
            raise Skipped("cffi is not installed")
        from dpse_fast import library

        try:
            library.build(folder)
        except DpseError as error:
            raise Skipped(str(error)) from None
        self.library = folder
        self.file = folder / "model.h5"
        exchange.write(random_model(), self.file)
        self.s = random_structure("cubic", n_atoms=8)
        potential = dpse_fast.load(self.file, threads=1)
        self.expected = potential.compute(*self.s[:3])
        self.ghosts = with_ghosts(*self.s, reach=potential.rcut + 0.5)
        self._binding: Binding | None = None

    def execute(self, number: int, folder: Path) -> str:
        if self._binding is None:
            self._binding = Binding(self.library)
            self._potential = self._binding.init(self.file, "threads=1")
        rng = self.rng(number)
        calls = (
            self._init, self._small, self._compute, self._compute, self._list,
            self._list,
        )  # fmt: skip
        status, good = calls[int(rng.integers(len(calls)))](rng)
        text = self._binding.c.dpse_error().decode(errors="replace")
        if good:
            assert status == 0, f"a good call: {status}, {text}"
            return "equal"
        assert status != INTERNAL, f"internal error: {text[:200]}"
        if status == 0:
            return "accepted"
        assert text, f"status {status} without a text"
        assert "\n" not in text, f"text {text!r}"
        return "refused"

    def _number(self, rng: Any, good: int) -> int:
        """A good one, mostly."""
        return good if rng.random() < 0.7 else int(rng.choice(NUMBERS))

    def _init(self, rng: Any) -> tuple[int, bool]:
        assert self._binding is not None
        texts = [
            None, b"", b"\xff\xfe", b"x" * 10**5, b"none.pb", b"/", b"/dev/null",
            str(self.file).encode(), "Å.h5".encode(),
        ]  # fmt: skip
        options = [
            None, b"", b"threads=0", b"threads=1 ", b"tol=nan", b"tol=-1", b"\xff=1",
            b"=", b"threads=99999999999", b"skin=inf", b"'", b"head=x",
            b"precision=single", b"device=cuda:9", b"type_map=",
            b"threads=1e3", b"x" * 10**5,
        ]  # fmt: skip
        number = c.c_int(-7)
        place = None if rng.random() < 0.1 else c.byref(number)
        pick = (
            texts[int(rng.integers(len(texts)))],
            options[int(rng.integers(len(options)))],
        )
        status = self._binding.c.dpse_init(*pick, place)
        assert status or place is not None, "dpse_init without a place for the number"
        if not status:
            assert not self._binding.c.dpse_error()
            assert self._binding.c.dpse_free(number.value) == 0
        return status, False

    def _small(self, rng: Any) -> tuple[int, bool]:
        assert self._binding is not None
        lib, potential = self._binding.c, self._number(rng, self._potential)
        null = rng.random() < 0.3
        number, real, other = c.c_int(), c.c_double(), c.c_int()
        name = c.create_string_buffer(16)
        kind = int(rng.integers(5))
        if kind == 0:
            return lib.dpse_cutoff(potential, None if null else c.byref(real)), False
        if kind == 1:
            return lib.dpse_n_types(potential, None if null else c.byref(number)), False
        if kind == 2:
            given = (None if null else c.byref(number), c.byref(other))
            return lib.dpse_parameters(
                potential, *given[:: int(rng.choice([1, -1]))]
            ), False
        if kind == 3:
            # What follows 16 bytes belongs to others: the size is true, or too small.
            size = int(rng.choice([16, 16, 2, 1, 0, -1, -(2**31)]))
            place = None if null else name
            status = lib.dpse_type_name(potential, self._number(rng, 0), place, size)
            assert status or place is not None, "a name without a place"
            return status, False
        wrong = int(rng.choice([0, -1, 2**31 - 1, 10**6]))
        status = lib.dpse_free(wrong)
        assert status == HANDLE, f"dpse_free({wrong}): {status}"
        return status, False

    def _compute(self, rng: Any) -> tuple[int, bool]:
        assert self._binding is not None
        n = len(self.s.types)
        energy = c.c_double()
        forces, virial = np.full((n, 3), np.nan), np.full((3, 3), np.nan)
        arrays: dict[str, Any] = {
            "positions": self.s.positions.copy(), "types": ints(self.s.types),
            "cell": self.s.cell.copy(), "pbc": ints(self.s.pbc), "fparam": None,
            "aparam": None,
        }  # fmt: skip
        size, potential, good = n, self._potential, rng.random() < 0.3
        outputs: list[Any] = [c.byref(energy), pointer(forces), pointer(virial)]
        if not good:
            kind = int(rng.integers(7))
            if kind == 0:
                # Sizes that are too small or refused: others lie outside of the arrays.
                size = int(rng.choice([0, -1, -(2**31), 1, n - 1]))
            elif kind == 1:
                name = str(rng.choice(["positions", "types", "cell", "pbc"]))
                arrays[name] = None
            elif kind == 2:
                bad = float(rng.choice([np.nan, np.inf, 1e300, -1e8]))
                name = str(rng.choice(["positions", "cell"]))
                arrays[name].flat[int(rng.integers(arrays[name].size))] = bad
            elif kind == 3:
                arrays["types"][int(rng.integers(n))] = int(rng.choice(NUMBERS))
            elif kind == 4:
                arrays["pbc"][int(rng.integers(3))] = int(rng.choice(NUMBERS))
            elif kind == 5:
                outputs[int(rng.integers(3))] = None
            else:
                potential = int(rng.choice(NUMBERS[3:]))
        status = self._binding.c.dpse_compute(
            potential, size, *map(pointer, arrays.values()), *outputs, None, None
        )
        if good:
            gap = np.abs(forces - self.expected.forces).max()
            assert status or gap < LIMIT, f"dpse_compute: forces differ by {gap:.1e}"
        return int(status), good

    def _list(self, rng: Any) -> tuple[int, bool]:
        assert self._binding is not None
        g, n = self.ghosts, len(self.s.types)
        n_all = len(g.positions)
        forces = np.zeros((n_all, 3))
        arrays: dict[str, Any] = {
            "positions": g.positions.copy(), "types": ints(g.types),
            "centres": ints(np.arange(n)), "first": g.first.astype(np.int64),
            "neighbours": ints(g.neighbours),
        }  # fmt: skip
        numbers = {"n_all": n_all, "n_rows": n, "n_caller_types": 0, "same_list": 0}
        good, whole = rng.random() < 0.3, True
        kind = -1 if good else int(rng.integers(8))
        if kind == 0:
            arrays[str(rng.choice(list(arrays)))] = None
        elif kind == 1:
            name = str(rng.choice(["n_all", "n_rows", "n_caller_types"]))
            numbers[name] = int(rng.choice([0, -1, -(2**31)]))
        elif kind == 2:
            place = int(rng.integers(n + 1))
            arrays["first"][place] = int(rng.choice(STARTS))
        elif kind == 3:
            arrays["neighbours"][int(rng.integers(len(g.neighbours)))] = int(
                rng.choice([-1, n_all, 2**31 - 1, -(2**31)])
            )
        elif kind == 4:
            arrays["types"][int(rng.integers(n_all))] = int(rng.choice(NUMBERS))
        elif kind == 5:
            arrays["centres"][int(rng.integers(n))] = int(rng.choice([-1, n_all, 1]))
        elif kind == 6:
            whole = False
        elif kind == 7:
            arrays["positions"].flat[int(rng.integers(n_all))] = np.nan
        given = List(**numbers, **{k: pointer(v) for k, v in arrays.items()})
        sums = Sums(forces=pointer(forces))
        which = (c.byref(given), c.byref(sums))
        if not whole:
            which = [(None, which[1]), (which[0], None), (None, None)][
                int(rng.integers(3))
            ]
        status = self._binding.c.dpse_compute_nlist(self._potential, *which)
        if good:
            gap = np.abs(g.onto_owners(forces, n) - self.expected.forces).max()
            assert status or gap < 1e-5, (
                f"dpse_compute_nlist: forces differ by {gap:.1e}"
            )
        return int(status), good
