"""TorchScript models of the PyTorch code that preceded deepmd-kit v3.

Embedding nets are one-sided with tanh, whatever the widths, and skip as in v3.
Fitting nets skip only from the second layer on and only between equal widths.
"""

from __future__ import annotations

from ...errors import ModelFileError
from ...model import Layer, Model, Net, SeE2A
from ..statistics import per_neighbour_type
from ..tree import Tree, located
from ..version3 import USE_DEEPMD, dense_layer, embedding_grid, energies_by_type
from .classes import reject_class


def read(root: Tree) -> Model:
    """The model of the scripted object tree.

    Raises
    ------
    ModelFileError
        If a value is missing or odd, or the model is not supported.
    """
    reject_class(root, "model", ("EnergyModel",))
    descriptor, fitting = root["descriptor"], root["fitting_net"]
    reject_class(descriptor, "descriptor", ("DescrptSeA",))
    reject_class(fitting, "fitting", ("EnergyFittingNet",))
    for tree, key in (
        (root, "combination"),
        (root, "has_type_embedding"),
        (fitting, "use_tebd"),
    ):
        if tree.raw(key, False):
            raise ModelFileError(
                f"{tree.where(key)}: a model with this option is not supported; "
                f"{USE_DEEPMD}"
            )
    if "ener" not in root.text("fitting_type", "ener"):
        root.reject("fitting_type", "ener", root.raw("fitting_type"))
    nets = tuple(_fitting_net(net) for net in fitting.branches("filter_layers"))
    return Model(
        type_map=tuple(root.texts("type_map")),
        descriptors=(_descriptor(descriptor),),
        fitting=nets,
        bias=energies_by_type(fitting, "bias_atom_e", len(nets)),
        provenance={
            "format": "TorchScript (.pth)",
            "trainer": "deepmd-kit, PyTorch code before v3",
        },
    )


def _descriptor(descriptor: Tree) -> SeE2A:
    sel = descriptor.integers("sel")
    nets = [_embedding_net(net) for net in descriptor.branches("filter_layers")]
    with located(descriptor.place):
        return SeE2A(
            rcut=descriptor.number("rcut"),
            rcut_smth=descriptor.number("rcut_smth"),
            sel=tuple(sel),
            axis_neuron=descriptor.integer("axis_neuron"),
            davg=per_neighbour_type(descriptor.array("mean"), sel, "mean", empty=0.0),
            dstd=per_neighbour_type(descriptor.array("stddev"), sel, "stddev"),
            embedding=embedding_grid(nets, len(sel), one_sided=True),
            normalisation=float(sum(sel)),
        )


def _embedding_net(net: Tree) -> Net:
    if net.raw("tebd_dim", 0):
        raise ModelFileError(
            f"{net.where('tebd_dim')}: type embedding is not supported; {USE_DEEPMD}"
        )
    layers = []
    for layer in net.branches("deep_layers"):
        with located(layer.place):
            layers.append(
                dense_layer(
                    layer.array("matrix"),
                    layer.array("bias"),
                    layer.optional_array("idt"),
                    "tanh",
                    resnet=True,
                )
            )
    with located(net.place):
        return Net(tuple(layers))


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
        raise ModelFileError(
            f"{layer.where('activate')}: the gelu of this old code (with erf) differs "
            f"from today's and is not supported; {USE_DEEPMD}"
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
