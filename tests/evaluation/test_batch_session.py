"""Many systems in one evaluation, against the oracle and against one after another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import naive
import numpy as np
import pytest
from comparison import compare, same_report
from conftest import Backend
from families import FAMILIES, family, parameters
from golden_frames import case, inputs
from random_model import KINDS, random_model, random_structure

import dpse_fast
from dpse_fast import Structure
from dpse_fast.cpu.pipeline import Pipeline
from dpse_fast.errors import InputError

SINGLE_ATOM = Structure(np.zeros((1, 3)), [0])


# Cells so small that images are equally far: which of them sel keeps is arbitrary.
AMBIGUOUS = ("tiny", "thin")


def systems(model: Any, ambiguous: bool = False) -> list[Structure]:
    found = []
    for kind in KINDS:
        if ambiguous or kind not in AMBIGUOUS:
            one = random_structure(kind, model.n_types)
            given = parameters(model, len(one.positions))
            found.append(Structure(*one, **given))
    return found


@pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")
@pytest.mark.parametrize("name", FAMILIES)
def test_families(name: str, backend: Backend) -> None:
    model = family(name)
    given = systems(model, ambiguous=name == "se_e2_a")
    found = backend.load(model).compute_batch(given, atomic=True)
    assert len(found) == len(given)
    for one, result in zip(given, found, strict=True):
        expected = naive.evaluate(model, *one[:4], fparam=one.fparam, aparam=one.aparam)
        compare(result, expected, backend)


# The widest descriptor leaves pairs of unlike types out, so that the first counts more.
PARTS = (
    {"kind": "se_e2_r", "rcut": 3.4, "sel": (2, 9)},
    {"axis": 2, "rcut": 5.0, "sel": (9, 3), "excluded": {(0, 1), (1, 0)}},
)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("se_e2_r", {"sel": (6, 9)}),
        ("mixed", {"sel": (11,)}),
        ("table_sel", {}),
        ("dropped", {}),
        # Each part has too many neighbours, and close pairs, of its own.
        ("hybrid", {"sel": (4, 6), "hybrid": PARTS}),
        ("se_e2_a", {"sel": (40, 0)}),
    ],
)
def test_reports_are_those_of_each(
    name: str, options: dict[str, Any], atomic: bool
) -> None:
    model = family(name, **options)
    given = systems(model)
    close = given[0].positions.copy()
    if model.pair_table is None:  # which would refuse it
        close[5] = close[6] + [0.2, 0.1, 0.0]
    types = np.array(given[0].types)
    types[::7] = -1
    given += [given[0]._replace(positions=close), given[0]._replace(types=types)]
    given.append(SINGLE_ATOM)
    pot, reports = dpse_fast.load(model), []
    for one, got in zip(given, pot.compute_batch(given, atomic=atomic), strict=True):
        want = pot.compute(*one[:3], pbc=one.pbc, atomic=atomic)
        same_report(got.report, want.report)
        np.testing.assert_allclose(got.forces, want.forces, rtol=0, atol=1e-9)
        reports.append(got.report)
    assert any(reports)
    if model.pair_table is None:
        assert reports[-3].short_pairs == 1


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("mode", ["truncate", "all"])
@pytest.mark.parametrize("name", ["zbl.dp", "trained_srtab.pb", "dpa1_overflow.dp"])
def test_reports_of_crowded_tables(name: str, mode: str) -> None:
    """Squeezed structures have more neighbours than the table and the nets have."""
    golden = case(name)
    given = []
    for frame in map(inputs, golden.frames().values()):
        cell = None if frame["cell"] is None else 0.7 * frame["cell"]
        given += [
            Structure(frame["positions"], frame["types"], frame["cell"]),
            Structure(0.7 * frame["positions"], frame["types"], cell),
        ]
    pot = dpse_fast.load(golden.file, sel_overflow=mode)
    found = pot.compute_batch(given, atomic=True)
    for one, got in zip(given, found, strict=True):
        same_report(got.report, pot.compute(*one[:3], atomic=True).report)
    over = [one.report.sel_overflow for one in found]
    names = {name for one in over if one for name in one.types}
    assert ("pair table" in names) == (pot.model.pair_table is not None)
    assert names - {"pair table"}
    assert None in over
    assert any(one.report.close_pairs for one in found)


def test_each_system_is_evaluated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there are short pairs, types without training and full tables."""
    model = family("table_sel", sel=(40, 0))
    table = replace(model.pair_table, start=0.2, step=0.14)
    pot = dpse_fast.load(replace(model, pair_table=table), threads=1)
    session = pot.batch_session(inform=lambda text: None)
    evaluations: list[int] = []
    evaluate = Pipeline.evaluate

    def counted(pipeline: Pipeline, hood: Any, *wanted: Any, **options: Any) -> Any:
        evaluations.append(len(hood.centres))
        return evaluate(pipeline, hood, *wanted, **options)

    monkeypatch.setattr(Pipeline, "evaluate", counted)
    given = systems(model)
    close = given[0].positions.copy()
    close[5] = close[6] + [0.2, 0.1, 0.0]
    given[0] = given[0]._replace(positions=close)
    found = session.compute(given)
    assert evaluations == [sum(len(one.types) for one in given)]
    first = found[0].report
    assert first.short_pairs == 1
    assert first.unseen_pairs
    assert first.sel_overflow is not None
    assert "pair table" in first.sel_overflow.types
    assert not found[1].report.short_pairs


def test_lists_are_kept(backend: Backend) -> None:
    model = family("aparam")
    given = systems(model)
    session = backend.load(model).batch_session(skin=0.8)
    rng = np.random.default_rng(2)
    for step in range(3):
        if step == 2:  # another list for one of them
            given[3] = given[3]._replace(positions=given[3].positions[::-1].copy())
        found = session.compute(given)
        assert session.list_builds == len(given) + (step == 2)
        for one, result in zip(given, found, strict=True):
            expected = naive.evaluate(
                model, *one[:4], fparam=one.fparam, aparam=one.aparam
            )
            np.testing.assert_allclose(
                result.forces, expected.forces, rtol=0, atol=backend.force
            )
        given = [
            one._replace(
                positions=one.positions
                + rng.normal(scale=0.02, size=(len(one.types), 3))
            )
            for one in given
        ]
    fewer = session.compute(given[:2])
    again = session.compute(given)
    assert len(fewer) == 2
    np.testing.assert_allclose(fewer[1].forces, again[1].forces, rtol=0, atol=1e-9)
    assert session.list_builds == 2 * len(given) + 1 - 2


def test_the_same_for_any_number_of_threads() -> None:
    model = family("hybrid")
    given = systems(model)
    one, three = (
        dpse_fast.load(model, threads=threads).compute_batch(given)
        for threads in (1, 3)
    )
    for a, b in zip(one, three, strict=True):
        np.testing.assert_array_equal(a.forces, b.forces)
        np.testing.assert_array_equal(a.virial, b.virial)


def test_no_systems_and_virtual_ones() -> None:
    pot = dpse_fast.load(random_model(), threads=1)
    assert pot.compute_batch([]) == []
    nobody = Structure(np.zeros((2, 3)), [-1, -1])
    found = pot.compute_batch([nobody, SINGLE_ATOM, nobody], atomic=True)
    expected = pot.compute(*SINGLE_ATOM[:2], atomic=True)
    assert [one.energy for one in found] == [0.0, expected.energy, 0.0]
    assert found[0].report.virtual_atoms == 2
    assert found[2].atomic_virials.shape == (2, 3, 3)
    assert pot.compute_batch([nobody])[0].energy == 0.0


def test_tuples_and_names() -> None:
    pot = dpse_fast.load(random_model(), threads=1)
    x = np.array([[0.0, 0, 0], [1.1, 0, 0]])
    (found,) = pot.compute_batch(iter([(x, ["O", "H"])]))
    assert found.energy == pot.compute(x, [0, 1]).energy


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ((np.zeros((1, 2)), [0]), r"structures\[1\]: positions: expected shape"),
        ((np.zeros((1, 3)), [4]), r"structures\[1\]: types: atom 0 has type 4"),
        ((np.zeros((1, 3)),), r"structures\[1\]: expected a Structure .* got tuple"),
        (7, r"structures\[1\]: expected a Structure .* got int"),
        (
            (np.zeros((1, 3)), [0], None, None, [1.0]),
            r"structures\[1\]: fparam: expected none",
        ),
        (
            (np.array([[5.0, 0, 0], [0, 0, 0], [0, 0, 0]]), [-1, 0, 1]),
            r"structures\[1\], another atom, or an image, lies on atom [12]",
        ),
    ],
)
def test_one_clear_error(bad: Any, message: str) -> None:
    session = dpse_fast.load(random_model(), threads=1).batch_session()
    good = [SINGLE_ATOM, SINGLE_ATOM]
    session.compute(good)
    with pytest.raises(InputError, match=message):
        session.compute([SINGLE_ATOM, bad])
    assert [one.energy for one in session.compute(good)] == [
        one.energy for one in session.compute(good)
    ]


def test_warnings() -> None:
    pot = dpse_fast.load(random_model(sel=(3, 3)), threads=1)
    given = [random_structure("cubic"), random_structure("open")]
    for _ in range(2):
        with pytest.warns(dpse_fast.SelOverflowWarning, match="atoms have more"):
            pot.compute_batch(given)
    said: list[str] = []
    session = pot.batch_session(inform=said.append)
    session.compute(given)
    session.compute(given)
    assert len(said) == 1
