"""Models of MatPL (formerly PWMLFF): its scripted Deep Potential, ``jit_dp.pt``.

The environment matrix, its statistics and the descriptor are those of se_e2_a with
as many slots for every element. What differs: nets are numbered centre·n + neighbour,
a time step counts only where a layer adds its input, hidden fitting layers after the
first always add it, and the energy shift is a part of the last bias. The sum over
neighbours is divided by the slots of the elements that a run lists; the model read
here is that of a run which lists all of them.
"""

from __future__ import annotations

import numpy as np

from ...array_types import AnyArray
from ...errors import ModelFileError
from ...model import Layer, Model, Net, SeE2A, Skip
from ..constant_inputs import fix_inputs
from ..statistics import per_neighbour_type
from ..tree import Tree, located
from .records import Instance

_MODULE = "__torch__.src."
_MOST_ELEMENTS = 118
_MOST_SLOTS = 2**20


def is_matpl(root: Tree) -> bool:
    """Whether the scripted object is of a class of MatPL."""
    return isinstance(root.value, Instance) and root.value.kind.startswith(_MODULE)


def read(root: Tree) -> Model:
    """The model of the scripted object tree.

    Raises
    ------
    ModelFileError
        If a value is missing or odd, or the model is no Deep Potential of MatPL.
    """
    typed = _has_type_embedding(root)
    numbers = _atomic_numbers(root)
    n = len(numbers)
    nets = root.branches("fitting_net")
    if len(nets) != n:
        root.reject("fitting_net", f"{n} nets", root.raw("fitting_net"))
    descriptor = _descriptor(root, numbers, typed)
    notes = {"elements": f"energies of runs that list all {n} elements"}
    if root.has("compress_tab"):
        notes["compressed"] = "its table is left aside for the nets it was made from"
    return Model(
        type_map=_symbols(numbers),
        descriptors=(descriptor,),
        fitting=tuple(_fitting_net(net) for net in nets),
        bias=np.zeros(n),
        provenance={"format": "TorchScript (.pt)", "trainer": "MatPL", **notes},
    )


def _has_type_embedding(root: Tree) -> bool:
    assert isinstance(root.value, Instance)
    name = root.value.kind.rpartition(".")[2]
    if name not in ("DP", "TypeDP"):
        raise ModelFileError(
            f"the MatPL model {name[:60]!a} is not supported, only its Deep "
            "Potential (DP); evaluate it with MatPL itself"
        )
    return name == "TypeDP"


def _atomic_numbers(root: Tree) -> list[int]:
    numbers = root.integers("atom_type")
    if len(set(numbers)) != len(numbers) or not all(
        1 <= z <= _MOST_ELEMENTS for z in numbers
    ):
        root.reject("atom_type", "distinct atomic numbers", numbers)
    return numbers


def _symbols(numbers: list[int]) -> tuple[str, ...]:
    from ase.data import chemical_symbols

    return tuple(chemical_symbols[z] for z in numbers)


def _descriptor(root: Tree, numbers: list[int], typed: bool) -> SeE2A:
    n, slots = len(numbers), root.integer("maxNeighborNum")
    if not 0 < slots <= _MOST_SLOTS:
        root.reject("maxNeighborNum", f"1 to {_MOST_SLOTS}", slots)
    sel = (slots,) * n
    nets = [_embedding_net(net) for net in root.branches("embedding_net")]
    rows = _typed_rows(root, nets, numbers) if typed else _rows(root, nets, n)
    return SeE2A(
        rcut=root.number("Rmax"),
        rcut_smth=root.number("Rmin"),
        sel=sel,
        axis_neuron=root.integer("M2"),
        davg=per_neighbour_type(root.array("davg"), sel, "davg"),
        dstd=per_neighbour_type(root.array("dstd"), sel, "dstd"),
        embedding=rows,
        normalisation=float(sum(sel)),
    )


def _rows(root: Tree, nets: list[Net], n: int) -> tuple[tuple[Net, ...], ...]:
    if len(nets) != n * n:
        root.reject("embedding_net", f"{n * n} nets", root.raw("embedding_net"))
    return tuple(tuple(nets[c * n : (c + 1) * n]) for c in range(n))


def _typed_rows(
    root: Tree, nets: list[Net], numbers: list[int]
) -> tuple[tuple[Net, ...], ...]:
    """One net for all pairs, which takes the properties of the neighbour as well."""
    if len(nets) != 1:
        raise ModelFileError(
            f"{root.where('embedding_net')}: a net for the type embedding itself is "
            "not supported; evaluate the model with MatPL itself"
        )
    properties = root.raw("type_vector")
    row = []
    for z in numbers:
        values = properties.get(z) if isinstance(properties, dict) else None
        if not isinstance(values, list) or not all(
            type(v) is float and np.isfinite(v) for v in values
        ):
            root.reject("type_vector", f"finite numbers of element {z}", values)
        row.append(fix_inputs(nets[0], 1, values))
    return (tuple(row),) * len(numbers)


def _embedding_net(net: Tree) -> Net:
    layers = []
    for part in net.branches("layers"):
        n_in, n_out = _weight(part).shape
        skip: Skip = "none"
        if n_out == n_in:
            skip = "identity"
        elif n_out == 2 * n_in:
            skip = "double"
        stepped = skip != "none" and net.flag("resnet_dt_flag")
        layers.append(_layer(net, part, "tanh", skip, stepped))
    with located(net.place):
        return Net(tuple(layers))


def _fitting_net(net: Tree) -> Net:
    *hidden, last = net.branches("layers")
    layers = []
    for k, part in enumerate(hidden):
        n_in, n_out = _weight(part).shape
        if k and n_in != n_out:
            part.reject("weight", "as many outputs as inputs", (n_in, n_out))
        layers.append(_layer(net, part, "tanh", "identity" if k else "none", k > 0))
    layers.append(_layer(net, last, "linear", "none", stepped=False))
    with located(net.place):
        return Net(tuple(layers))


def _layer(net: Tree, part: Tree, activation: str, skip: Skip, stepped: bool) -> Layer:
    weight = _weight(part)
    bias = part.optional_array("bias") if net.flag("bias_flag") else None
    if bias is None:
        bias = np.zeros(weight.shape[1], weight.dtype)
    idt = part.optional_array("resnet_dt") if stepped else None
    with located(part.place):
        return Layer(weight, bias, activation, idt, skip)


def _weight(part: Tree) -> AnyArray:
    weight = part.array("weight")
    if weight.ndim != 2:
        raise ModelFileError(
            f"{part.where('weight')}: expected a matrix, got shape {weight.shape}"
        )
    return weight
