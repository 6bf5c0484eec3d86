"""Calls of deepmd-kit's Python interface, in all forms that its arguments have.

`golden/make.py` records what deepmd-kit returns, and the tests make the same calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

MODELS = Path(__file__).parents[1] / "golden"
FRAMES, ATOMS = 3, 12
TYPES = [0, 1, 1] * 4
COMMITTEE = ("plain.pb", "gelu.pb", "relu.pb")


class Call(NamedTuple):
    """One call of a method of a DeepPot."""

    name: str
    model: str
    arguments: tuple[Any, ...]
    options: dict[str, Any] = {}  # noqa: RUF012
    method: str = "eval"

    def of(self, dp: Any) -> tuple[np.ndarray, ...]:
        """What the method returns."""
        found = getattr(dp, self.method)(*self.arguments, **self.options)
        return found if isinstance(found, tuple) else (found,)


def coordinates() -> np.ndarray:
    """(F, N, 3) Å, no atoms closer than in liquids."""
    rng = np.random.default_rng(5)
    grid = np.stack(np.meshgrid(*map(np.arange, (3, 2, 2)), indexing="ij"), -1)
    return 2.1 * grid.reshape(-1, 3) + rng.uniform(-0.3, 0.3, (FRAMES, ATOMS, 3))


def cells() -> np.ndarray:
    """(F, 3, 3) Å, all different."""
    cell = np.array([[6.4, 0.0, 0.0], [0.5, 4.6, 0.0], [0.3, -0.4, 4.7]])
    return cell * (1 + 0.01 * np.arange(FRAMES))[:, None, None]


def calls() -> Iterator[Call]:
    x, box, types = coordinates(), cells(), TYPES
    flat = x.reshape(FRAMES, -1)
    for name, arguments in {
        "frames": (x, box, types),
        "flat": (flat, box.reshape(FRAMES, 9), np.array(types)),
        "lists": (x.tolist(), box.tolist(), types),
        "numbers": (x.ravel(), box.ravel(), types),
        "open": (x, None, types),
        "one_frame": (x[0], box[0], types),
        "one_flat_frame": (x[0].ravel(), box[0].ravel(), np.array(types)),
        "float32": (x.astype(np.float32), box.astype(np.float32), types),
        "floating_types": (x, box, np.array(types, float)),
        "one_row_of_types": (x[:1], box[:1], np.array([types])),
        "atomic": (x, box, types, True),
    }.items():
        yield Call(name, "plain.pb", arguments)
    yield Call("atomic_of_open", "plain.pb", (flat, None, types), {"atomic": True})
    yield Call("float32_model", "float32.pb", (x, box, types, True))
    each = np.arange(FRAMES * 2).reshape(FRAMES, 2) / 7
    for name, fparam in {
        "fparam": each,
        "fparam_numbers": each.ravel(),
        "fparam_for_all": each[1],
        "fparam_list": each[1].tolist(),
    }.items():
        yield Call(name, "fparam.pb", (x, box, types), {"fparam": fparam})
    atoms = np.arange(FRAMES * ATOMS).reshape(FRAMES, ATOMS) / 50
    for name, aparam in {
        "aparam": atoms[..., None],
        "aparam_of_atoms": atoms,
        "aparam_numbers": atoms.ravel(),
        "aparam_of_a_frame": atoms[0][:, None],
        "aparam_row": atoms[0],
        "aparam_for_all": [0.4],
    }.items():
        given = {"fparam": each[1], "aparam": aparam, "atomic": True}
        yield Call(name, "lone_parameters.pb", (x, box, types), given)
    mixed = np.array([types, types[::-1], [1] * ATOMS])
    yield Call("mixed_types", "dpa1_plain.pb", (x, box, mixed), {"mixed_type": True})
    for dtype in ("native", "fp32", "fp64"):
        given, name = {"dtype": dtype}, f"descriptor_{dtype}"
        yield Call(name, "plain.pb", (flat, box, types), given, "eval_descriptor")
    given = {"mixed_type": True}
    name, model = "descriptor_of_mixed_types", "dpa1_plain.pb"
    yield Call(name, model, (x, None, mixed), given, "eval_descriptor")
    given = {"fparam": each[1], "aparam": atoms}
    name, model = "descriptor_with_parameters", "lone_parameters.pb"
    yield Call(name, model, (x, box, types), given, "eval_descriptor")
    yield Call("type_embedding", "dpa1_plain.pb", (), {}, "eval_typeebd")


def facts() -> dict[str, Callable[[Any], Any]]:
    """What a DeepPot says of its model, as JSON can hold it."""
    return {
        "type_map": lambda dp: dp.get_type_map(),
        "ntypes": lambda dp: int(dp.get_ntypes()),
        "rcut": lambda dp: float(dp.get_rcut()),
        "dim_fparam": lambda dp: int(dp.get_dim_fparam()),
        "dim_aparam": lambda dp: int(dp.get_dim_aparam()),
        "ntypes_spin": lambda dp: int(dp.get_ntypes_spin()),
        "default_fparam": lambda dp: dp.has_default_fparam(),
        "charge_spin": lambda dp: dp.has_chg_spin_ebd(),
        "default_charge_spin": lambda dp: dp.has_default_chg_spin(),
        "efield": lambda dp: dp.has_efield,
        "spin": lambda dp: dp.has_spin,
        "use_spin": lambda dp: dp.use_spin,
        "hessian": lambda dp: dp.has_hessian,
        "script_keys": lambda dp: [
            dp.get_model_def_script()["type_map"],
            dp.get_model_def_script()["descriptor"]["rcut"],
            dp.get_model_def_script()["descriptor"]["sel"],
            dp.get_model_def_script()["fitting_net"]["neuron"],
        ],
    }


def deviations() -> dict[str, tuple[tuple[Any, ...], dict[str, Any]]]:
    """Arguments of calc_model_devi before the models, and those after them."""
    rng = np.random.default_rng(6)
    x, box = coordinates(), cells()
    real = {
        "energy": rng.normal(size=(FRAMES, 1)),
        "force": rng.normal(size=(FRAMES, ATOMS, 3)),
        "virial": rng.normal(size=(FRAMES, 9)),
    }
    first = {name: values[:1] for name, values in real.items()}
    several, one = (x, box, TYPES), (x[:1], box[:1], TYPES)
    return {
        "plain": (several, {}),
        "open": ((x, None, TYPES), {"frequency": 10}),
        "atomic": (several, {"atomic": True, "relative": 0.5}),
        "real": (several, {"real_data": real, "atomic": True}),
        "relative_real": (several, {"real_data": real, "relative": 0.5}),
        # deepmd-kit takes relative_v of single frames only.
        "relative_v": (one, {"relative_v": 0.1}),
        "relative_real_v": (one, {"real_data": first, "relative_v": 0.1}),
    }
