"""Committees of C: each model as it is alone, and what is the driver's."""

from __future__ import annotations

import ctypes as c
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from ghosts import Ghosts, with_ghosts
from library.binding import Binding, ints
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.formats.exchange.writer import write

ARRAYS = ("forces", "atomic_energies", "atomic_virials", "pair_gradients")
EXACT: dict[str, Any] = {"tol": 0.0, "threads": 1}


class Case(NamedTuple):
    """A committee of files, and a structure; the second model has types H, O."""

    binding: Binding
    files: list[Path]
    ghosts: Ghosts

    @property
    def listed(self) -> dict[str, Any]:
        return {
            "n_all": len(self.ghosts.positions),
            "n_rows": len(self.ghosts.first) - 1,
            "positions": self.ghosts.positions,
            "types": ints(self.ghosts.types),
            "first": self.ghosts.first,
            "neighbours": ints(self.ghosts.neighbours),
        }

    def sums(self, *names: str) -> dict[str, Any]:
        n_all, n_rows = len(self.ghosts.positions), len(self.ghosts.first) - 1
        shapes = (
            (n_all, 3),
            (n_rows,),
            (n_all, 3, 3),
            (len(self.ghosts.neighbours), 3),
        )
        known = zip(ARRAYS, shapes, strict=True)
        return {name: np.zeros(shape) for name, shape in known if name in names}

    def alone(self, file: Path, types: Any = None) -> Any:
        session = dpse_fast.load(file, **EXACT).listed_session()
        return session.compute(
            self.ghosts.positions,
            self.ghosts.types if types is None else types,
            self.ghosts.first,
            self.ghosts.neighbours,
            atomic=True,
            pair_gradients=True,
        )


@pytest.fixture
def case(library: Path, tmp_path: Path) -> Case:
    models = [random_model(seed=k) for k in range(3)]
    models[1] = replace(models[1], type_map=models[1].type_map[::-1])
    files = [tmp_path / f"{k}.h5" for k in range(3)]
    for file, model in zip(files, models, strict=True):
        write(model, file)
    ghosts = with_ghosts(*random_structure("cubic"), reach=models[0].rcut + 0.5)
    return Case(Binding(library), files, ghosts)


def test_members_are_the_models_alone(case: Case) -> None:
    """On one list, in steps with the deviation and without."""
    binding, files = case.binding, case.files
    potential = binding.init_committee(files, "threads=1 tol=0")
    number = c.c_int()
    assert binding.c.dpse_n_models(potential, c.byref(number)) == 0
    assert number.value == 3
    assert binding.c.dpse_n_types(potential, c.byref(number)) == 0
    assert number.value == 2
    listed = case.listed
    for step, n_models in enumerate((3, 1, 2, 3)):
        all_types = case.ghosts.types, 1 - case.ghosts.types, case.ghosts.types
        sums = [case.sums(*ARRAYS[: 4 - k]) for k in range(n_models)]
        status, found = binding.members(potential, listed, sums)
        assert status == 0, binding.error()
        for one, arrays, file, types in zip(
            found, sums, files, all_types, strict=False
        ):
            expected = case.alone(file, types)
            assert one.energy == expected.energy
            virial = np.array(one.virial).reshape(3, 3)
            np.testing.assert_array_equal(virial, expected.virial)
            for name, array in arrays.items():
                want = getattr(expected, name)
                np.testing.assert_array_equal(array, want, err_msg=f"{name} {step}")
        moved = 0.01 * np.sin(step + np.arange(case.ghosts.positions.size))
        case.ghosts.positions[:] += moved.reshape(-1, 3)
        listed["same_list"] = 1


@pytest.mark.parametrize("driver", ["first", "mean"])
def test_the_driver(case: Case, driver: str) -> None:
    binding = case.binding
    options = f"threads=1 tol=0 driver={driver}"
    potential = binding.init_committee(case.files, options)
    own = dpse_fast.load(case.files, driver=driver, **EXACT)
    structure = random_structure("cubic")
    found = binding.compute(potential, *structure)
    session = own.session()
    expected = session.compute(*structure[:3], pbc=structure.pbc, atomic=True)
    names = ("energy", "forces", "virial", "atomic_energies", "atomic_virials")
    for number, name in zip(found, names, strict=True):
        np.testing.assert_array_equal(number, getattr(expected, name), err_msg=name)
    sums = case.sums(*ARRAYS)
    sums["forces"] += 1.0
    status, of_list = binding.compute_nlist(potential, case.listed, sums)
    assert status == 0, binding.error()
    listed = own.listed_session().compute(
        *case.ghosts.arguments, atomic=True, pair_gradients=True
    )
    assert of_list.energy == listed.energy
    sums["forces"] -= 1.0
    for name, array in sums.items():
        np.testing.assert_allclose(array, getattr(listed, name), rtol=0, atol=1e-13)


def certificate(binding: Binding, potential: int) -> tuple[int, float, float]:
    force, rounding = c.c_double(-7), c.c_double(-7)
    call = binding.c.dpse_deviation_certificate
    status = call(potential, c.byref(force), c.byref(rounding))
    return status, force.value, rounding.value


def test_certificates_are_those_of_python(case: Case) -> None:
    binding = case.binding
    for options, given in (
        ("tol=0", {}),
        ("tol=0 deviation_tol=0.01", {"deviation_tol": 0.01}),
    ):
        potential = binding.init_committee(case.files[:2], f"threads=1 {options}")
        own = dpse_fast.load(case.files[:2], **EXACT, **given).deviation_certificate()
        assert own is not None
        status, *found = certificate(binding, potential)
        assert status == 0, binding.error()
        assert found == list(own.values())
    assert certificate(binding, binding.init(None))[0] == 1
    assert binding.error() == "potential: expected a committee, got one model"


def test_errors_name_the_model_and_its_file(case: Case, tmp_path: Path) -> None:
    binding = case.binding
    other = tmp_path / "other.h5"
    write(replace(random_model(), type_map=("O", "C")), other)
    with pytest.raises(AssertionError) as refused:
        binding.init_committee([case.files[0], other], "tol=0")
    said = f"models[1]: {other}: expected all types of the first model (O, H), got O, C"
    assert str(refused.value).startswith(said)
    with pytest.raises(AssertionError, match=r"models\[1\]: nowhere.pb: no such file"):
        binding.init_committee([case.files[0], "nowhere.pb"], "tol=0")
    potential = binding.init_committee(case.files[:2], "threads=1 tol=0")
    sums = [case.sums("forces")] * 2
    assert binding.members(potential, case.listed, sums)[0] == 1
    said = "expected memory of its own for results, got memory that sums["
    assert said in binding.error()
    assert not sums[0]["forces"].any()
