"""One small random model of each family, for the oracle and for every backend."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from random_model import random_model

from dpse_fast.model import Model

Array = NDArray[np.float64]
SMALL = {"embedding": (4, 8), "fitting": (6, 6)}
FAMILIES: dict[str, dict[str, Any]] = {
    "se_e2_a": {},
    "se_e2_r": {"kind": "se_e2_r"},
    "se_e2_r_excluded": {"kind": "se_e2_r", "excluded": frozenset({(0, 1), (1, 0)})},
    "protected": {"kind": "se_e2_r", "env_protection": 0.3},
    "hybrid": {"hybrid": ({"kind": "se_e2_r", "rcut": 3.4}, {"axis": 2, "rcut": 5.0})},
    "mixed": {"mixed": True, "mean": 0.0},
    "mixed_padding": {"mixed": True},
    "mixed_gated": {"mixed": True, "gated": "smooth"},
    "mixed_cubic": {"mixed": True, "gated": "cubic"},
    "excluded": {"excluded": {(0, 1)}, "mixed": True, "mean": 0.0},
    "gated": {"gated": "smooth"},
    "gated_plain": {"gated": "plain"},
    "fparam": {"fparam": 2},
    "aparam": {"aparam": 1, "fparam": 1, "vacuum": True},
    "emptied": {"emptied": {(0, 1), (1, 0)}, "pair_table": True},
    "pair_table": {"pair_table": True},
    "excluded_table": {"pair_table": True, "table_excluded": {(0, 1), (1, 0)}},
    "table_sel": {"pair_table": True, "table_sel": (2, 1)},
    "table_list": {
        "pair_table": True,
        "table_sel": (3,),
        "table_excluded": {(0, 1), (1, 0)},
    },
    "silent": {"silent": (1,)},
    "listed": {"sel": (5, 6), "list_size": 11},
    "listed_emptied": {"sel": (5, 6), "list_size": 11, "emptied": {(0, 1), (1, 0)}},
    "mixed_emptied": {
        "mixed": True,
        "gated": "smooth",
        "sel": (9,),
        "emptied": {(1, 1)},
    },
    "listed_mixed": {"mixed": True, "mean": 0.0, "sel": (9,), "list_size": 14},
    "dropped": {"dropped": {(1, 1)}},
    "graph": {"mixed": True, "sel": (9,), "keeps_all": True},
    "graph_of_types": {"sel": (5, 6), "keeps_all": True},
    "graph_se_e2_r": {"kind": "se_e2_r", "sel": (5, 6), "keeps_all": True},
}


def family(name: str, **options: Any) -> Model:
    return random_model(**SMALL | FAMILIES[name] | options)


def parameters(model: Model, n: int, seed: int = 0) -> dict[str, Array | None]:
    rng = np.random.default_rng(seed)
    return {
        "fparam": model.fparam and rng.normal(size=model.fparam.count),
        "aparam": model.aparam and rng.normal(size=(n, model.aparam.count)),
    }
