"""Models that must be refused by name, in ``refused/``: written, never run."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from families import (
    Section,
    build_family,
    hybrid,
    pair_potential,
    se_a,
    se_atten,
    se_r,
    section,
)
from filling import fill

TINY = {"neuron": [3, 6], "axis_neuron": 2}
THREE_BODY: Section = {
    "type": "se_e3",
    "rcut": 3.0,
    "rcut_smth": 1.0,
    "sel": [6, 6],
    "neuron": [2, 4],
}
# They are refused for their means of the environment.
OFF_CENTRE = ("off_centre", "hybrid_excluded")
SCRIPTS: dict[str, Section] = {
    "attention": section(se_atten(**TINY | {"attn_layer": 1, "attn": 4})),
    "off_centre": section(se_atten(**TINY)),
    "hybrid_excluded": section(
        hybrid(se_a(rcut=3.0, exclude_types=[[0, 1]], **TINY), se_r(sel=[34, 36]))
    ),
    "three_body": section(THREE_BODY),
    "dipole": section(se_a(**TINY), fitting={"type": "dipole"}),
    "spin": section(
        se_a(**TINY), spin={"use_spin": [True, False], "virtual_scale": [0.3]}
    ),
}


def write_refused(folder: Path, compressed: Path) -> None:
    """Every .dp to refuse; `compressed` is a graph with tables in place of nets."""
    from deepmd.dpmodel.model.model import get_model
    from deepmd.dpmodel.utils.serialization import save_dp_model
    from deepmd.entrypoints.convert_backend import convert_backend

    folder.mkdir(exist_ok=True)
    for name, script in SCRIPTS.items():
        model = get_model(copy.deepcopy(script)).serialize()
        if name in OFF_CENTRE:
            fill(model, np.random.default_rng(1), centred=False, gain=4.0)
        _save(folder / f"{name}.dp", model, script, save_dp_model)
    pair_potential("table.txt")
    contents = build_family("zbl_constants", "table.txt")
    save_dp_model(str(folder / "zbl_constants.dp"), contents)
    convert_backend(INPUT=str(compressed), OUTPUT="null_networks.dp")
    shutil.copyfile("null_networks.dp", folder / "null_networks.dp")


def _save(file: Path, model: dict[str, Any], script: Section, save: Any) -> None:
    save(str(file), {"model": model, "model_def_script": script, "@variables": {}})
