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

from .nets import (
    Array,
    Embedding,
    EmbeddingTable,
    Layer,
    Net,
    Skip,
    float_array,
    require,
)

__all__ = [
    "Embedding",
    "EmbeddingTable",
    "Layer",
    "Model",
    "Net",
    "SeE2A",
    "Skip",
    "unnamed_types",
]

UNKNOWN_TYPE_PREFIX = "type_"


@dataclass(frozen=True, eq=False)
class SeE2A:
    """The two-body smooth descriptor with angular information (``se_e2_a``).

    Parameters
    ----------
    rcut, rcut_smth : float
        Å, as the file states them.
    sel : (n_types,) int
        Neighbours of each type kept (the nearest), and padded to.
    axis_neuron : int
    davg, dstd : (n_types, n_types, 4)
        Of centre type and neighbour type; the row is (R − davg)/dstd.
    embedding : n_types rows of n_types
        ``embedding[centre][neighbour]``; None where the block is dropped
        as a whole, padding included. One-sided files repeat one object.
    normalisation : float
        N of T = GᵀR/N: the sum of ``original_sel`` where the file has it.
    excluded : pairs (centre, neighbour)
        Real pairs that count as zero while the padding still counts (v3).
    env_protection : float
        p of 1/(r + p) and d/(r + p)², Å.
    switch_float32 : bool
        The switch of r uses float32 rcut, rcut_smth and their difference (TF).
    """

    rcut: float
    rcut_smth: float
    sel: tuple[int, ...]
    axis_neuron: int
    davg: Array
    dstd: Array
    embedding: tuple[tuple[Embedding | None, ...], ...]
    normalisation: float
    excluded: frozenset[tuple[int, int]] = frozenset()
    env_protection: float = 0.0
    switch_float32: bool = False

    def __post_init__(self) -> None:
        put = object.__setattr__
        n = len(self.sel)
        put(self, "sel", tuple(int(s) for s in self.sel))
        put(self, "axis_neuron", int(self.axis_neuron))
        put(self, "switch_float32", bool(self.switch_float32))
        for name in ("rcut", "rcut_smth", "normalisation", "env_protection"):
            put(self, name, float(getattr(self, name)))
        put(self, "embedding", tuple(tuple(row) for row in self.embedding))
        put(self, "excluded", frozenset((int(c), int(t)) for c, t in self.excluded))
        put(self, "davg", float_array(self.davg, (n, n, 4), "davg"))
        put(self, "dstd", float_array(self.dstd, (n, n, 4), "dstd"))
        require(
            np.isfinite([self.rcut, self.rcut_smth]).all()
            and 0 <= self.rcut_smth < self.rcut,
            f"rcut: expected 0 <= rcut_smth < rcut, got {self.rcut_smth}, {self.rcut}",
        )
        require(
            all(s >= 0 for s in self.sel) and sum(self.sel) > 0,
            f"sel: expected counts with a positive sum, got {self.sel}",
        )
        require(
            np.isfinite(self.normalisation) and self.normalisation > 0,
            f"normalisation: expected a positive number, got {self.normalisation}",
        )
        require(
            np.isfinite(self.env_protection) and self.env_protection >= 0,
            f"env_protection: expected a number >= 0, got {self.env_protection}",
        )
        require((self.dstd != 0).all(), "dstd: holds zeros")
        anisotropic = (
            np.any(self.davg[..., 1:]) or np.ptp(self.dstd[..., 1:], axis=-1).any()
        )
        require(
            not anisotropic,
            "davg, dstd: the statistics of x, y and z must have no mean and one "
            "deviation, or the model would not be invariant under rotation",
        )
        require(
            len(self.embedding) == n and all(len(row) == n for row in self.embedding),
            f"embedding: expected {n} rows of {n} nets",
        )
        nets = [net for row in self.embedding for net in row if net is not None]
        widths = sorted({net.n_out for net in nets})
        require(len(widths) == 1, f"embedding: nets of several widths {widths}")
        for net in nets:
            require(
                not isinstance(net, Net) or net.n_in == 1,
                f"embedding: expected nets of one input, got {getattr(net, 'n_in', 0)}",
            )
        require(
            1 <= self.axis_neuron <= widths[0],
            f"axis_neuron: expected 1 to {widths[0]}, got {self.axis_neuron}",
        )
        for pair in self.excluded:
            require(
                all(0 <= t < n for t in pair), f"excluded: no such type pair {pair}"
            )

    @property
    def n_types(self) -> int:
        return len(self.sel)

    @property
    def width(self) -> int:
        """M, the number of embedding channels."""
        return next(g.n_out for row in self.embedding for g in row if g is not None)

    @property
    def n_out(self) -> int:
        """Length of D, ordered (channel, axis): D[m·axis + a] = (T Tᵀ)[m, a]."""
        return self.width * self.axis_neuron

    @property
    def one_sided(self) -> bool:
        """Whether the embedding depends on the neighbour's type alone."""
        return all(
            row[t] is self.embedding[0][t]
            for row in self.embedding
            for t in range(self.n_types)
        )


@dataclass(frozen=True, eq=False)
class Model:
    """A Deep Potential energy model.

    E_i = fitting[type_i](D_i)·scale[type_i] + bias[type_i].

    Parameters
    ----------
    type_map : element symbols (or names), one a type
    descriptor : SeE2A
    fitting : one Net a type
    bias : (n_types,) eV
        All constant energies of the file: bias_atom_e, out_bias, atom_ener.
    scale : (n_types,), ones if left out
        TensorFlow's ``out_std``; deepmd-kit's other backends do not apply theirs.
    min_distance : float or None
        Shortest pair distance of the training data, Å.
    provenance : mapping of str to str
        ``format``, ``version``, ``trainer``, ``description``…: shown by
        ``info``, kept by ``convert``, without effect on the energy.
    """

    type_map: tuple[str, ...]
    descriptor: SeE2A
    fitting: tuple[Net, ...]
    bias: Array
    scale: Array = None  # type: ignore[assignment]
    min_distance: float | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "type_map", tuple(str(t) for t in self.type_map))
        put(self, "fitting", tuple(self.fitting))
        n = self.descriptor.n_types
        put(self, "bias", float_array(self.bias, (n,), "bias"))
        scale = np.ones(n) if self.scale is None else self.scale
        put(self, "scale", float_array(scale, (n,), "scale"))
        put(
            self,
            "provenance",
            {str(k): str(v) for k, v in sorted(self.provenance.items())},
        )
        require(
            len(self.type_map) == n,
            f"type_map: expected {n} names, got {len(self.type_map)}: {self.type_map}",
        )
        require(
            len(set(self.type_map)) == n and all(self.type_map),
            f"type_map: expected distinct names, got {self.type_map}",
        )
        require(
            len(self.fitting) == n,
            f"fitting: expected {n} nets, got {len(self.fitting)}",
        )
        for t, net in enumerate(self.fitting):
            require(
                net.n_in == self.descriptor.n_out and net.n_out == 1,
                f"fitting: net of type {t} maps {net.n_in} to {net.n_out} values, "
                f"expected {self.descriptor.n_out} to 1",
            )
        if self.min_distance is not None:
            require(
                np.isfinite(self.min_distance) and self.min_distance >= 0,
                f"min_distance: expected a number >= 0, got {self.min_distance}",
            )

    @property
    def n_types(self) -> int:
        return self.descriptor.n_types

    @property
    def dtype(self) -> np.dtype[Any]:
        """The precision of the file's weights."""
        return np.result_type(*(net.dtype for net in self.fitting))

    @property
    def n_parameters(self) -> int:
        """Numbers in all nets and tables, shared ones counted once."""
        return sum(_sizes(net) for net in {id(n): n for n in _nets(self)}.values())

    def digest(self) -> str:
        """SHA-256 of everything that determines the energy (not provenance)."""
        stamp = hashlib.sha256()
        _update(stamp, [getattr(self, f.name) for f in fields(self)[:-1]])
        return stamp.hexdigest()


def unnamed_types(n: int) -> tuple[str, ...]:
    """Placeholders for a file whose type map is empty: type_0, type_1, …"""
    return tuple(f"{UNKNOWN_TYPE_PREFIX}{t}" for t in range(n))


def _nets(model: Model) -> list[Any]:
    embedding = [g for row in model.descriptor.embedding for g in row if g is not None]
    return [*embedding, *model.fitting]


def _sizes(item: Any) -> int:
    if isinstance(item, np.ndarray):
        return item.size
    if is_dataclass(item):
        return sum(_sizes(getattr(item, f.name)) for f in fields(item))
    return sum(_sizes(part) for part in item) if isinstance(item, tuple) else 0


def _update(stamp: Any, item: Any) -> None:
    if isinstance(item, np.ndarray):
        stamp.update(f"{item.dtype.str}{item.shape}".encode())
        stamp.update(np.ascontiguousarray(item).tobytes())
    elif is_dataclass(item):
        stamp.update(type(item).__name__.encode())
        for f in fields(item):
            _update(stamp, getattr(item, f.name))
    elif isinstance(item, frozenset):
        _update(stamp, sorted(item))
    elif isinstance(item, tuple | list):
        stamp.update(f"[{len(item)}".encode())
        for part in item:
            _update(stamp, part)
    else:
        stamp.update(json.dumps(item).encode())
