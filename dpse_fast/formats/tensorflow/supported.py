"""What a TensorFlow graph must be for this reader; everything else by name."""

from __future__ import annotations

import re
from typing import NoReturn

from ...errors import ModelFileError
from ..other_outputs import LONG_RANGE, SPIN, why_not
from .graph import Graph
from .script import Script
from .version_0 import check_version_0, is_version_0

_RETRAIN = (
    "train an energy model with the descriptor se_e2_a, se_e2_r or se_atten without "
    "attention layers"
)
_REFUSED_OPS = {
    "Descrpt": "the descriptor loc_frame",
    "DescrptSeAMask": "the descriptor se_a_mask",
    "DescrptSeAEf": "the descriptor se_a_ef",
    "DescrptSeAEfPara": "the descriptor se_a_ef",
    "DescrptSeAEfVert": "the descriptor se_a_ef",
    "ProdEnvMatAEf": "the descriptor se_a_ef",
    "ProdEnvMatAEfPara": "the descriptor se_a_ef",
    "ProdEnvMatAEfVert": "the descriptor se_a_ef",
    "TabulateFusionSeT": "the descriptor se_e3",
    "DprcPairwiseIdx": "a pairwise DPRc model",
    "MapAparam": "a type embedding that takes atomic parameters (se_a_ebd)",
}
_REFUSED_SCOPES = {
    "attention_layer_": "the descriptor se_atten with attention layers",
}
_REASONS = {"spin_attr/": SPIN, "modifier_attr/": LONG_RANGE}
_SE_E3 = re.compile(r"filter_type_all[^/]*/matrix_\d+_\d+_\d+")
_DESCRIPTORS = frozenset(
    {"hybrid", "se_e2_a", "se_a", "se_e2_r", "se_r", "se_a_ebd_v2", "se_a_tpe_v2"}
    | {"se_atten", "se_atten_v2", "dpa1"}
)


def unsupported(what: str, remedy: str = _RETRAIN) -> ModelFileError:
    return ModelFileError(f"{what} is not supported; {remedy}")


def _reject(kind: str, what: str) -> NoReturn:
    """Refuse a kind of model or fitting net, with advice that fits it."""
    if (reason := why_not(kind)) is not None:
        raise ModelFileError(reason)
    raise unsupported(f"{what} {kind[:40]!r}")


def check(graph: Graph, script: Script) -> None:
    """Refuse a graph of another kind.

    Raises
    ------
    ModelFileError
        Naming what the graph is.
    """
    _check_operations(graph)
    _check_kind(graph, script)
    if is_version_0(graph):
        check_version_0(graph)


def _check_operations(graph: Graph) -> None:
    for node in graph.nodes.values():
        if node.op == "EwaldRecp":
            raise ModelFileError(LONG_RANGE)
        if node.op in _REFUSED_OPS:
            raise unsupported(f"{_REFUSED_OPS[node.op]} (node {node.name})")
        if "Nvnmd" in node.op:
            raise unsupported(f"an NVNMD model (node {node.name})")
    for node in graph.nodes.values():
        for scope, reason in _REASONS.items():
            if node.name.startswith(scope):
                raise ModelFileError(reason)
        for scope, what in _REFUSED_SCOPES.items():
            if node.name.startswith(scope):
                raise unsupported(f"{what} (node {node.name})")
        if _SE_E3.fullmatch(node.name):
            raise unsupported(f"the descriptor se_e3 (node {node.name})")


def _check_kind(graph: Graph, script: Script) -> None:
    kind = "ener"
    if "model_attr/model_type" in graph:
        kind = str(graph.string("model_attr/model_type"), "utf-8", "replace")
    if kind != "ener":
        _reject(kind, "a model of the type")
    composition = script.get("type")
    if composition not in (None, "standard", "ener"):
        _reject(str(composition), "a model of the type")
    for name in script.descriptor_kinds():
        if name not in _DESCRIPTORS:
            raise unsupported(f"the descriptor {name[:40]!r}")
    fitting = script.kind("fitting_net")
    if fitting not in (None, "ener"):
        _reject(fitting, "the fitting net")
    for option, reason in (("spin", SPIN), ("modifier", LONG_RANGE)):
        if script.get(option):
            raise ModelFileError(reason)
    for option in ("tot_ener_zero", "use_aparam_as_mask"):
        if script.get("fitting_net", option):
            raise unsupported(f"the fitting option {option}", "train without it")
