"""DP_*Compute*: frames with the engine's own neighbour list, against Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from families import family, parameters
from library.deepmd_binding import Deepmd, Results, pointer
from random_model import Structure, random_model, random_structure

import dpse_fast
from dpse_fast.formats.exchange.writer import write

KEYS = ("energy", "forces", "virial", "atomic_energies", "atomic_virials")


@pytest.fixture
def deepmd(deepmd_library: Path, monkeypatch: pytest.MonkeyPatch) -> Deepmd:
    monkeypatch.setenv("DPSE_TOL", "0")
    monkeypatch.setenv("DPSE_THREADS", "1")
    return Deepmd(deepmd_library)


def saved(folder: Path, model: Any, name: str = "model.h5") -> Path:
    write(model, folder / name)
    return folder / name


def in_python(
    file: Path, structure: Structure, positions: Any = None, **given: Any
) -> Any:
    x = structure.positions if positions is None else positions
    potential = dpse_fast.load(file, threads=1, tol=0)
    return potential.compute(x, structure.types, structure.cell, atomic=True, **given)


def check(found: Results, frame: int, expected: Any, rel: float = 1e-12) -> None:
    for number, key in zip(found, KEYS, strict=True):
        want = np.asarray(getattr(expected, key))
        atol = rel * np.abs(want).max(initial=1e-3)
        np.testing.assert_allclose(
            number[frame], want, rtol=rel, atol=atol, err_msg=key
        )


@pytest.mark.parametrize("name", ["hybrid", "aparam"])
@pytest.mark.parametrize("version", ["2", "3"])
def test_two_frames(name: str, version: str, deepmd: Deepmd, tmp_path: Path) -> None:
    file = saved(tmp_path, family(name))
    structure = random_structure("triclinic")
    n = len(structure.positions)
    given = [parameters(family(name), n, seed) for seed in (0, 1)]
    frames = np.stack([structure.positions, structure.positions * 1.01])
    together = {
        key: None if given[0][key] is None else np.stack([g[key] for g in given])
        for key in given[0]
    }
    with deepmd.model(file) as model:
        found = deepmd.compute(
            *(model, frames, structure.types, np.stack([structure.cell] * 2)),
            **together,
            version=version,
        )
        assert deepmd.error(model) == ""
    for frame in range(2):
        check(found, frame, in_python(file, structure, frames[frame], **given[frame]))


def test_open_boundaries_and_one_frame(deepmd: Deepmd, tmp_path: Path) -> None:
    file = saved(tmp_path, random_model())
    structure = random_structure("open")._replace(cell=None)
    with deepmd.model(file) as model:
        found = deepmd.compute(
            model, structure.positions[None], structure.types, version=""
        )
        assert deepmd.error(model) == ""
    check(found, 0, in_python(file, structure))


@pytest.mark.parametrize("version", ["", "2", "3"])
def test_floats_are_cast(version: str, deepmd: Deepmd, tmp_path: Path) -> None:
    file = saved(tmp_path, random_model())
    cubic = random_structure("cubic")
    structure = cubic._replace(
        positions=cubic.positions.astype(np.float32).astype(float),
        cell=cubic.cell.astype(np.float32).astype(float),
    )
    with deepmd.model(file) as model:
        found = deepmd.compute(
            *(model, structure.positions[None], structure.types, structure.cell),
            real=np.float32,
            version=version,
        )
        assert deepmd.error(model) == ""
    assert found.force.dtype == np.float32
    check(found, 0, in_python(file, structure), rel=2e-7)
    assert found.energy[0] == in_python(file, structure).energy


def test_types_of_each_frame_and_virtual_atoms(deepmd: Deepmd, tmp_path: Path) -> None:
    file = saved(tmp_path, random_model())
    structure = random_structure("cubic")
    n = len(structure.positions)
    types = np.stack([structure.types, 1 - structure.types])
    types[1, 5] = -1
    frames = np.stack([structure.positions] * 2)
    with deepmd.model(file) as model:
        found = deepmd.compute(
            *(model, frames, types, np.stack([structure.cell] * 2)),
            function="ComputeMixedType",
        )
        assert deepmd.error(model) == ""
    for frame in range(2):
        keep = types[frame] >= 0
        expected = dpse_fast.load(file, threads=1, tol=0).compute(
            frames[frame][keep], types[frame][keep], structure.cell, atomic=True
        )
        assert found.energy[frame] == pytest.approx(expected.energy, rel=1e-12)
        np.testing.assert_allclose(
            found.force[frame][keep], expected.forces, rtol=1e-9, atol=1e-12
        )
        assert not found.force[frame][~keep].any()
        assert not found.atomic_energy[frame][~keep].any()
    assert n - 1 == keep.sum()


def test_types_beyond_those_of_the_model_are_virtual(
    deepmd: Deepmd, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = saved(tmp_path, random_model())
    structure = random_structure("cubic")
    types = np.array(structure.types)
    types[[3, 8]] = 2
    with deepmd.model(file) as model:
        for _ in range(2):
            found = deepmd.compute(
                model, structure.positions[None], types, structure.cell
            )
        assert deepmd.error(model) == ""
    keep = types < 2
    expected = dpse_fast.load(file, threads=1, tol=0).compute(
        structure.positions[keep], types[keep], structure.cell
    )
    np.testing.assert_allclose(found.force[0][keep], expected.forces, atol=1e-12)
    assert capfd.readouterr().err.count("types of 2 and more are left out") == 1


def test_results_that_are_not_wanted(deepmd: Deepmd, tmp_path: Path) -> None:
    file = saved(tmp_path, random_model())
    structure = random_structure("cubic")
    n = len(structure.positions)
    x, types = np.array(structure.positions), structure.types.astype(np.int32)
    cell, energy = np.array(structure.cell), np.zeros(1)
    with deepmd.model(file) as model:
        given = (n, *map(pointer, (x, types, cell)))
        deepmd.c.DP_DeepPotCompute(model, *given, pointer(energy), *(None,) * 4)
        assert deepmd.error(model) == ""
        deepmd.c.DP_DeepPotCompute(model, *given, *(None,) * 5)
        assert deepmd.error(model) == ""
    assert energy[0] == pytest.approx(in_python(file, structure).energy, rel=1e-12)


def test_no_atoms(deepmd: Deepmd, tmp_path: Path) -> None:
    with deepmd.model(saved(tmp_path, random_model())) as model:
        found = deepmd.compute(model, np.empty((1, 0, 3)), np.empty(0), np.eye(3))
        assert deepmd.error(model) == ""
    assert found.energy[0] == 0.0
    assert not found.virial.any()


def test_models_and_their_deviation(deepmd: Deepmd, tmp_path: Path) -> None:
    """One has another order of types, and one a longer cutoff."""
    models = [random_model(seed=k, rcut=4.3 + 0.2 * (k == 2)) for k in range(3)]
    structure = random_structure("cubic")
    kind = "DeepPotModelDevi"
    files = [saved(tmp_path, one, f"{k}.h5") for k, one in enumerate(models)]
    swapped = saved(tmp_path, replace(models[1], type_map=("H", "O")), "swapped.h5")
    with deepmd.model(files[0], swapped, files[2], kind=kind) as model:
        found = deepmd.compute(
            *(model, structure.positions[None], structure.types, structure.cell),
            kind=kind,
            n_models=3,
        )
        assert deepmd.error(model, kind) == ""
        assert deepmd.c.DP_DeepPotModelDeviGetCutoff(model) == models[2].rcut
        frames = np.stack([structure.positions] * 2)
        deepmd.compute(model, frames, structure.types, kind=kind, n_models=3)
        said = deepmd.error(model, kind)
    assert said == "nframes: expected 1 with several models, got 2"
    for k, file in enumerate(files):
        types = 1 - structure.types if k == 1 else structure.types
        check(found, k, in_python(file, structure._replace(types=types)))


def test_models_that_do_not_belong_together(deepmd: Deepmd, tmp_path: Path) -> None:
    first = saved(tmp_path, random_model(), "first.h5")
    renamed = replace(random_model(), type_map=("A", "B"))
    kind = "DeepPotModelDevi"
    for other, said in (
        (renamed, "expected all types of the first model (O, H), got A, B"),
        (random_model(fparam=1), "expected a model with 0 fparam"),
    ):
        second = saved(tmp_path, other, "second.h5")
        with deepmd.model(first, second, kind=kind) as model:
            assert said in deepmd.error(model, kind)
            assert str(second) in deepmd.error(model, kind)


def test_what_a_model_is(deepmd: Deepmd, tmp_path: Path) -> None:
    made = family("aparam")
    with deepmd.model(saved(tmp_path, made)) as model:
        c = deepmd.c
        for kind in ("DeepPot", "DeepBaseModel"):
            assert getattr(c, f"DP_{kind}GetCutoff")(model) == made.rcut
            assert getattr(c, f"DP_{kind}GetNumbTypes")(model) == made.n_types
            assert getattr(c, f"DP_{kind}GetNumbTypesSpin")(model) == 0
            assert getattr(c, f"DP_{kind}GetDimAParam")(model) == made.aparam.count
            assert not getattr(c, f"DP_{kind}IsAParamNAll")(model)
            has = made.fparam is not None and made.fparam.default is not None
            assert getattr(c, f"DP_{kind}HasDefaultFParam")(model) == has
            assert deepmd.text(f"{kind}GetTypeMap", model) == " ".join(made.type_map)
        assert c.DP_DeepPotGetDimChgSpin(model) == 0
        assert not c.DP_DeepPotSupportsDeviceEdgeInference(model)
        c.DP_DeepPotSetChargeSpin(model, None, 0)
        assert deepmd.error(model) == ""
        c.DP_DeepPotSetChargeSpin(model, None, 2)
        assert "charge_spin: expected no numbers" in deepmd.error(model)
