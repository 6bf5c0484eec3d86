"""TorchScript models of deepmd-kit v3."""

from __future__ import annotations

from ...errors import ModelFileError
from ...model import Model, Net, SeE2A
from ..statistics import per_neighbour_type
from ..tree import Tree, located
from ..version3 import (
    USE_DEEPMD,
    constant_energies,
    dense_layer,
    embedding_grid,
    excluded_pairs,
    reject_parameters,
    shortest_distance,
)
from .classes import reject_class


def read(root: Tree) -> Model:
    """The model of the scripted object tree.

    Raises
    ------
    ModelFileError
        If a value is missing or odd, or the model is not supported.
    """
    reject_class(root, "model", ("EnergyModel",))
    model = root["atomic_model"]
    reject_class(
        model, "atomic model", ("DPEnergyAtomicModel", "DPAtomicModel", "EnergyModel")
    )
    descriptor, fitting = model["descriptor"], model["fitting_net"]
    reject_class(descriptor, "descriptor", ("DescrptSeA",))
    reject_class(fitting, "fitting", ("EnergyFittingNet",))
    for key in ("atom_excl", "pair_excl"):
        if model.has(key):
            raise ModelFileError(
                f"{model.where(key)}: a model that excludes types as a whole is not "
                f"supported; {USE_DEEPMD}"
            )
    reject_parameters(fitting)
    nets = _networks(fitting["filter_layers"])
    return Model(
        type_map=tuple(model.texts("type_map")),
        descriptors=(_descriptor(descriptor["sea"]),),
        fitting=nets,
        bias=constant_energies(
            nets,
            fitting.optional_array("bias_atom_e"),
            model.optional_array("out_bias"),
            _remove_vacuum(fitting),
        ),
        min_distance=_min_distance(root),
        provenance={"format": "TorchScript (.pth)", "trainer": "deepmd-kit 3"},
    )


def _descriptor(sea: Tree) -> SeE2A:
    sel = sea.integers("sel")
    nets = _networks(sea["filter_layers"])
    with located(sea.place):
        return SeE2A(
            rcut=sea.number("rcut"),
            rcut_smth=sea.number("rcut_smth"),
            sel=tuple(sel),
            axis_neuron=sea.integer("axis_neuron"),
            davg=per_neighbour_type(sea.array("mean"), sel, "mean", empty=0.0),
            dstd=per_neighbour_type(sea.array("stddev"), sel, "stddev"),
            embedding=embedding_grid(nets, len(sel), sea.flag("type_one_side")),
            normalisation=float(sum(sel)),
            excluded=_excluded(sea, len(sel)),
            env_protection=sea.number("env_protection", 0.0),
        )


def _excluded(sea: Tree, n_types: int) -> frozenset[tuple[int, int]]:
    if not sea.has("emask"):
        return frozenset()
    mask = sea["emask"].array("type_mask")
    side = n_types + 1
    if mask.size != side**2:
        raise ModelFileError(
            f"{sea.where('emask.type_mask')}: expected {side**2} flags, got {mask.size}"
        )
    real = mask.reshape(side, side)[:n_types, :n_types]
    pairs = zip(*(axis.tolist() for axis in (real == 0).nonzero()), strict=True)
    return excluded_pairs(list(pairs))


def _networks(collection: Tree) -> tuple[Net, ...]:
    return tuple(_net(network) for network in collection.branches("networks"))


def _net(network: Tree) -> Net:
    layers = []
    for layer in network.branches("layers"):
        activate = layer["activate"]
        with located(layer.place):
            layers.append(
                dense_layer(
                    layer.array("matrix"),
                    layer.optional_array("bias"),
                    layer.optional_array("idt"),
                    activate.text("activation"),
                    layer.flag("resnet"),
                )
            )
    with located(network.place):
        return Net(tuple(layers))


def _remove_vacuum(fitting: Tree) -> list[bool]:
    flags = fitting.raw("remove_vaccum_contribution", None) or []
    if not isinstance(flags, list) or not all(isinstance(f, bool) for f in flags):
        fitting.reject("remove_vaccum_contribution", "a list of true or false", flags)
    return flags


def _min_distance(root: Tree) -> float | None:
    if not root.has("min_nbor_dist"):
        return None
    value = root.array("min_nbor_dist")
    if value.size != 1:
        raise ModelFileError(
            f"{root.where('min_nbor_dist')}: expected one number, "
            f"got shape {value.shape}"
        )
    return shortest_distance(float(value.reshape(())))
