"""Calls that no program should make, in a process that must outlive them.

Run with the folder of libdpse.so; prints a line for each call: its name before it,
then status, text and the atom of the error, as JSON.
"""

from __future__ import annotations

import ctypes as c
import json
import mmap
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from library.binding import Binding, List, Sums, ints, pointer  # noqa: E402

N = 3
NOWHERE = (0x10, 2**47 - 4096, 2**60, 2**64 - 4096)  # multiples of 8, never mapped
INT_MAX = 2**31 - 1
ENDLESS = b"tol=1"  # a text without a 0, where memory ends
TOUCHED = 12345.0  # what outputs are before


def address(value: int) -> c.c_void_p:
    return c.c_void_p(value)


def at(array: Any, offset: int = 0) -> c.c_void_p:
    return c.c_void_p(array.ctypes.data + offset)


class Calls:
    """Each method yields calls as (name, function without arguments)."""

    def __init__(self, folder: str) -> None:
        self.binding = Binding(Path(folder))
        self.c = self.binding.c
        self.potential = self.binding.init(None, "threads=1")
        self.committee = self.binding.init_committee([None, None], "threads=1")
        rng = np.random.default_rng(1)
        self.positions = rng.normal(size=(N, 3)) * 2
        self.types = ints([0, 1, 1])
        self.forces = np.full((N, 3), TOUCHED)
        self.energy = np.full(1, TOUCHED)
        self.big = np.full(9 * N + 1, TOUCHED)
        # The end of an array, and behind it memory that cannot be read.
        self.edge = mmap.mmap(-1, 3 * mmap.PAGESIZE)
        self.edge[mmap.PAGESIZE - len(ENDLESS) : mmap.PAGESIZE] = ENDLESS
        self.end = np.frombuffer(self.edge, np.uint8).ctypes.data + mmap.PAGESIZE
        c.CDLL(None).mprotect(c.c_void_p(self.end), c.c_size_t(mmap.PAGESIZE), 0)
        self.fixed = mmap.mmap(-1, mmap.PAGESIZE)
        self.read_only = np.frombuffer(self.fixed, np.uint8).ctypes.data
        c.CDLL(None).mprotect(c.c_void_p(self.read_only), c.c_size_t(mmap.PAGESIZE), 1)

    # What is right, with some arguments replaced.

    def compute(self, **other: Any) -> int:
        given = {
            "potential": self.potential,
            "n": N,
            "positions": at(self.positions),
            "types": at(self.types),
            "cell": None,
            "pbc": None,
            "fparam": None,
            "aparam": None,
            "energy": at(self.energy),
            "forces": at(self.forces),
            "virial": None,
            "atomic_energies": None,
            "atomic_virials": None,
        } | other
        return int(self.c.dpse_compute(*given.values()))

    def listed(self, sums: Any = None, **other: Any) -> int:
        self.kept = {
            "n_all": N,
            "n_rows": N,
            "positions": self.positions,
            "types": self.types,
            "first": np.array([0, 2, 4, 6]),
            "neighbours": ints([1, 2, 0, 2, 0, 1]),
        } | other
        given = List()
        for name, value in self.kept.items():
            if isinstance(value, np.ndarray):
                value = pointer(value)
            elif isinstance(value, c.c_void_p):
                value = c.cast(value, type(getattr(given, name)))
            setattr(given, name, value)
        self.sums = Sums(forces=pointer(self.forces))
        for name, value in (sums or {}).items():
            setattr(self.sums, name, c.cast(value, type(getattr(self.sums, name))))
        return int(
            self.c.dpse_compute_nlist(
                self.potential, c.byref(given), c.byref(self.sums)
            )
        )

    def members(self, n_models: int = 2, sums: Any = None) -> int:
        self.kept_sums = (Sums * 2)(*(Sums(forces=pointer(self.forces)),) * 2)
        given = c.byref(self.kept_sums) if sums is None else sums
        lists = List(n_all=0, n_rows=0, first=pointer(np.zeros(1, np.int64)))
        call = self.c.dpse_compute_nlist_members
        return int(call(self.committee, c.byref(lists), n_models, given))

    def init_committee(self, n_models: int, models: Any, options: Any = None) -> int:
        number = c.c_int()
        call = self.c.dpse_init_committee
        return int(call(n_models, models, options, c.byref(number)))

    def committees(self) -> Iterator[tuple[str, Callable[[], int]]]:
        for number in (1, 0, -1, -INT_MAX - 1):
            models = (c.c_char_p * 2)()
            yield (
                f"n_models {number} of init",
                lambda n=number, m=models: self.init_committee(n, m),
            )
        for number in (3, 0, -1, INT_MAX, -INT_MAX - 1):
            yield f"n_models {number}", lambda n=number: self.members(n)
        for value in (None, *NOWHERE):
            where = None if value is None else address(value)
            yield f"models {value}", lambda v=where: self.init_committee(2, v)
            if value is None:
                continue
            yield f"sums {value} of members", lambda v=where: self.members(2, v)
            two = (c.c_void_p * 2)(None, value)
            yield f"model {value} of two", lambda v=two: self.init_committee(2, v)
        yield "models that end", lambda: self.init_committee(9, address(self.end - 16))
        two = (c.c_char_p * 2)(None, b"nowhere.pb")
        yield "model nowhere of two", lambda: self.init_committee(2, two)
        for options in (b"driver=last", b"deviation_tol=-1", b"driver="):
            none = (c.c_char_p * 2)()
            name = options.decode().partition("=")[0]
            yield (
                f"{name} {options.decode()}",
                lambda o=options, n=none: self.init_committee(2, n, o),
            )
            yield (
                f"{name} {options.decode()} of one",
                lambda o=options: self.c.dpse_init(None, o, c.byref(c.c_int())),
            )
        yield (
            "potential of one model",
            lambda: self.c.dpse_deviation_certificate(
                self.potential, at(self.big), at(self.big, 8)
            ),
        )

    def pointers(self) -> Iterator[tuple[str, Callable[[], int]]]:
        """NULL, misaligned, and to nowhere."""
        p, library = self.potential, self.c
        wrong = [("NULL", None), ("odd", at(self.big, 1))]
        wrong += [(hex(value), address(value)) for value in NOWHERE]
        good = c.byref(c.c_int())
        for name, value in wrong:
            yield (
                f"n_types {name}",
                lambda v=value: library.dpse_n_types(p, v),
            )
            yield f"cutoff {name}", lambda v=value: library.dpse_cutoff(p, v)
            yield (
                f"n_frame {name}",
                lambda v=value: library.dpse_parameters(p, v, good),
            )
            yield (
                f"n_atomic {name}",
                lambda v=value: library.dpse_parameters(p, good, v),
            )
            yield (
                f"potential {name}",
                lambda v=value: library.dpse_init(None, None, v),
            )
            for argument in ("positions", "types", "energy", "forces"):
                yield (
                    f"{argument} {name}",
                    lambda a=argument, v=value: self.compute(**{a: v}),
                )
            for argument in ("positions", "types", "first", "neighbours"):
                yield (
                    f"{argument} {name} of a list",
                    lambda a=argument, v=value: self.listed(**{a: v}),
                )
            yield (
                f"list {name}",
                lambda v=value: library.dpse_compute_nlist(p, v, c.byref(Sums())),
            )
            empty = List(first=pointer(np.zeros(1, np.int64)))
            yield (
                f"sums {name}",
                lambda v=value, e=empty: library.dpse_compute_nlist(p, c.byref(e), v),
            )
            if name != "NULL":
                for argument in (
                    *("cell", "pbc", "virial", "atomic_energies", "atomic_virials"),
                ):
                    yield (
                        f"{argument} {name}",
                        lambda a=argument, v=value: self.compute(**{a: v}),
                    )
                yield (
                    f"centres {name}",
                    lambda v=value: self.listed(centres=v),
                )
                yield (
                    f"type_map {name}",
                    lambda v=value: self.listed(type_map=v, n_caller_types=2),
                )
                for argument in (
                    *("forces", "atomic_energies", "atomic_virials"),
                    "pair_gradients",
                ):
                    yield (
                        f"{argument} {name} of sums",
                        lambda a=argument, v=value: self.listed(sums={a: v}),
                    )
                yield (
                    f"ids {name}",
                    lambda v=value: library.dpse_atom_ids(p, N, v),
                )
            if name not in ("NULL", "odd"):
                yield f"model {name}", lambda v=value: library.dpse_init(v, None, good)
                yield (
                    f"options {name}",
                    lambda v=value: library.dpse_init(None, v, good),
                )
            if name != "odd":  # letters lie anywhere
                yield (
                    f"name {name}",
                    lambda v=value: library.dpse_type_name(p, 0, v, 9),
                )

    def memory(self) -> Iterator[tuple[str, Callable[[], int]]]:
        """Sizes beyond the memory, memory that may not be written, and shared."""
        before = self.end - 24 * N
        yield (
            "positions that end too early",
            lambda: self.compute(n=N + 1, positions=address(before)),
        )
        yield (
            "positions of INT_MAX atoms",
            lambda: self.compute(n=INT_MAX, positions=address(before)),
        )
        yield (
            "types of INT_MAX atoms in a list",
            lambda: self.listed(n_all=INT_MAX, positions=address(before)),
        )
        yield (
            "first of INT_MAX rows",
            lambda: self.listed(
                n_all=INT_MAX, n_rows=INT_MAX, first=address(self.end - 8)
            ),
        )
        text, good = address(self.end - len(ENDLESS)), c.byref(c.c_int())
        yield "model without an end", lambda: self.c.dpse_init(text, None, good)
        yield "options without an end", lambda: self.c.dpse_init(None, text, good)
        for argument in ("energy", "forces", "virial", "atomic_virials"):
            yield (
                f"{argument} that is constant",
                lambda a=argument: self.compute(**{a: address(self.read_only)}),
            )
        yield (
            "name that is constant",
            lambda: self.c.dpse_type_name(
                self.potential, 0, address(self.read_only), 9
            ),
        )
        yield (
            "forces that are positions",
            lambda: self.compute(forces=at(self.positions)),
        )
        yield (
            "forces that are positions of a list",
            lambda: self.listed(sums={"forces": at(self.positions)}),
        )
        yield (
            "virial that is forces",
            lambda: self.compute(virial=at(self.forces, 8)),
        )
        yield (
            "energy that is forces",
            lambda: self.compute(energy=at(self.forces, 8 * 3 * N - 8)),
        )
        yield (
            "n_frame that is n_atomic",
            lambda: self.c.dpse_parameters(self.potential, at(self.big), at(self.big)),
        )

    def sizes(self) -> Iterator[tuple[str, Callable[[], int]]]:
        for number in (0, -1, -INT_MAX - 1):
            yield f"n {number}", lambda n=number: self.compute(n=n)
        for name in ("n_all", "n_rows"):
            for number in (-1, -INT_MAX - 1):
                yield (
                    f"{name} {number}",
                    lambda a=name, n=number: self.listed(**{a: n}),
                )
        yield "n_rows beyond n_all", lambda: self.listed(n_rows=N + 1)
        yield "n_all 0 with rows", lambda: self.listed(n_all=0)
        for size in (1, 0, -1, -INT_MAX - 1):
            yield (
                f"size {size}",
                lambda s=size: self.c.dpse_type_name(
                    self.potential, 0, at(self.big), s
                ),
            )
        for kind in (-1, 2, INT_MAX, -INT_MAX - 1):
            yield (
                f"type {kind}",
                lambda t=kind: self.c.dpse_type_name(
                    self.potential, t, at(self.big), 9
                ),
            )
        for n, ids in ((-1, at(self.big)), (0, at(self.big)), (1, None), (-1, None)):
            yield (
                f"n {n} of ids {'NULL' if ids is None else ''}",
                lambda n=n, i=ids: self.c.dpse_atom_ids(self.potential, n, i),
            )
        for number in (-1, 0, -INT_MAX - 1):
            yield (
                f"n_caller_types {number}",
                lambda n=number: self.listed(type_map=self.types, n_caller_types=n),
            )
        for number in (-1, 1, INT_MAX):
            yield (
                f"n_caller_types {number} without a map",
                lambda n=number: self.listed(n_caller_types=n),
            )

    def numbers(self) -> Iterator[tuple[str, Callable[[], int]]]:
        for end in (2**60, 2**63 - 1, 2**31, 7, N * N + 1):
            yield (
                f"first up to {end}",
                lambda e=end: self.listed(first=np.array([0, 2, 4, e])),
            )
        for rows in (
            *([1, 2, 4, 6], [-1, 2, 4, 6], [0, 4, 2, 6], [0, -(2**63), 4, 6]),
            *([2**62, 2**63 - 1, 4, 6], [0, 2**63 - 1, -(2**63), 6], [0, 0, 0, -1]),
            [0, 2**62, 4, 6],
        ):
            yield f"first {rows}", lambda r=rows: self.listed(first=np.array(r))
        for wrong in (-1, N, INT_MAX, -INT_MAX - 1):
            yield (
                f"neighbours with {wrong}",
                lambda w=wrong: self.listed(neighbours=ints([1, 2, 0, w, 0, 1])),
            )
            yield (
                f"centres with {wrong}",
                lambda w=wrong: self.listed(centres=ints([0, 1, w])),
            )
        yield "centres twice", lambda: self.listed(centres=ints([0, 1, 0]))
        for wrong in (-2, 2, INT_MAX):
            yield (
                f"types with {wrong}",
                lambda w=wrong: self.compute(types=at(self.keep(ints([0, w, 1])))),
            )
            yield (
                f"types with {wrong} of a list",
                lambda w=wrong: self.listed(types=ints([0, w, 1])),
            )
            yield (
                f"type_map with {wrong}",
                lambda w=wrong: self.listed(type_map=ints([0, w]), n_caller_types=2),
            )
        yield (
            "types beyond type_map",
            lambda: self.listed(type_map=ints([0]), n_caller_types=1),
        )
        for wrong in (2, -1, INT_MAX):
            yield (
                f"pbc with {wrong}",
                lambda w=wrong: self.compute(
                    pbc=at(self.keep(ints([0, w, 0]))),
                    cell=at(self.keep(np.eye(3) * 20)),
                ),
            )
        yield (
            "pbc without cell",
            lambda: self.compute(pbc=at(self.keep(ints([1, 1, 1])))),
        )
        for number in (np.nan, np.inf, 1e300):
            x = self.positions.copy()
            x[1, 2] = number
            yield (
                f"positions with {number}",
                lambda x=x: self.compute(positions=at(x)),
            )
            yield (
                f"positions with {number} of a list",
                lambda x=x: self.listed(positions=x),
            )
            cell = np.eye(3) * 20
            cell[2, 2] = number
            yield f"cell with {number}", lambda b=cell: self.compute(cell=at(b))
        yield "cell of zeros", lambda: self.compute(cell=at(self.keep(np.zeros(9))))
        yield (
            "positions that coincide",
            lambda: self.compute(positions=at(self.keep(np.zeros(9)))),
        )
        yield (
            "positions that coincide in a list",
            lambda: self.listed(positions=np.zeros((N, 3))),
        )
        for name in ("fparam", "aparam"):
            yield (
                f"{name} that the model does not take",
                lambda a=name: self.compute(**{a: at(self.big)}),
            )
            yield (
                f"{name} that the model does not take in a list",
                lambda a=name: self.listed(**{a: self.big}),
            )

    def same_list(self) -> Iterator[tuple[str, Callable[[], int]]]:
        """In this order; a list that was taken comes between, with status 0."""
        yield "same_list first of all", lambda: self.listed(same_list=1)
        yield "taken: a list", self.listed
        yield "taken: same_list, of memory that is gone", self.same_without_arrays
        yield "n_rows of same_list", lambda: self.listed(same_list=1, n_rows=N - 1)
        yield "n_all of same_list", lambda: self.listed(same_list=1, n_all=N + 1)
        yield "taken: same_list again", self.same_without_arrays
        yield "neighbours refused", lambda: self.listed(neighbours=ints([9] * 6))
        yield "same_list after a refusal", lambda: self.listed(same_list=1)

    def same_without_arrays(self) -> int:
        gone = dict.fromkeys(("types", "first", "neighbours"), address(0x10))
        return self.listed(same_list=-1, **gone)

    def handles(self) -> Iterator[tuple[str, Callable[[], int]]]:
        number = c.c_int()
        freed = self.binding.init(None, "threads=1")
        self.c.dpse_free(freed)
        for wrong in (0, -1, freed, INT_MAX, -INT_MAX - 1):
            yield f"potential {wrong}", lambda w=wrong: self.compute(potential=w)
            yield (
                f"potential {wrong} of n_types",
                lambda w=wrong: self.c.dpse_n_types(w, c.byref(number)),
            )
            yield f"potential {wrong} of free", lambda w=wrong: self.c.dpse_free(w)
            yield (
                f"potential {wrong} of a list, NULL",
                lambda w=wrong: self.c.dpse_compute_nlist(w, None, None),
            )
            yield (
                f"potential {wrong} of ids",
                lambda w=wrong: self.c.dpse_atom_ids(w, 0, None),
            )

    def texts(self) -> Iterator[tuple[str, Callable[[], int]]]:
        number = c.c_int()

        def init(model: bytes | None, options: bytes | None) -> int:
            return int(self.c.dpse_init(model, options, c.byref(number)))

        for name, model in (
            ("empty", b""),
            ("latin", b"m\xf6dell.pb"),
            ("bytes", bytes(range(1, 256))),
            ("newline", b"a\nb.pb"),
            ("long", b"x" * 10**6),
            ("endless", b"x" * 3 * 10**6),
            ("folder", b"/"),
            ("braces", b"{} {atom} %s"),
        ):
            yield f"model {name}", lambda m=model: init(m, None)
        for name, options in (
            ("bytes", b"precision=\xff"),
            ("unknown", b"speed=1"),
            ("twice", b"tol=0 tol=0"),
            ("newline", b"tol=0\ntol=0"),
            ("long", b"tol=" + b"1" * 10**6),
            ("endless", b" " * 3 * 10**6),
            ("many", b"tol=0 " * 10**5),
            ("quote", b"tol='0"),
            ("nan", b"tol=nan"),
            ("huge", b"threads=" + b"9" * 30),
            ("digits", b"threads=" + b"9" * 5000),
            ("skin", b"skin=inf"),
            ("empty", b"head="),
            ("names", b"type_map=,,"),
            ("surrogates", "precision=\ud800".encode("utf-8", "surrogatepass")),
        ):
            yield f"options {name}", lambda o=options: init(None, o)

    def keep(self, array: Any) -> Any:
        """Until the next call is over."""
        self.alive = array
        return array

    def all(self) -> Iterator[tuple[str, Callable[[], int]]]:
        for group in (
            *(self.same_list, self.pointers, self.memory, self.sizes, self.numbers),
            *(self.handles, self.texts, self.committees),
        ):
            yield from group()


def main() -> None:
    calls = Calls(sys.argv[1])
    before = calls.positions.copy()
    for name, call in calls.all():
        print(json.dumps({"call": name}), flush=True)
        calls.forces[:] = calls.energy[:] = TOUCHED
        status = call()
        said = {
            "status": status,
            "text": calls.c.dpse_error().decode(errors="backslashreplace"),
            "atom": calls.c.dpse_error_atom(),
            "wrote": bool((calls.forces != TOUCHED).any() or calls.energy != TOUCHED),
        }
        print(json.dumps(said), flush=True)
    assert np.array_equal(before, calls.positions)
    assert calls.compute() == 0
    print(json.dumps({"call": "end"}))


if __name__ == "__main__":
    main()
