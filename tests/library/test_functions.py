"""dpse.h as C calls it, in a process that runs Python already."""

from __future__ import annotations

import ctypes as c
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from families import family, parameters
from ghosts import with_ghosts
from library.binding import Binding, ints, pointer
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.formats.exchange.writer import write

INPUT, MODEL, HANDLE = 1, 2, 3


@pytest.fixture
def binding(library: Path) -> Binding:
    return Binding(library)


def saved(tmp_path: Path, model: Any) -> Path:
    file = tmp_path / "model.h5"
    write(model, file)
    return file


def test_what_a_potential_is(binding: Binding) -> None:
    potential = binding.init(None)
    expected = dpse_fast.load()
    cutoff, number, other = c.c_double(), c.c_int(), c.c_int(-1)
    assert binding.c.dpse_cutoff(potential, c.byref(cutoff)) == 0
    assert cutoff.value == expected.rcut
    assert binding.c.dpse_n_types(potential, c.byref(number)) == 0
    assert number.value == 2
    name = c.create_string_buffer(2)
    assert binding.c.dpse_type_name(potential, 1, name, 2) == 0
    assert name.value == b"H"
    assert binding.c.dpse_type_name(potential, 1, name, 1) == INPUT
    assert "size: expected at least 2 bytes" in binding.error()
    assert binding.c.dpse_type_name(potential, 2, name, 2) == INPUT
    assert "type: expected 0 to 1, got 2" in binding.error()
    assert binding.c.dpse_parameters(potential, c.byref(number), c.byref(other)) == 0
    assert (number.value, other.value) == (0, 0)
    assert binding.error() == ""


@pytest.mark.parametrize("name", ["hybrid", "aparam", "pair_table"])
def test_compute(name: str, binding: Binding, tmp_path: Path) -> None:
    model = family(name)
    structure = random_structure("slab", model.n_types)
    given = parameters(model, len(structure.positions))
    file = saved(tmp_path, model)
    potential = binding.init(file, "threads=1 tol=0")
    found = binding.compute(potential, *structure, **given)
    expected = dpse_fast.load(file, threads=1, tol=0).compute(
        *structure[:3], pbc=structure.pbc, atomic=True, **given
    )
    names = ("energy", "forces", "virial", "atomic_energies", "atomic_virials")
    for number, key in zip(found, names, strict=True):
        want = getattr(expected, key)
        np.testing.assert_allclose(number, want, rtol=1e-12, atol=1e-12, err_msg=key)
    assert binding.c.dpse_free(potential) == 0


@pytest.mark.parametrize("name", ["hybrid", "aparam", "pair_table"])
def test_compute_nlist(name: str, binding: Binding, tmp_path: Path) -> None:
    model = family(name)
    structure = random_structure("cubic", model.n_types)
    ghosts = with_ghosts(*structure, reach=model.rcut + 0.5)
    given = parameters(model, len(structure.positions))
    file = saved(tmp_path, model)
    potential = binding.init(file, "threads=1 tol=0 precision=double")
    n_all, n_rows = len(ghosts.positions), len(structure.positions)
    listed = {
        "n_all": n_all,
        "n_rows": n_rows,
        "positions": ghosts.positions,
        "types": ints(1 - ghosts.types),
        "first": ghosts.first,
        "neighbours": ints(ghosts.neighbours),
        "type_map": ints([1, 0]),
        "n_caller_types": 2,
        "centres": ints(np.arange(n_rows)),
        "same_list": 0,
        **given,
    }
    sums = {
        "forces": np.ones((n_all, 3)),
        "atomic_energies": np.full(n_rows, np.nan),
        "atomic_virials": np.full((n_all, 3, 3), np.nan),
        "pair_gradients": np.full((len(ghosts.neighbours), 3), np.nan),
    }
    session = dpse_fast.load(file, threads=1, tol=0).listed_session()
    for step in range(2):
        status, found = binding.compute_nlist(potential, listed, sums)
        assert status == 0, binding.error()
        expected = session.compute(
            *ghosts.arguments, atomic=True, pair_gradients=True, **given
        )
        assert found.energy == pytest.approx(expected.energy, rel=1e-12)
        for key, array in sums.items():
            want = getattr(expected, key) + (key == "forces")
            np.testing.assert_allclose(array, want, rtol=1e-12, atol=1e-12, err_msg=key)
        virial = np.array(found.virial).reshape(3, 3)
        np.testing.assert_allclose(virial, expected.virial, rtol=1e-12, atol=1e-12)
        ghosts.positions[:] += 0.01 * np.sin(np.arange(3 * n_all)).reshape(-1, 3)
        sums["forces"][:] = 1.0
        listed["same_list"] = 1
        if step == 0:  # nothing but positions is looked at
            listed["types"] = ints(np.full(n_all, 99))


def test_no_rows(binding: Binding) -> None:
    potential = binding.init(None)
    listed = {"n_all": 0, "n_rows": 0, "first": np.zeros(1, np.int64)}
    status, found = binding.compute_nlist(potential, listed, {})
    assert status == 0, binding.error()
    assert found.energy == 0.0
    assert not any(found.virial)


def test_wrong_input_has_a_status_and_a_text(binding: Binding, tmp_path: Path) -> None:
    number, energy, library = c.c_int(), c.c_double(), binding.c
    nothing = (None,) * 3
    assert library.dpse_init(b"nowhere.pb", None, c.byref(number)) == MODEL
    assert "nowhere.pb: no such file" in binding.error()
    for options, text in (
        (b"precision=half", "precision: expected one of"),
        (b"speed=1", "options: expected name=value"),
        (b"tol", "options: expected name=value"),
        (b"tol=tiny", "tol: expected a number, got 'tiny'"),
        (b"threads=1 threads=2", "options: expected threads once"),
        (b"deterministic=maybe", "deterministic: expected yes or no"),
        (b"skin=-1", "skin: expected a length"),
        (b"tol='1", "options: "),
        (b"device=gpu", "device: expected auto"),
    ):
        assert library.dpse_init(None, options, c.byref(number)) == INPUT
        assert text in binding.error()
    potential = binding.init(None)
    for wrong in (0, -1, potential + 10**6):
        assert library.dpse_n_types(wrong, c.byref(number)) == HANDLE
        assert f"expected a number from dpse_init, got {wrong}" in binding.error()
    assert library.dpse_compute(potential, 0, *nothing, *(None,) * 9) == INPUT
    assert "n: expected at least one atom, got 0" in binding.error()
    out = (c.byref(energy), *(None,) * 4)
    assert library.dpse_compute(potential, 1, None, *nothing, None, None, *out) == INPUT
    assert "positions: expected 3 numbers, got NULL" in binding.error()
    with pytest.raises(AssertionError, match="types: atom 0 has type 5"):
        binding.compute(potential, np.zeros((1, 3)), [5])
    with pytest.raises(AssertionError, match="positions: expected finite"):
        binding.compute(potential, np.full((1, 3), np.nan), [0])
    status, _ = binding.compute_nlist(potential, {"n_all": -1, "n_rows": 0}, {})
    assert status == INPUT
    assert "n_all, n_rows" in binding.error()
    assert library.dpse_free(potential) == 0
    assert binding.error() == ""
    assert library.dpse_free(potential) == HANDLE


def test_long_texts_are_cut(binding: Binding) -> None:
    number = c.c_int()
    path = ("Å" * 5000).encode()
    assert binding.c.dpse_init(path, None, c.byref(number)) != 0
    assert 3000 < len(binding.c.dpse_error()) < 4096
    assert binding.error().startswith("ÅÅ")


def test_warnings_come_once(binding: Binding, tmp_path: Path) -> None:
    model = random_model(sel=(3, 3))
    structure = random_structure("cubic")
    potential = binding.init(saved(tmp_path, model), "threads=1")
    binding.compute(potential, *structure)
    assert "more neighbours than sel" in binding.warning()
    binding.compute(potential, *structure)
    assert binding.warning() == ""
    strict = binding.init(saved(tmp_path, model), "threads=1 sel_overflow=error")
    with pytest.raises(AssertionError, match="more neighbours than sel"):
        binding.compute(strict, *structure)


def test_errors_name_atoms_by_their_ids(binding: Binding, tmp_path: Path) -> None:
    structure = random_structure("cubic")
    n, library = len(structure.positions), binding.c
    potential = binding.init(saved(tmp_path, random_model(sel=(3, 3))), "threads=1")
    ids = 2**40 + np.arange(n)
    wrong = structure.positions.copy()
    wrong[4, 1] = np.inf

    def said() -> str:
        with pytest.raises(AssertionError, match="positions: expected finite"):
            binding.compute(potential, wrong, structure.types)
        assert binding.error_atom() == 4
        return binding.error()

    assert "for atom 4 (" in said()
    assert library.dpse_atom_ids(potential, n, pointer(ids)) == 0
    named = ids.copy()
    ids[:] = 0  # it was copied
    assert f"for atom ID {named[4]} (" in said()
    assert library.dpse_atom_ids(potential, 3, pointer(ids)) == 0
    assert "for atom 4 (" in said()  # it is none of the three
    assert library.dpse_atom_ids(potential, n, pointer(named)) == 0
    ghosts = with_ghosts(*structure, reach=3.0)
    listed = {
        "n_all": len(ghosts.positions),
        "n_rows": n,
        "positions": ghosts.positions,
        "types": ints(ghosts.types),
        "first": ghosts.first,
        "neighbours": ints(ghosts.neighbours),
    }
    status, _ = binding.compute_nlist(potential, listed, {})
    assert status == 0, binding.error()
    assert "; one is atom ID 1099511627" in binding.warning()  # of 2**40
    assert binding.error_atom() == -1
    assert library.dpse_atom_ids(potential, 0, None) == 0
    assert "for atom 4 (" in said()


@pytest.mark.parametrize("threads", [1, 2])
def test_calls_with_the_gil(library: Path, tmp_path: Path, threads: int) -> None:
    """A program that runs Python may call from it, or without giving it up."""
    structure = random_structure("cubic")
    binding = Binding(library)
    file = saved(tmp_path, random_model())
    expected = binding.compute(binding.init(file, "threads=1"), *structure)
    binding.c = c.PyDLL(str(library / "libdpse.so"))
    for name in ("dpse_error", "dpse_warning"):
        getattr(binding.c, name).restype = c.c_char_p
    found = binding.compute(binding.init(file, f"threads={threads}"), *structure)
    np.testing.assert_array_equal(found[1], expected[1])


def test_paths_of_any_bytes(binding: Binding, tmp_path: Path) -> None:
    name = bytes(tmp_path) + b"/m\xf6dell \xff.h5"
    try:
        os.rename(saved(tmp_path, random_model()), name)
    except OSError as error:
        pytest.skip(f"the file system does not take such names: {error}")
    number = c.c_int()
    status = binding.c.dpse_init(name, b"threads=1", c.byref(number))
    assert status == 0, binding.c.dpse_error()
    structure = random_structure("cubic")
    found = binding.compute(number.value, *structure)
    assert np.isfinite(found[0])


def test_threads(binding: Binding, tmp_path: Path) -> None:
    """One potential and many, errors of one thread are not another's."""
    structure = random_structure("cubic")
    file = saved(tmp_path, random_model())
    shared = binding.init(file, "threads=1")
    expected = binding.compute(shared, *structure)

    def work(k: int) -> tuple[str, Any]:
        own = binding.init(file, "threads=1") if k % 2 else shared
        for _ in range(5):
            binding.c.dpse_free(-k - 1)
            text = binding.error()
            found = binding.compute(own, *structure)
        return text, found

    with ThreadPoolExecutor(6) as pool:
        for k, (text, found) in enumerate(pool.map(work, range(12))):
            assert text.endswith(f"got {-k - 1}")
            np.testing.assert_array_equal(found[1], expected[1])
