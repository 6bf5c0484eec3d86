"""Errors and warnings call atoms what the caller calls them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from conftest import Backend
from ghosts import with_ghosts
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.errors import AtomError, InputError
from dpse_fast.model import Model


def name(atom: int) -> str:
    return f"bead {1000 + atom}"


def listed(model: Model) -> tuple[Any, ...]:
    structure = random_structure("triclinic")
    return with_ghosts(*structure, reach=model.rcut + 0.5).arguments


def wrong_calls() -> dict[str, tuple[Any, dict[str, Any], int]]:
    """What is wrong in the arguments of a list, and the atoms that it is about."""

    def coincide(x: Any, _: Any, neighbours: Any) -> None:
        x[0] = x[neighbours[0]]  # which is in its row

    def not_a_number(x: Any, *_: Any) -> None:
        x[-2, 1] = np.nan

    def far(x: Any, *_: Any) -> None:
        x[2, 0] = -1e8

    def unknown(_: Any, types: Any, *__: Any) -> None:
        types[4] = 7

    twice = {"centres": np.array([6, 6])}
    return {
        "coincide": (coincide, {}, (0, int(listed(random_model())[3][0]))),
        "nan": (not_a_number, {}, (-2,)),
        "far": (far, {}, (2,)),
        "unknown": (unknown, {}, (4,)),
        "type_map": (unknown, {"type_map": [0, 1]}, (4,)),
        "centres": (lambda *_: None, twice, (6,)),
    }


@pytest.mark.parametrize("case", wrong_calls())
def test_errors(case: str, backend: Backend) -> None:
    spoil, options, atoms = wrong_calls()[case]
    model = random_model()
    x, types, first, neighbours = listed(model)
    x, types = x.copy(), types.copy()
    spoil(x, types, neighbours)
    if "centres" in options:
        first = first[:3]
        neighbours = neighbours[: first[-1]]
    session = backend.load(model).listed_session()
    expected = [atom % len(x) for atom in atoms]
    for namer, text in ((None, "atom {}"), (name, "bead {}")):
        with pytest.raises(AtomError) as caught:
            session.compute(x, types, first, neighbours, atom_name=namer, **options)
        error = caught.value
        assert error.atom in expected
        shown = error.atom + (1000 if namer else 0)
        assert text.format(shown) in str(error)
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), again.atom) == (str(error), error.atom)


def test_of_what_is_outside_of_the_domain(backend: Backend) -> None:
    """The atom is one that the report has; results are those without a warning."""
    model = random_model(sel=(3, 3))
    given = listed(model)
    said: list[str] = []
    potential = backend.load(model)
    session = potential.listed_session(inform=said.append)
    found = session.compute(*given, atom_name=name)
    again = session.compute(*given, atom_name=name, atomic=True)
    assert len(said) == 1
    atom = int(said[0].split("; one is bead 1")[1])
    report = again.report.atoms
    assert report is not None
    assert any(excess[atom] for excess in report.sel_excess.values())
    assert found.energy == again.energy
    np.testing.assert_array_equal(found.forces, again.forces)
    assert found.atomic_energies is None


def test_of_more_neighbours_than_sel_as_an_error() -> None:
    model = random_model(sel=(3, 3))
    potential = dpse_fast.load(model, threads=1, sel_overflow="error")
    given, sums = listed(model), np.zeros((len(listed(model)[0]), 3))
    with pytest.raises(AtomError, match=r"sel \(.*\), one is bead 1\d+; sel_overflow"):
        potential.listed_session().compute(*given, atom_name=name, forces=sums)
    assert not sums.any()


def test_a_place_in_type_map_is_no_atom() -> None:
    given = listed(random_model())
    session = dpse_fast.load(random_model(), threads=1).listed_session()
    with pytest.raises(InputError, match="type_map: place 2 has type 9") as caught:
        session.compute(*given, type_map=[0, 1, 9])
    assert not isinstance(caught.value, AtomError)


def test_a_name_is_a_function() -> None:
    session = dpse_fast.load(random_model(), threads=1).listed_session()
    with pytest.raises(InputError, match="atom_name: expected a function"):
        session.compute(np.zeros((1, 3)), [0], [0, 0], [], atom_name="atom 7")
