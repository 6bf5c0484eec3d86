"""The whole pipeline on the device against the oracle: families, cells, precisions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import naive
import numpy as np
import pytest
from comparison import check, compare, compute, same_report
from conftest import Backend
from families import FAMILIES, family, parameters
from random_model import Structure, random_model, random_structure

import dpse_fast
from dpse_fast.cuda.batches import SPARE, Tiling

pytestmark = pytest.mark.filterwarnings("ignore::dpse_fast.SelOverflowWarning")

LIMITS = {"double": (1e-11, 1e-9), "mixed": (1e-5, 5e-5), "single": (1e-5, 1e-4)}
TINY: dict[str, Any] = {
    "embedding": (4, 8),
    "fitting": (6, 6),
    "rcut": 3.1,
    "rcut_smth": 1.2,
}
WITH_TABLE = [name for name, options in FAMILIES.items() if "pair_table" in options]


def on_device(precision: str = "double", **more: Any) -> Backend:
    def load(model: Any, **options: Any) -> dpse_fast.Potential:
        chosen = {"device": "cuda", "precision": precision, "tol": 0.0}
        return dpse_fast.load(model, **{**chosen, **more, **options})

    return Backend(f"cuda-{precision}", load, *LIMITS[precision])


def small(kind: str, n_types: int = 2, n_atoms: int = 5) -> Structure:
    return random_structure(kind, n_types, 3, n_atoms if kind != "tiny" else None)


@pytest.mark.parametrize("name", FAMILIES)
def test_families(name: str) -> None:
    check(family(name), small("wire"), on_device())


@pytest.mark.parametrize("name", WITH_TABLE)
def test_pair_tables(name: str) -> None:
    """Pairs where the table takes over from the nets, partly and altogether."""
    model = family(name)
    positions = np.array([[0, 0, 0], [1.2, 0, 0], [0.3, 1.3, 0], [1.5, 1.5, 0.2]])
    s = Structure(positions, np.array([0, 1, 0, 1]), None, (False,) * 3)
    assert not np.allclose(
        naive.evaluate(model, *s).forces,
        naive.evaluate(replace(model, pair_table=None), *s).forces,
    )
    check(model, s, on_device())


@pytest.mark.parametrize("kind", ["cubic", "triclinic", "tiny", "thin", "slab", "open"])
def test_cells(kind: str) -> None:
    model = random_model(**TINY)
    check(model, small(kind, n_atoms=4), on_device())


@pytest.mark.parametrize("precision", ["mixed", "single"])
@pytest.mark.parametrize("kind", ["triclinic", "open"])
def test_precisions(kind: str, precision: str) -> None:
    check(random_model(**TINY), small(kind), on_device(precision))


@pytest.mark.parametrize("gemm", ["tf32x3", "tf32"])
def test_products_of_tf32(gemm: str) -> None:
    model, s = random_model(**TINY), small("open")
    expected = naive.evaluate(model, *s)
    result = on_device("mixed", gemm=gemm).load(model).compute(*s[:3], pbc=s.pbc)
    error = np.abs(result.forces - expected.forces).max()
    assert error < (5e-5 if gemm == "tf32x3" else 2e-2)
    if gemm == "tf32":
        assert error > 1e-6  # it was rounded


def test_in_any_order() -> None:
    check(random_model(**TINY), small("tiny"), on_device(deterministic=False))


@pytest.mark.parametrize("deterministic", [True, False])
@pytest.mark.parametrize("name", ["se_e2_a", "pair_table", "aparam"])
def test_a_session_of_moving_atoms(name: str, deterministic: bool) -> None:
    """The second step is recorded, the others replay it."""
    model, s = family(name), small("slab")
    given = parameters(model, len(s.positions))
    backend = on_device(deterministic=deterministic)
    session = backend.load(model).session(skin=0.8)
    rng = np.random.default_rng(5)
    positions = s.positions
    for _ in range(4):
        positions = positions + rng.normal(scale=0.02, size=positions.shape)
        if given["aparam"] is not None:
            given["aparam"] = given["aparam"] + 0.1
        rest = (s.types, s.cell, s.pbc)
        result = session.compute(positions, *rest[:2], pbc=s.pbc, atomic=True, **given)
        compare(result, naive.evaluate(model, positions, *rest, **given), backend)
    assert session.list_builds == 1
    further = session.compute(positions + 0.5, *rest[:2], pbc=s.pbc, **given)
    assert session.list_builds == 2
    np.testing.assert_allclose(further.forces, result.forces, rtol=0, atol=1e-9)


@pytest.mark.parametrize("mode", ["truncate", "all"])
@pytest.mark.parametrize("name", ["se_e2_a", "se_e2_r", "hybrid", "mixed", "listed"])
def test_sel_overflow(name: str, mode: str) -> None:
    sel = {"mixed": (4,), "listed": (1, 3)}.get(name, (2, 3))
    model = family(name, sel=sel, **({"list_size": 4} if name == "listed" else {}))
    s, backend = small("open", n_atoms=9), on_device()
    s = s._replace(positions=0.6 * s.positions)
    result = check(model, s, backend, sel_overflow=mode)
    on_cpu = dpse_fast.load(model, device="cpu", tol=0, sel_overflow=mode)
    expected = compute(on_cpu, s)
    assert result.sel_overflow == expected.sel_overflow
    assert result.sel_overflow is not None
    same_report(result.report, expected.report)


def test_what_is_reported() -> None:
    model = random_model(**TINY, sel=(0, 9))
    positions = [[0, 0, 0], [0.3, 0, 0], [1.0, 0, 0], [2.0, 0, 0.1]]
    given = (positions, [0, 1, 1, 0])
    on_cpu, on_gpu = (
        dpse_fast.load(model, device=name, precision="double")
        for name in ("cpu", "cuda")
    )
    with pytest.warns(dpse_fast.ShortDistanceWarning):
        found = on_gpu.compute(*given, atomic=True)
    with pytest.warns(dpse_fast.UnseenTypesWarning):
        expected = on_cpu.compute(*given, atomic=True)
    assert found.report.short_pairs == 1
    assert found.report.close_pairs > 1
    assert found.report.unseen_pairs
    assert found.report.unreduced_atoms == 3
    same_report(found.report, expected.report)


def test_atoms_that_lie_on_one_another() -> None:
    pot = on_device().load(random_model(**TINY))
    positions = np.diag([1.0, 2.0, 3.0])[[0, 1, 2, 1]]
    types = [-1, 0, 1, 1]
    with pytest.raises(dpse_fast.InputError, match=r"lies on atom [13];"):
        pot.compute(positions, types)


def test_a_pair_below_the_table() -> None:
    pot = on_device().load(family("pair_table"))
    with pytest.raises(dpse_fast.InputError, match=r"atom [01] has a neighbour closer"):
        pot.compute([[0, 0, 0], [0, 0, 0.3]], [0, 1])


def test_virtual_atoms_do_not_count() -> None:
    model, s = family("aparam"), small("open")
    types = s.types.copy()
    types[::2] = -1
    given = parameters(model, len(types))
    backend = on_device()
    result = backend.load(model).compute(s.positions, types, atomic=True, **given)
    compare(
        result, naive.evaluate(model, s.positions, types, None, s.pbc, **given), backend
    )
    assert not result.forces[::2].any()
    assert result.report.virtual_atoms == 3
    nobody = backend.load(model).compute(s.positions, types * 0 - 1, **given)
    assert nobody.energy == 0
    assert not nobody.forces.any()


@contextmanager
def running_out(device: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """After forty arrays there is none for what is evaluated here."""
    empty, calls = device.empty, [0]

    def short_of_memory(shape: Any, dtype: Any) -> Any:
        calls[0] += 1
        if calls[0] > 40:
            raise device.out_of_memory("no more")
        return empty(shape, dtype)

    with monkeypatch.context() as patched:
        patched.setattr(device, "empty", short_of_memory)
        with pytest.raises(dpse_fast.InputError, match="do not fit into the GPU's"):
            yield


def least_memory(pipeline: Any) -> int:
    """Bytes for the batches of a pipeline's last evaluation, one after another."""
    cuts = [cut for tile in pipeline._tiling.tiles for cut in tile]
    one_by_one = Tiling(tuple((cut,) for cut in cuts))
    return int(one_by_one.n_bytes(pipeline.costs) / SPARE) + 1


def test_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little memory and small batches: several tiles."""
    from dpse_fast.cuda import pipeline, spatial_order

    model, s, backend = random_model(**TINY), small("cubic", n_atoms=8), on_device()
    whole = compute(backend.load(model), s)
    monkeypatch.setattr(pipeline, "LARGEST_BATCH", 2)
    pot = backend.load(model)
    pot.compute(*s[:3], pbc=s.pbc)
    used = pot._session._evaluator._models[0].pipeline  # type: ignore[attr-defined]
    least = least_memory(used)
    assert used._tiling.n_bytes(used.costs) > SPARE * least
    monkeypatch.setattr(spatial_order, "building_bytes", lambda *numbers: 0)
    memory = pot._backend.gpu.__class__  # type: ignore[attr-defined]
    monkeypatch.setattr(memory, "memory", lambda self: (least, least))
    parts = compute(pot, s)
    compare(parts, naive.evaluate(model, *s), backend)
    assert len(used._tiling.tiles) > 1
    np.testing.assert_allclose(parts.forces, whole.forces, rtol=0, atol=1e-12)
    monkeypatch.setattr(memory, "memory", lambda self: (least // 2, least))
    with pytest.raises(dpse_fast.InputError, match=r"need .* of the GPU are"):
        backend.load(model).compute(*s[:3], pbc=s.pbc)


def test_memory_that_runs_out_leaves_a_session_usable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, s, backend = random_model(**TINY), small("open"), on_device()
    session = backend.load(model).session(skin=0.5)
    device = session._backend.gpu  # type: ignore[attr-defined]
    with running_out(device, monkeypatch):
        session.compute(*s[:3], pbc=s.pbc)
    for _ in range(2):
        compare(compute(session, s), naive.evaluate(model, *s), backend)


def test_the_same_numbers_every_time() -> None:
    s = small("triclinic")
    found = [
        on_device("mixed").load(random_model(**TINY)).compute(*s[:3], pbc=s.pbc)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(found[0].forces, found[1].forces)
    assert found[0].energy == found[1].energy


@pytest.mark.parametrize("precision", LIMITS)
def test_the_embedded_model(precision: str) -> None:
    """Rotated and pruned, as on the processors."""
    one = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    positions = np.concatenate([one, one[:, [1, 2, 0]] + [2.6, 1.0, 0.5]])
    given = (positions, ["O", "H", "H"] * 2)
    expected = dpse_fast.load(precision=precision, device="cpu").compute(
        *given, atomic=True
    )
    pot = dpse_fast.load(precision=precision, device="cuda")
    assert pot.device == "cuda:0"
    result = pot.compute(*given, atomic=True)
    limit = 1e-12 if precision == "double" else 5e-6
    for name in ("forces", "virial", "atomic_virials"):
        got, want = getattr(result, name), getattr(expected, name)
        np.testing.assert_allclose(got, want, rtol=0, atol=limit, err_msg=name)
    np.testing.assert_allclose(
        result.atomic_energies, expected.atomic_energies, rtol=0, atol=limit
    )
    same_report(result.report, expected.report)
