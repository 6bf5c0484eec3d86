"""TorchScript models of the PyTorch code that preceded deepmd-kit v3.

Fitting nets skip only from the second layer on and only between equal widths. With
a type embedding one net serves all types and takes the centre's behind the
descriptor.
"""

from __future__ import annotations

from ...array_types import AnyArray
from ...errors import ModelFileError
from ...model import Layer, Model, Net, TypeEmbedding
from ..constant_inputs import fix_inputs
from ..tree import Tree, located
from ..version3 import dense_layer, energies_by_type, reject_unsupported
from .classes import reject_class
from .early_descriptors import read_descriptors


def read(root: Tree) -> Model:
    """The model of the scripted object tree.

    Raises
    ------
    ModelFileError
        If a value is missing or odd, or the model is not supported.
    """
    reject_class(root, "model", ("EnergyModel",))
    names, fitting = root.texts("type_map"), root["fitting_net"]
    reject_class(fitting, "fitting", ("EnergyFittingNet",))
    if root.raw("combination", False):
        reject_unsupported(
            root, "combination", "a model with this option is not supported"
        )
    if "ener" not in root.text("fitting_type", "ener"):
        root.reject("fitting_type", "ener", root.raw("fitting_type"))
    embedding = _type_embedding(root, len(names))
    descriptors = read_descriptors(root["descriptor"], embedding, len(names))
    width = sum(part.n_out for part in descriptors)
    fitting.raw("bias_atom_e")
    return Model(
        type_map=tuple(names),
        descriptors=descriptors,
        fitting=_fitting_nets(fitting, embedding, len(names), width),
        bias=energies_by_type(fitting, "bias_atom_e", len(names)),
        type_embeddings=_shown(embedding),
        provenance={
            "format": "TorchScript (.pth)",
            "trainer": "deepmd-kit, PyTorch code before v3",
        },
    )


def _type_embedding(root: Tree, n_types: int) -> AnyArray | None:
    """(n_types + 1, k): the last row is that of an empty slot."""
    if not root.has("type_embedding"):
        return None
    weight = root["type_embedding"]["embedding"].array("weight")
    if weight.ndim != 2 or len(weight) != n_types + 1:
        raise ModelFileError(
            f"{root.where('type_embedding')}: expected {n_types + 1} rows for "
            f"{n_types} types and no atom, got shape {weight.shape}"
        )
    return weight


def _shown(embedding: AnyArray | None) -> tuple[TypeEmbedding, ...]:
    """Of the types; the fitting net, not the descriptor, puts the centre's behind D."""
    return () if embedding is None else (TypeEmbedding(embedding[:-1]),)


def _fitting_nets(
    fitting: Tree, embedding: AnyArray | None, n_types: int, width: int
) -> tuple[Net, ...]:
    nets = [_fitting_net(net) for net in fitting.branches("filter_layers")]
    if not fitting.flag("use_tebd", False):
        return tuple(nets)
    if len(nets) != 1 or embedding is None:
        raise ModelFileError(
            f"{fitting.where('use_tebd')}: expected one net and a type embedding"
        )
    with located(fitting.place):
        return tuple(fix_inputs(nets[0], width, row) for row in embedding[:n_types])


def _fitting_net(net: Tree) -> Net:
    layers = [
        _fitting_layer(layer, resnet=k > 0)
        for k, layer in enumerate(net.branches("deep_layers"))
    ]
    with located(net.place):
        return Net((*layers, _fitting_layer(net["final_layer"], resnet=False)))


def _fitting_layer(layer: Tree, resnet: bool) -> Layer:
    activation = layer["activate"].text("activation")
    if activation == "gelu":
        reject_unsupported(
            layer,
            "activate",
            "the gelu of this old code (with erf) differs from today's and is not "
            "supported",
        )
    weight = layer.array("matrix")
    with located(layer.place):
        return dense_layer(
            weight,
            layer.array("bias"),
            layer.optional_array("idt"),
            activation,
            resnet and weight.ndim == 2 and weight.shape[0] == weight.shape[1],
        )
