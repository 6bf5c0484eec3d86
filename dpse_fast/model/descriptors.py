"""Two-body smooth descriptors: what a file says about one, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from ..array_types import Floats
from .families import SE_E2_A, SE_E2_R, Family
from .nets import Embedding, EmbeddingTable, Gated, Net, float_array, require

# A field that came later than digests of models: none has it at its default.
ADDED = {"added": True}

Rows = tuple[tuple[Embedding | None, ...], ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Descriptor:
    """What all families share.

    Parameters
    ----------
    rcut, rcut_smth : float
        Å, as the file states them.
    sel : (n_types,) int, or (1,) if `mixed`
        Neighbours of each type (of all types) kept, the nearest, and padded to.
    davg, dstd : (n_types, n_types, n_components)
        Of centre type and neighbour type; the row is (R − davg)/dstd.
    embedding : n_types rows of n_types
        ``embedding[centre][neighbour]``; None where the block is dropped
        as a whole, padding included. One-sided files repeat one object.
    normalisation : float
        What the sum over neighbours is divided by.
    excluded : pairs (centre, neighbour)
        Real pairs that are masked while they keep their slot; see `Family`.
    env_protection : float
        p of 1/(r + p) and d/(r + p)², Å.
    switch_float32 : bool
        The switch of r uses float32 rcut, rcut_smth and their difference (TF).
    mixed : bool
        Neighbours of all types share the slots of one ``sel`` (se_atten).
    padding : n_types embeddings, or empty
        Of an empty slot, by centre, where it is not that of the slot's type.
    list_size : int
        Neighbours of all types, the nearest, out of which ``sel`` then takes those
        of each type (deepmd-kit's PyTorch code); 0 for no such limit (TensorFlow).
    keeps_all : bool
        Every neighbour within the cutoff counts, however many ``sel`` states, and
        empty slots add nothing: programs that run on a graph of pairs.
    """

    rcut: float
    rcut_smth: float
    sel: tuple[int, ...]
    davg: Floats
    dstd: Floats
    embedding: Rows
    normalisation: float
    excluded: frozenset[tuple[int, int]] = frozenset()
    env_protection: float = 0.0
    switch_float32: bool = False
    mixed: bool = False
    padding: tuple[Embedding, ...] = ()
    list_size: int = 0
    keeps_all: bool = field(default=False, metadata=ADDED)

    family: ClassVar[Family]

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "sel", tuple(int(s) for s in self.sel))
        put(self, "switch_float32", bool(self.switch_float32))
        put(self, "mixed", bool(self.mixed))
        put(self, "list_size", int(self.list_size))
        put(self, "keeps_all", bool(self.keeps_all))
        for name in ("rcut", "rcut_smth", "normalisation", "env_protection"):
            put(self, name, float(getattr(self, name)))
        put(self, "embedding", tuple(tuple(row) for row in self.embedding))
        put(self, "padding", tuple(self.padding))
        put(self, "excluded", frozenset((int(c), int(t)) for c, t in self.excluded))
        n, width = len(self.embedding), self.n_components
        put(self, "davg", float_array(self.davg, (n, n, width), "davg"))
        put(self, "dstd", float_array(self.dstd, (n, n, width), "dstd"))
        self._check_numbers()
        self._check_embedding()

    def _check_numbers(self) -> None:
        require(
            np.isfinite([self.rcut, self.rcut_smth]).all()
            and 0 <= self.rcut_smth < self.rcut,
            f"rcut: expected 0 <= rcut_smth < rcut, got {self.rcut_smth}, {self.rcut}",
        )
        require(
            all(s >= 0 for s in self.sel) and sum(self.sel) > 0,
            f"sel: expected counts with a positive sum, got {self.sel}",
        )
        expected = 1 if self.mixed else self.n_types
        require(
            len(self.sel) == expected,
            f"sel: expected {expected} counts, got {len(self.sel)}: {self.sel}",
        )
        require(
            self.list_size == 0 or self.list_size >= self.n_slots,
            f"list_size: expected 0 or at least {self.n_slots}, got {self.list_size}",
        )
        require(
            not (self.keeps_all and self.list_size),
            f"list_size: expected 0 where all neighbours count, got {self.list_size}",
        )
        require(
            not self.mixed
            or all((a == a[:, :1]).all() for a in (self.davg, self.dstd)),
            "davg, dstd: expected the same for all neighbour types, which share slots",
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
        for pair in self.excluded:
            require(
                all(0 <= t < self.n_types for t in pair),
                f"excluded: no such type pair {pair}",
            )

    def _check_embedding(self) -> None:
        n = self.n_types
        require(
            all(len(row) == n for row in self.embedding),
            f"embedding: expected {n} rows of {n} nets",
        )
        require(
            len(self.padding) in (0, n),
            f"padding: expected {n} embeddings or none, got {len(self.padding)}",
        )
        require(
            not self.mixed
            or self.padding
            or self.keeps_all
            or not np.any(self.davg[..., 0]),
            "padding: slots that all types share need it where davg is not zero",
        )
        nets = [*self.distinct_embeddings(), *self.padding]
        widths = sorted({net.n_out for net in nets})
        require(
            bool(widths),
            "embedding: no pair of types has a net, as where all are in exclude_types; "
            "train with fewer exclusions",
        )
        require(len(widths) == 1, f"embedding: nets of several widths {widths}")
        for net in nets:
            require(
                not isinstance(net, Net) or net.n_in == 1,
                f"embedding: expected nets of one input, got {getattr(net, 'n_in', 0)}",
            )

    @property
    def kind(self) -> str:
        """Of the family, as in our model files."""
        return self.family.kind

    @property
    def n_components(self) -> int:
        """Of a row R."""
        return self.family.n_components

    @property
    def n_axis(self) -> int:
        """Channels that the second index of D runs over; 0: D has one index."""
        return 0

    @property
    def n_out(self) -> int:
        """Length of D."""
        return self.width * max(self.n_axis, 1)

    @property
    def adding_nothing(self) -> frozenset[tuple[int, int]]:
        """The excluded pairs of which nothing is left in the sum."""
        return self.excluded if self.family.excluded_pair == "nothing" else frozenset()

    def empty_weight(self, x: float) -> float:
        """What G(x) of an empty slot is multiplied with."""
        return x if self.family.empty_slot == "G(x) x" else 1.0

    def distinct_embeddings(self) -> list[Embedding]:
        """Every embedding once, in the order of centres and neighbours."""
        found = {id(g): g for row in self.embedding for g in row if g is not None}
        return list(found.values())

    @property
    def n_types(self) -> int:
        return len(self.embedding)

    @property
    def n_slots(self) -> int:
        return sum(self.sel)

    @property
    def slot_group(self) -> tuple[int, ...]:
        """Which entry of ``sel`` neighbours of each type share."""
        return (0,) * self.n_types if self.mixed else tuple(range(self.n_types))

    @property
    def width(self) -> int:
        """M, the number of embedding channels."""
        return next(g.n_out for row in self.embedding for g in row if g is not None)

    @property
    def compressed(self) -> bool:
        """Whether the file has tables in place of embedding nets."""
        found = self.distinct_embeddings()
        radial = [g.radial if isinstance(g, Gated) else g for g in found]
        return any(isinstance(g, EmbeddingTable) for g in radial)

    @property
    def one_sided(self) -> bool:
        """Whether the embedding depends on the neighbour's type alone."""
        return all(
            row[t] is self.embedding[0][t]
            for row in self.embedding
            for t in range(self.n_types)
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class SeE2A(Descriptor):
    """The two-body smooth descriptor with angular information.

    T = Σ_j G(R̂_0) ⊗ R̂ / normalisation, D = T Tᵀ[:, :axis_neuron]. An excluded
    pair adds nothing. Holds ``se_e2_a``, with a type embedding too, and
    ``se_atten`` without attention layers.

    Parameters
    ----------
    axis_neuron : int
    """

    axis_neuron: int
    family = SE_E2_A

    def __post_init__(self) -> None:
        object.__setattr__(self, "axis_neuron", int(self.axis_neuron))
        super().__post_init__()
        anisotropic = (
            np.any(self.davg[..., 1:]) or np.ptp(self.dstd[..., 1:], axis=-1).any()
        )
        require(
            not anisotropic,
            "davg, dstd: the statistics of x, y and z must have no mean and one "
            "deviation, or the model would not be invariant under rotation",
        )
        require(
            1 <= self.axis_neuron <= self.width,
            f"axis_neuron: expected 1 to {self.width}, got {self.axis_neuron}",
        )

    @property
    def n_axis(self) -> int:
        """D is ordered (channel, axis): D[m·axis + a] = (T Tᵀ)[m, a]."""
        return self.axis_neuron


@dataclass(frozen=True, eq=False, kw_only=True)
class SeE2R(Descriptor):
    """The two-body smooth descriptor with radial information only (``se_e2_r``).

    D = Σ_j G(R̂_0) / normalisation over all slots, empty ones included. An
    excluded pair adds G(0).
    """

    family = SE_E2_R

    def __post_init__(self) -> None:
        super().__post_init__()
        require(not self.mixed, "mixed: se_e2_r has slots of each type")
