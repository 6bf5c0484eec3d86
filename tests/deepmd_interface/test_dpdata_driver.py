"""dpdata's predict with driver="dpse"."""

from __future__ import annotations

import numpy as np
import pytest
from deepmd_interface.calls import MODELS, TYPES, cells, coordinates
from engines import needs

import dpse_fast
from dpse_fast.deepmd import DeepPot
from dpse_fast.errors import InputError

dpdata = needs("dpdata", "dpdata")
PLAIN = str(MODELS / "plain.pb")


@pytest.fixture(scope="module")
def dp():
    return DeepPot(PLAIN, tol=0, threads=1)


def system(names=("O", "H"), types=TYPES, **more):
    numbs = [list(types).count(t) for t in range(len(names))]
    data = {"atom_names": list(names), "atom_numbs": numbs, "orig": np.zeros(3)}
    data |= {"atom_types": np.array(types), "coords": coordinates(), "cells": cells()}
    return dpdata.System(data=data | more)


@pytest.mark.parametrize("order", [("O", "H"), ("H", "O"), ("Na", "H", "O")])
def test_labels_are_those_of_the_model(dp, order):
    types = [order.index(("O", "H")[t]) for t in TYPES]
    found = system(order, types).predict(driver="dpse", model=PLAIN, tol=0, threads=1)
    assert isinstance(found, dpdata.LabeledSystem)
    energy, forces, virial = dp.eval(coordinates(), cells(), TYPES)
    np.testing.assert_allclose(found["energies"], energy[:, 0], atol=1e-12)
    np.testing.assert_allclose(found["forces"], forces, atol=1e-12)
    np.testing.assert_allclose(found["virials"], virial.reshape(-1, 3, 3), atol=1e-12)
    again = found.predict(dp, driver="dpse")
    np.testing.assert_array_equal(again["energies"], found["energies"])


def test_open_boundaries(dp):
    found = system(nopbc=True).predict(driver="dpse", model=dp)
    expected = dp.eval(coordinates(), None, TYPES)
    np.testing.assert_array_equal(found["forces"], expected[1])


def test_bad_arguments_are_named(dp):
    with pytest.raises(InputError, match=r"^atom_names: expected types .* got Na"):
        system(("O", "Na")).predict(driver="dpse", model=dp)
    with pytest.raises(InputError, match=r"^model: a DeepPot takes no more options"):
        system().predict(driver="dpse", model=dp, tol=0)
    with pytest.raises(InputError, match=r"^dp: there is no such option"):
        system().predict(driver="dpse", model=PLAIN, dp=PLAIN)
    with pytest.raises(TypeError, match="'model'"):
        system().predict(driver="dpse")
    with pytest.raises(InputError, match="fparam: the model needs 2"):
        system().predict(driver="dpse", model=str(MODELS / "fparam.pb"), threads=1)
    loaded = dpse_fast.load(PLAIN, tol=0, threads=1)
    system().predict(driver="dpse", model=loaded)
