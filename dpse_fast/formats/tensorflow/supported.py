"""What a TensorFlow graph must be for this reader; everything else by name."""

from __future__ import annotations

import re

from ...errors import ModelFileError
from .graph import Graph, Node
from .script import Script

_ENVIRONMENT = ("ProdEnvMatA", "DescrptSeA")
_RETRAIN = "train a model with the descriptor se_e2_a and the fitting net ener"

_OPS = {
    "Descrpt": "the descriptor loc_frame",
    "DescrptNorot": "a graph of deepmd-kit 0.12 (DescrptNorot)",
    "DescrptSeAMask": "the descriptor se_a_mask",
    "DescrptSeAEf": "the descriptor se_a_ef",
    "DescrptSeAEfPara": "the descriptor se_a_ef",
    "DescrptSeAEfVert": "the descriptor se_a_ef",
    "DescrptSeR": "the descriptor se_e2_r",
    "ProdEnvMatR": "the descriptor se_e2_r",
    "ProdEnvMatAMix": "the descriptor se_atten",
    "TabulateFusionSeAtten": "the descriptor se_atten",
    "TabulateFusionSeT": "the descriptor se_e3",
    "TabulateFusionSeR": "the descriptor se_e2_r",
    "PairTab": "a pair table (use_srtab)",
    "DprcPairwiseIdx": "a pairwise DPRc model",
    "EwaldRecp": "a long-range model (Ewald sum)",
    "MapAparam": "atomic parameters (numb_aparam)",
}
_SCOPES = {
    "spin_attr/": "a spin model",
    "modifier_attr/": "a data modifier (long-range charges)",
    "type_embed_net": "a type embedding",
}
_SE_E3 = re.compile(r"filter_type_all[^/]*/matrix_\d+_\d+_\d+")
_HYBRID = re.compile(r"filter_type_(\d+|all)_\d+/matrix_\d+_\d+|descrpt_attr_\d+/t_avg")


def unsupported(what: str, remedy: str = _RETRAIN) -> ModelFileError:
    return ModelFileError(f"{what} is not supported; {remedy}")


def environment(graph: Graph, script: Script) -> Node:
    """The node that computes the environment rows of an se_e2_a energy model.

    Raises
    ------
    ModelFileError
        Naming what else the graph is.
    """
    _check_operations(graph)
    _check_kind(graph, script)
    found = graph.with_op(*_ENVIRONMENT)
    if not found:
        raise ModelFileError(
            "a TensorFlow graph, but not a Deep Potential: it has no node of the "
            "kind ProdEnvMatA or DescrptSeA; give a model frozen by dp freeze"
        )
    if len(found) > 1 or any(_HYBRID.fullmatch(name) for name in graph.nodes):
        raise unsupported("a hybrid or linear model (several descriptors)")
    return found[0]


def _check_operations(graph: Graph) -> None:
    for node in graph.nodes.values():
        if node.op in _OPS:
            raise unsupported(f"{_OPS[node.op]} (node {node.name})")
        if "Nvnmd" in node.op:
            raise unsupported(f"an NVNMD model (node {node.name})")
    for node in graph.nodes.values():
        for scope, what in _SCOPES.items():
            if node.name.startswith(scope):
                raise unsupported(f"{what} (node {node.name})")
        if _SE_E3.fullmatch(node.name):
            raise unsupported(f"the descriptor se_e3 (node {node.name})")


def _check_kind(graph: Graph, script: Script) -> None:
    kind = "ener"
    if "model_attr/model_type" in graph:
        kind = str(graph.string("model_attr/model_type"), "utf-8", "replace")
    if kind != "ener":
        raise unsupported(f"a model of the type {kind[:40]!r}")
    descriptor = script.kind("descriptor")
    if descriptor not in (None, "se_e2_a", "se_a"):
        raise unsupported(f"the descriptor {descriptor[:40]!r}")
    fitting = script.kind("fitting_net")
    if fitting not in (None, "ener"):
        raise unsupported(f"the fitting net {fitting[:40]!r}")
    for option in ("use_srtab", "spin", "modifier"):
        if script.get(option):
            raise unsupported(f"the model option {option}")
    if script.get("fitting_net", "tot_ener_zero"):
        raise unsupported("the fitting option tot_ener_zero")
    for parameter in ("dfparam", "daparam"):
        name = f"fitting_attr/{parameter}"
        count = graph.scalar(name) if name in graph else 0
        if count != 0:
            raise unsupported(
                f"a model with {count:g} "
                f"{'frame' if parameter == 'dfparam' else 'atomic'} parameters "
                f"({parameter[1:]})",
                "train a model without fparam and aparam",
            )
