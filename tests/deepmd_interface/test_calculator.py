"""ASE's calculator DP."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from deepmd_interface.calls import MODELS, TYPES, cells, coordinates

import dpse_fast
from dpse_fast.deepmd import DP, DeepPot
from dpse_fast.errors import InputError, UnusedArgumentWarning


@pytest.fixture(scope="module")
def pot():
    return dpse_fast.load(str(MODELS / "plain.pb"), tol=0, threads=1)


def structure(symbols: tuple[str, str] = ("O", "H")) -> Atoms:
    names = [symbols[t] for t in TYPES]
    return Atoms(names, coordinates()[0], cell=cells()[0], pbc=True)


def test_types_of_other_elements(pot):
    atoms, expected = structure(("S", "C")), structure()
    atoms.calc = DP(pot, type_dict={"S": 0, "C": 1})
    expected.calc = DP(pot)
    same = structure(("S", "C"))
    DP(pot, type_dict={"S": np.int32(0), "C": np.int64(1)}, atoms=same)
    assert same.get_potential_energy() == atoms.get_potential_energy()
    assert atoms.get_potential_energy() == expected.get_potential_energy()
    assert expected.calc.type_dict == {"O": 0, "H": 1}
    assert expected.calc.label == "DP"


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({"O": 0}, "^type_dict: expected a type for each element .* none for H"),
        (None, "^type_dict: expected a type for each element .* none for C, S"),
    ],
)
def test_elements_without_a_type_are_named(pot, types, message):
    atoms = structure(("O", "H") if types else ("S", "C"))
    atoms.calc = DP(pot, type_dict=types)
    with pytest.raises(InputError, match=message):
        atoms.get_potential_energy()


@pytest.mark.parametrize("number", [2, -1, "O", 1.0, True])
def test_types_that_the_model_does_not_have_are_named(pot, number):
    with pytest.raises(InputError, match=r"^type_dict: expected types from 0 to 1, "):
        DP(pot, type_dict={"O": 0, "H": number})


def test_an_open_structure_has_a_virial_and_no_stress(pot):
    atoms = structure()
    atoms.pbc = False
    atoms.calc = DP(pot)
    expected = DeepPot(pot).eval(atoms.positions, None, TYPES)
    assert atoms.get_potential_energy() == pytest.approx(expected[0][0, 0], abs=1e-12)
    virial = atoms.calc.results["virial"]
    np.testing.assert_allclose(virial.ravel(), expected[2][0], atol=1e-12)
    with pytest.raises(PropertyNotImplementedError, match="stress: expected"):
        atoms.get_stress()


def test_copies_and_pickles_go_on(pot):
    atoms = structure()
    atoms.calc = DP(pot)
    energy = atoms.get_potential_energy()
    for other in (copy.deepcopy(atoms.calc), pickle.loads(pickle.dumps(atoms.calc))):
        again = structure()
        again.calc = other
        assert again.get_potential_energy() == pytest.approx(energy, abs=1e-11)
        assert other.dp.get_type_map() == ["O", "H"]


def test_parameters_of_the_structure_are_used():
    model = str(MODELS / "fparam.pb")
    atoms = structure()
    atoms.info["fparam"] = [0.1, 0.2]
    atoms.calc = DP(model, tol=0, threads=1)
    expected = DeepPot(model, tol=0, threads=1).eval(
        atoms.positions, atoms.cell.array, TYPES, fparam=[0.1, 0.2]
    )
    assert atoms.get_potential_energy() == pytest.approx(expected[0][0, 0], abs=1e-11)


@pytest.mark.parametrize("rows", [(-1,), (-1, 1), (1, -1), (1, -1, 1)])
def test_parameters_of_atoms_in_the_shapes_of_deepmd_kit(rows):
    model = str(MODELS / "lone_parameters.pb")
    atoms = structure()
    fparam, aparam = np.array([0.1, 0.2]), np.arange(len(atoms)) / 50
    atoms.info |= {"fparam": fparam[:, None], "aparam": aparam.reshape(rows)}
    atoms.calc = DP(model, tol=0, threads=1)
    expected = atoms.calc.dp.eval(
        atoms.positions, atoms.cell.array, TYPES, fparam=fparam, aparam=aparam
    )
    np.testing.assert_allclose(atoms.get_forces(), expected[1][0], atol=1e-11)
    atoms.info["aparam"] = aparam[1:]
    with pytest.raises(InputError, match=r"^aparam: expected shape \(1, 12, 1\) or"):
        atoms.get_forces()


def test_options_that_do_not_exist_are_refused(pot):
    with pytest.raises(InputError, match=r"^restart: there is no such option"):
        DP(pot, restart=None)


def test_a_neighbour_list_of_ase_has_no_effect(pot):
    with pytest.warns(UnusedArgumentWarning, match="^neighbor_list: has no effect"):
        DP(pot, neighbor_list=object())


def test_options_of_the_environment(monkeypatch):
    monkeypatch.setenv("DPSE_PRECISION", "mixed")
    monkeypatch.setenv("DPSE_THREADS", "1")
    monkeypatch.setenv("DPSE_SKIN", "0.25")
    calculator = DP(str(MODELS / "plain.pb"), tol=1e-3)
    potential = calculator.potential
    assert (potential.precision, potential.threads) == ("mixed", 1)
    assert potential.tol == 1e-3
    assert calculator._skin == 0.25
