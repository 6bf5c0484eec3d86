"""The same calls as deepmd-kit's interface was given, and what it returned."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from deepmd_interface.calls import (
    COMMITTEE,
    MODELS,
    TYPES,
    calls,
    cells,
    coordinates,
    deviations,
    facts,
)

from dpse_fast.deepmd import DP, DeepPot, calc_model_devi

HERE = Path(__file__).parent / "golden"
NUMBERS = np.load(HERE / "deepmd.npz")
TEXTS = json.loads((HERE / "deepmd.json").read_text())
CALLS = {call.name: call for call in calls()}
OPTIONS = {"tol": 0.0, "threads": 1}


@pytest.fixture(scope="module")
def pots():
    loaded: dict[str, DeepPot] = {}

    def load(name):
        if name not in loaded:
            loaded[name] = DeepPot(str(MODELS / name), **OPTIONS)
        return loaded[name]

    return load


@pytest.mark.parametrize("name", CALLS)
def test_returns_what_deepmd_kit_returns(pots, name):
    call = CALLS[name]
    found = call.of(pots(call.model))
    keys = [key for key in NUMBERS.files if key.startswith(f"call/{name}/")]
    assert len(found) == len(keys)
    single = call.model == "float32.pb" or "fp32" in call.name
    limit = 3e-5 if single else 1e-9
    for got, key in zip(found, keys, strict=True):
        want = NUMBERS[key]
        assert (got.shape, got.dtype) == (want.shape, want.dtype)
        np.testing.assert_allclose(got, want, rtol=0, atol=limit, err_msg=key)


@pytest.mark.parametrize("model", sorted({call.model for call in CALLS.values()}))
def test_says_of_a_model_what_deepmd_kit_says(pots, model):
    found = {name: fact(pots(model)) for name, fact in facts().items()}
    assert json.loads(json.dumps(found)) == TEXTS[model]


@pytest.mark.parametrize("name", deviations())
def test_deviations_are_those_of_deepmd_kit(pots, name, tmp_path):
    arguments, options = deviations()[name]
    models = [pots(model) for model in COMMITTEE]
    file = tmp_path / "devi.out"
    found = calc_model_devi(*arguments, models, fname=str(file), **options)
    want = NUMBERS[f"deviation/{name}"]
    assert (found.shape, found.dtype) == (want.shape, want.dtype)
    np.testing.assert_allclose(found, want, rtol=1e-9, atol=1e-9)
    lines, golden = file.read_text().splitlines(), TEXTS[f"{name}.out"].splitlines()
    assert [line for line in lines if line.startswith("#")] == golden[:2]
    assert list(map(len, lines)) == list(map(len, golden))
    np.testing.assert_allclose(np.loadtxt(lines), np.loadtxt(golden), rtol=2e-6)


def test_the_calculator_of_ase_gives_what_deepmd_kit_gives():
    symbols = [("O", "H")[t] for t in TYPES]
    atoms = Atoms(symbols, coordinates()[0], cell=cells()[0], pbc=True)
    atoms.calc = DP(str(MODELS / "plain.pb"), **OPTIONS)
    golden = {key[11:]: NUMBERS[key] for key in NUMBERS.files if key[:4] == "calc"}
    found = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
    found |= {name: atoms.calc.results[name] for name in ("stress", "virial")}
    assert golden.keys() == found.keys()
    # Off the diagonal, deepmd-kit takes one component of two; we take their mean.
    stress = -golden["virial"] / atoms.get_volume()
    np.testing.assert_allclose(stress.flat[[0, 4, 8, 5, 2, 1]], golden["stress"])
    golden["stress"] = (stress + stress.T).flat[[0, 4, 8, 5, 2, 1]] / 2
    for name, want in golden.items():
        np.testing.assert_allclose(found[name], want, rtol=0, atol=1e-9, err_msg=name)
