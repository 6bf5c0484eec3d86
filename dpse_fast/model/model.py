"""The one representation of a Deep Potential model, whatever file it came from.

Everything is a frozen dataclass of NumPy arrays. Lengths are in Å, energies in
eV.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

from ..array_types import Floats
from ..errors import InputError
from .descriptors import ADDED, Descriptor
from .nets import (
    Net,
    float_array,
    require,
)
from .pair_table import PairTable
from .type_embedding import TypeEmbedding

UNKNOWN_TYPE_PREFIX = "type_"
# Fields that nets already contain, or that only describe: not a part of the digest.
WITHOUT_EFFECT = {"without_effect": True}
LONGEST_CUTOFF = 1e6  # Å; a longer one is damage, and its cube no number


@dataclass(frozen=True, eq=False)
class Parameters:
    """Inputs of the fitting nets besides the descriptor: (value − mean)·scale.

    Parameters
    ----------
    mean, scale : (k,)
    default : (k,) values for a caller who gives none, or None
    """

    mean: Floats
    scale: Floats
    default: Floats | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        n = np.size(self.mean)
        require(n, "parameters: expected at least one")
        for name in ("mean", "scale", "default"):
            value = getattr(self, name)
            if value is not None:
                flat = np.reshape(value, -1)
                put(self, name, float_array(flat, (n,), f"parameters {name}"))

    @property
    def count(self) -> int:
        return int(self.mean.size)


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """A Deep Potential energy model.

    E_i = (fitting[type_i](x_i) − vacuum[type_i](p_i))·scale[type_i] + bias[type_i],
    x_i = (D_i of each descriptor, p_i), p_i = (frame, atomic parameters).

    Parameters
    ----------
    type_map : element symbols (or names), one a type
    descriptors : a hybrid model has several
    fitting : one Net a type
    bias : (n_types,) eV
        All constant energies of the file: bias_atom_e, out_bias, atom_ener.
    scale : (n_types,), ones if left out
        TensorFlow's ``out_std``; deepmd-kit's other backends do not apply theirs.
        Zero for types whose energy the model leaves out.
    fparam, aparam : Parameters or None
        Of the frame and of each atom.
    vacuum : one Net or None a type; empty for none
        The fitting net without a neighbour as a function of the parameters, where
        ``atom_ener`` takes it off. Without parameters it is a part of `bias`.
    emptied : pairs (centre, neighbour)
        Real pairs that count as empty slots in every descriptor
        (``pair_exclude_types``); the pair table has its own.
    pair_table : PairTable or None
    min_distance : float or None
        Shortest pair distance of the training data, Å.
    type_embeddings : of deepmd-kit's networks for types, in the order of the file
        The nets here already contain what they take of them.
    provenance : mapping of str to str
        ``format``, ``version``, ``trainer``, ``description``…: shown by
        ``info``, kept by ``convert``, without effect on the energy.
    """

    type_map: tuple[str, ...]
    descriptors: tuple[Descriptor, ...]
    fitting: tuple[Net, ...]
    bias: Floats
    scale: Floats = None  # type: ignore[assignment]
    fparam: Parameters | None = None
    aparam: Parameters | None = None
    vacuum: tuple[Net | None, ...] = ()
    emptied: frozenset[tuple[int, int]] = frozenset()
    pair_table: PairTable | None = None
    min_distance: float | None = None
    type_embeddings: tuple[TypeEmbedding, ...] = field(
        default=(), metadata=WITHOUT_EFFECT
    )
    provenance: Mapping[str, str] = field(default_factory=dict, metadata=WITHOUT_EFFECT)

    def __post_init__(self) -> None:
        put = object.__setattr__
        tuples = ("type_map", "descriptors", "fitting", "vacuum", "type_embeddings")
        for name in tuples:
            put(self, name, tuple(getattr(self, name)))
        put(self, "type_map", tuple(str(t) for t in self.type_map))
        put(self, "emptied", frozenset((int(c), int(t)) for c, t in self.emptied))
        require(self.descriptors, "descriptors: expected at least one")
        n = self.descriptors[0].n_types
        put(self, "bias", float_array(self.bias, (n,), "bias"))
        scale = np.ones(n) if self.scale is None else self.scale
        put(self, "scale", float_array(scale, (n,), "scale"))
        put(
            self,
            "provenance",
            {str(k): str(v) for k, v in sorted(self.provenance.items())},
        )
        self._check_types(n)
        self._check_nets(n)
        require(
            self.rcut <= LONGEST_CUTOFF,
            f"rcut: expected at most {LONGEST_CUTOFF:g} Å, got {self.rcut:g}",
        )
        if self.min_distance is not None:
            put(self, "min_distance", float(self.min_distance))
            require(
                np.isfinite(self.min_distance) and self.min_distance >= 0,
                f"min_distance: expected a number >= 0, got {self.min_distance}",
            )

    def _check_types(self, n: int) -> None:
        require(
            len(self.type_map) == n,
            f"type_map: expected {n} names, got {len(self.type_map)}: {self.type_map}",
        )
        require(
            len(set(self.type_map)) == n and all(self.type_map),
            f"type_map: expected distinct names, got {self.type_map}",
        )
        for part in (*self.descriptors, self.pair_table):
            require(
                part is None or part.n_types == n,
                f"descriptors: expected {n} types in each, got "
                f"{part.n_types if part else 0}",
            )
        for found in self.type_embeddings:
            require(
                len(found.vectors) == n and found.behind < len(self.descriptors),
                f"type_embeddings: expected {n} vectors behind one of "
                f"{len(self.descriptors)} descriptors, got {len(found.vectors)} behind "
                f"number {found.behind}",
            )
        for pair in self.emptied:
            require(all(0 <= t < n for t in pair), f"emptied: no such type pair {pair}")

    def _check_nets(self, n: int) -> None:
        require(
            len(self.fitting) == n,
            f"fitting: expected {n} nets, got {len(self.fitting)}",
        )
        require(
            len(self.vacuum) in (0, n),
            f"vacuum: expected {n} nets or none, got {len(self.vacuum)}",
        )
        n_in = self.n_descriptor + self.n_parameters
        for name, nets, width in (
            ("fitting", self.fitting, n_in),
            ("vacuum", self.vacuum, self.n_parameters),
        ):
            for t, net in enumerate(nets):
                require(
                    net is None or (net.n_in == width and net.n_out == 1),
                    f"{name}: net of type {t} maps {net and net.n_in} to "
                    f"{net and net.n_out} values, expected {width} to 1",
                )

    @property
    def n_types(self) -> int:
        return self.descriptors[0].n_types

    @property
    def rcut(self) -> float:
        """The longest distance at which atoms act on each other, Å."""
        reach = [d.rcut for d in self.descriptors]
        if self.pair_table is not None:
            reach += [self.pair_table.end, self.pair_table.switch_rcut]
        return max(reach)

    @property
    def n_descriptor(self) -> int:
        """Length of the descriptors of one atom, side by side."""
        return sum(d.n_out for d in self.descriptors)

    @property
    def n_features(self) -> int:
        """Length of the descriptors of one atom in deepmd-kit.

        With the vectors of the types that it puts behind some of them.
        """
        behind = [e.width for e in self.type_embeddings if e.behind >= 0]
        return self.n_descriptor + sum(behind)

    def last_layer_width(self) -> int:
        """W, what the last layer of the fitting nets takes.

        Raises
        ------
        InputError
            If the nets of the types differ in it, or have no hidden layer.
        """
        widths = sorted({net.layers[-1].n_in for net in self.fitting})
        if any(len(net.layers) == 1 for net in self.fitting):
            raise InputError(
                "last_layer: expected fitting nets with a hidden layer, the model has "
                "one layer only; ask for the descriptors alone"
            )
        if len(widths) > 1:
            raise InputError(
                "last_layer: expected fitting nets of one width, those of the model's "
                f"types have {', '.join(map(str, widths))}; ask for the descriptors "
                "alone"
            )
        return widths[0]

    @property
    def n_parameters(self) -> int:
        """Frame and atomic parameters that an atom's fitting net takes."""
        return sum(p.count for p in (self.fparam, self.aparam) if p is not None)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision of the file's weights."""
        return np.result_type(*(net.dtype for net in self.fitting))

    @property
    def n_weights(self) -> int:
        """Numbers in all nets and tables, shared ones counted once."""
        return sum(self.weights_of_parts().values())

    def weights_of_parts(self) -> dict[str, int]:
        """The same for descriptor, fitting_net and, if there is one, pair_table.

        What parts share counts for the first one.
        """
        arrays: dict[int, int] = {}
        found: dict[str, int] = {}
        for name, part in (
            ("descriptor", self.descriptors),
            ("fitting_net", self.fitting),
            ("pair_table", self.pair_table),
        ):
            before = sum(arrays.values())
            _count(part, arrays)
            if part is not None:
                found[name] = sum(arrays.values()) - before
        return found

    def digest(self) -> str:
        """SHA-256 of everything that determines the energy (not provenance)."""
        stamp = hashlib.sha256()
        counted = [f.name for f in fields(self) if dict(f.metadata) != WITHOUT_EFFECT]
        _update(stamp, [getattr(self, name) for name in counted])
        return stamp.hexdigest()


def unnamed_types(n: int) -> tuple[str, ...]:
    """Placeholders for a file whose type map is empty: type_0, type_1, …"""
    return tuple(f"{UNKNOWN_TYPE_PREFIX}{t}" for t in range(n))


def _count(item: Any, arrays: dict[int, int]) -> None:
    """Add the size of every array in an item, by the memory that it shows."""
    if isinstance(item, np.ndarray):
        arrays[item.__array_interface__["data"][0]] = item.size
    elif is_dataclass(item):
        for f in fields(item):
            if f.name not in ("davg", "dstd"):
                _count(getattr(item, f.name), arrays)
    elif isinstance(item, tuple):
        for part in item:
            _count(part, arrays)


def _update(stamp: Any, item: Any) -> None:
    if isinstance(item, np.ndarray):
        stamp.update(f"{item.dtype.str}{item.shape}".encode())
        stamp.update(np.ascontiguousarray(item).tobytes())
    elif is_dataclass(item):
        stamp.update(type(item).__name__.encode())
        for f in fields(item):
            value = getattr(item, f.name)
            if dict(f.metadata) != ADDED or value != f.default:
                _update(stamp, value)
    elif isinstance(item, frozenset):
        _update(stamp, sorted(item))
    elif isinstance(item, tuple | list):
        stamp.update(f"[{len(item)}".encode())
        for part in item:
            _update(stamp, part)
    else:
        stamp.update(json.dumps(item).encode())
