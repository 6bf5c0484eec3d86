"""The exporters of examples/: what they write is the model that they trained."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from engines import module_at

from dpse_fast.formats import read_model
from dpse_fast.model import SeE2A

EXAMPLES = Path(__file__).parents[1] / "examples"


def example(name: str) -> ModuleType:
    return module_at(EXAMPLES / f"{name}.py")


def test_write_model(tmp_path: Path) -> None:
    file = tmp_path / "random.h5"
    example("write_model").main(file)
    model = read_model(file)
    (part,) = model.descriptors
    assert isinstance(part, SeE2A)
    assert model.type_map == ("O", "H")
    assert (part.sel, part.axis_neuron, part.width) == ((46, 92), 4, 16)
    assert part.normalisation == 138
    assert part.one_sided
    assert [layer.skip for layer in model.fitting[1].layers] == [
        "none",
        "identity",
        "none",
    ]
    assert not part.switch_float32
    assert (np.asarray(model.scale) == 1).all()


@pytest.mark.parametrize(
    ("name", "package"), [("export_pytorch", "torch"), ("export_jax", "jax")]
)
def test_trained_models_agree_with_their_trainer(
    name: str, package: str, tmp_path: Path
) -> None:
    if importlib.util.find_spec(package) is None:
        pytest.skip(
            f"{package} is not installed here, so examples/{name}.py is not run"
        )
    file = tmp_path / "trained.h5"
    energy_gap, force_gap = example(name).main(file)
    assert energy_gap < 1e-10  # eV
    assert force_gap < 1e-10  # eV/Å
    model = read_model(file)
    rows = np.random.default_rng(0).normal(size=(50, model.n_descriptor))
    assert np.ptp(model.fitting[0](rows)) > 0.01
