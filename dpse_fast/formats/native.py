"""deepmd-kit's native model: one dictionary, in HDF5 (``.dp``), YAML or JSON."""

from __future__ import annotations

from ..errors import ModelFileError
from ..model import Model, Net, SeE2A
from .hdf5 import File
from .native_values import dataset_values, list_values, parse_json, parse_text
from .statistics import per_neighbour_type
from .tree import Tree, describe, located
from .version3 import (
    USE_DEEPMD,
    constant_energies,
    dense_layer,
    embedding_grid,
    excluded_pairs,
    reject_parameters,
    shortest_distance,
)

LATEST = {
    "Model": 2,
    "Descriptor": 3,
    "Fitting": 4,
    "NetworkCollection": 1,
    "EmbeddingNetwork": 2,
    "FittingNetwork": 1,
    "Layer": 2,
}


def read_hdf5(file: File) -> Model:
    """The model of a ``.dp`` (or ``.hlo``) file.

    Raises
    ------
    ModelFileError
        If the file is damaged or holds a model that is not supported.
    """
    text = file.attribute(file.root, "json")
    if not isinstance(text, str):
        raise ModelFileError(f"attribute json: expected text, got {describe(text)}")
    tree = Tree(parse_json(text), "", dataset_values(file))
    return read_tree(tree, "deepmd-kit native HDF5 (.dp)")


def read_text(text: str) -> Model:
    """The model of a ``.yaml`` or ``.json`` file of deepmd-kit.

    Raises
    ------
    ModelFileError
        If the text is no such model or the model is not supported.
    """
    tree = Tree(parse_text(text), "", list_values(len(text)))
    return read_tree(tree, "deepmd-kit native text (.yaml, .json)")


def read_tree(root: Tree, kind: str) -> Model:
    """The model of the dictionary, whatever it stands in; `kind` names the file's."""
    model = root["model"]
    _reject_other_models(model)
    descriptor, fitting = model["descriptor"], model["fitting"]
    _check(descriptor, "Descriptor")
    _check(fitting, "Fitting")
    _reject_unsupported(model, descriptor, fitting)
    nets = _networks(fitting["nets"])
    vacuum = _remove_vacuum(fitting)
    with located("model"):
        return Model(
            type_map=tuple(model.texts("type_map")),
            descriptors=(_descriptor(descriptor),),
            fitting=nets,
            bias=constant_energies(
                nets,
                fitting["@variables"].optional_array("bias_atom_e"),
                model["@variables"].optional_array("out_bias")
                if model.has("@variables")
                else None,
                vacuum,
            ),
            min_distance=_min_distance(root),
            provenance=_provenance(root, kind),
        )


def _descriptor(descriptor: Tree) -> SeE2A:
    sel = descriptor.integers("sel")
    statistics = descriptor["@variables"]
    nets = _networks(descriptor["embeddings"])
    pairs = descriptor.raw("exclude_types", None) or []
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list)
        and len(pair) == 2
        and all(type(t) is int and 0 <= t < len(sel) for t in pair)
        for pair in pairs
    ):
        descriptor.reject("exclude_types", "a list of pairs of types", pairs)
    with located("descriptor"):
        return SeE2A(
            rcut=descriptor.number("rcut"),
            rcut_smth=descriptor.number("rcut_smth"),
            sel=tuple(sel),
            axis_neuron=descriptor.integer("axis_neuron"),
            davg=per_neighbour_type(statistics.array("davg"), sel, "davg", empty=0.0),
            dstd=per_neighbour_type(statistics.array("dstd"), sel, "dstd"),
            embedding=embedding_grid(nets, len(sel), descriptor.flag("type_one_side")),
            normalisation=float(sum(sel)),
            excluded=excluded_pairs(pairs),
            env_protection=descriptor.number("env_protection", 0.0),
        )


def _networks(collection: Tree) -> tuple[Net, ...]:
    _check(collection, "NetworkCollection")
    networks = collection.raw("networks")
    if isinstance(networks, list) and None in networks:
        raise ModelFileError(
            f"{collection.where('networks')}: holds no network for some types, as in "
            "a file converted from a compressed .pb; open that .pb itself, or convert "
            "the model from before dp compress"
        )
    return tuple(_net(network) for network in collection.branches("networks"))


def _net(network: Tree) -> Net:
    _check(network, "EmbeddingNetwork", "FittingNetwork")
    layers = []
    for layer in network.branches("layers"):
        _check(layer, "Layer")
        numbers = layer["@variables"]
        with located(layer.place):
            layers.append(
                dense_layer(
                    numbers.array("w"),
                    numbers.optional_array("b"),
                    numbers.optional_array("idt"),
                    layer.text("activation_function"),
                    layer.flag("resnet"),
                )
            )
    with located(network.place):
        return Net(tuple(layers))


def _check(tree: Tree, *classes: str) -> None:
    name = tree.text("@class", classes[0])
    if name not in classes:
        tree.reject("@class", " or ".join(classes), name)
    version = tree.raw("@version", 1)
    if version not in range(1, LATEST[name] + 1):
        raise ModelFileError(
            f"{tree.where('@version')}: version {describe(version)} of a {name} is "
            f"unknown, the latest known is {LATEST[name]}; update dpse-fast, or export "
            "the model with deepmd-kit 3.2"
        )


def _reject_other_models(model: Tree) -> None:
    if model.has("model_dict"):
        raise ModelFileError(
            "model.model_dict: a multi-task model; freeze one branch with "
            "dp --pt freeze --head <name>"
        )
    kind = model.raw("type", "standard")
    if kind != "standard":
        raise ModelFileError(
            f"model.type: a model of type {describe(kind)} is not supported, only "
            f"standard energy models; {USE_DEEPMD}"
        )
    for key in ("descriptor", "fitting"):
        if not model.has(key) or "@class" not in model[key].names():
            raise ModelFileError(
                f"model.{key}: holds no trained values, as in a training input; "
                "give the frozen model, not input.json"
            )
    _check(model, "Model")


def _reject_unsupported(model: Tree, descriptor: Tree, fitting: Tree) -> None:
    for tree, supported in ((descriptor, ("se_e2_a", "se_a")), (fitting, ("ener",))):
        kind = tree.raw("type")
        if kind not in supported:
            raise ModelFileError(
                f"{tree.where('type')}: {describe(kind)} is not supported, only "
                f"{supported[0]}; {USE_DEEPMD}"
            )
    for key in ("pair_exclude_types", "atom_exclude_types"):
        if model.raw(key, None):
            raise ModelFileError(
                f"{model.where(key)}: a model that excludes types as a whole is not "
                f"supported; {USE_DEEPMD}"
            )
    for tree in (model, descriptor, fitting):
        if tree.raw("spin", None):
            raise ModelFileError(
                f"{tree.where('spin')}: spin models are not supported; {USE_DEEPMD}"
            )
    if descriptor.has("env_mat") and descriptor["env_mat"].raw("use_exp_switch", False):
        raise ModelFileError(
            "model.descriptor.env_mat.use_exp_switch: the exponential switch is not "
            f"supported; {USE_DEEPMD}"
        )
    reject_parameters(fitting)


def _remove_vacuum(fitting: Tree) -> list[bool]:
    energies = fitting.raw("atom_ener", None) or []
    if not isinstance(energies, list):
        fitting.reject("atom_ener", "a list", energies)
    flags = [energy is not None for energy in energies]
    return flags if any(flags) else []


def _min_distance(root: Tree) -> float | None:
    if not root.has("@variables") or not root["@variables"].has("min_nbor_dist"):
        return None
    value = root["@variables"].array("min_nbor_dist")
    if value.size != 1:
        raise ModelFileError(
            f"@variables.min_nbor_dist: expected one number, got shape {value.shape}"
        )
    return shortest_distance(float(value.reshape(())))


def _provenance(root: Tree, kind: str) -> dict[str, str]:
    def shown(key: str) -> str:
        value = root.raw(key, None)
        return value if isinstance(value, str) and value.isprintable() else ""

    known = {
        "format": kind,
        "trainer": f"{shown('software')} {shown('version')}".strip(),
        "backend": shown("backend"),
        "written": shown("time"),
    }
    return {key: value for key, value in known.items() if value}
