"""Small models with random weights, and structures to evaluate them on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dpse_fast.model import (
    Descriptor,
    Embedding,
    Gated,
    Layer,
    Model,
    Net,
    PairTable,
    Parameters,
    SeE2A,
    SeE2R,
    Skip,
)

Array = NDArray[np.float64]
Kind = Literal["se_e2_a", "se_e2_r"]
SYMBOLS = ("O", "H", "Cu", "Mo")


def random_net(
    rng: np.random.Generator,
    widths: tuple[int, ...],
    activation: str = "tanh",
    idt: bool = False,
    linear_last: bool = False,
    dtype: Any = np.float64,
) -> Net:
    """A net n_in → widths[1] → … with skips wherever the widths allow one."""
    layers = []
    for depth, (n_in, n_out) in enumerate(pairwise(widths)):
        last = linear_last and depth == len(widths) - 2
        ratio = 0 if last else n_out / n_in
        skip: Skip = "identity" if ratio == 1 else "double" if ratio == 2 else "none"
        layers.append(
            Layer(
                (rng.normal(size=(n_in, n_out)) / np.sqrt(n_in)).astype(dtype),
                (0.3 * rng.normal(size=n_out)).astype(dtype),
                "linear" if last else activation,
                rng.uniform(0.1, 0.6, n_out).astype(dtype)
                if idt and not last
                else None,
                skip,
            )
        )
    return Net(tuple(layers))


def random_model(
    n_types: int = 2,
    *,
    seed: int = 0,
    kind: Kind = "se_e2_a",
    one_sided: bool = False,
    embedding: tuple[int, ...] = (5, 10, 20),
    axis: int = 3,
    fitting: tuple[int, ...] = (12, 12, 24),
    activation: str = "tanh",
    idt: bool = False,
    mean: float = 0.12,
    sel: tuple[int, ...] | None = None,
    rcut: float = 4.3,
    rcut_smth: float = 1.8,
    dropped: frozenset[tuple[int, int]] = frozenset(),
    dtype: Any = np.float64,
    mixed: bool = False,
    gated: Literal["smooth", "cubic", "plain"] | None = None,
    hybrid: tuple[Mapping[str, Any], ...] = (),
    fparam: int = 0,
    aparam: int = 0,
    defaults: bool = False,
    vacuum: bool = False,
    emptied: frozenset[tuple[int, int]] = frozenset(),
    pair_table: bool = False,
    table_excluded: frozenset[tuple[int, int]] = frozenset(),
    table_sel: tuple[int, ...] = (),
    silent: tuple[int, ...] = (),
    **descriptor: Any,
) -> Model:
    """A model whose forces are of the order of 1 eV/Å.

    Parameters
    ----------
    mixed : all types share the slots; with a mean, empty ones get their own net
    gated : one embedding times type gates, which fade if "smooth" or "cubic"
    hybrid : keywords of `random_descriptor` for each further descriptor
    fparam, aparam : how many parameters; `defaults` gives the frame's a default
    vacuum : takes off the energy without neighbours (needs parameters)
    silent : types without energy (scale 0)
    """
    rng = np.random.default_rng(seed)
    common = {
        "kind": kind,
        "one_sided": one_sided,
        "embedding": embedding,
        "axis": axis,
        "activation": activation,
        "idt": idt,
        "mean": mean,
        "sel": sel,
        "rcut": rcut,
        "rcut_smth": rcut_smth,
        "dropped": dropped,
        "dtype": dtype,
        "mixed": mixed,
        "gated": gated,
        **descriptor,
    }
    descriptors = [random_descriptor(rng, n_types, **common)]
    n_in = descriptors[0].n_out + fparam + aparam
    # Further descriptors have numbers of their own, so that options change no others.
    for further in hybrid:
        own = np.random.default_rng([seed, len(descriptors)])
        chosen = common | {"sel": None} | dict(further)
        descriptors.append(random_descriptor(own, n_types, **chosen))
        n_in += descriptors[-1].n_out
    nets = tuple(
        random_net(
            rng, (n_in, *fitting, 1), activation, idt, linear_last=True, dtype=dtype
        )
        for _ in range(n_types)
    )
    bias = rng.normal(size=n_types)
    scale = rng.uniform(0.5, 1.5, n_types)
    scale[list(silent)] = 0
    n_descriptor = n_in - fparam - aparam
    return Model(
        type_map=SYMBOLS[:n_types],
        descriptors=tuple(descriptors),
        fitting=nets,
        bias=bias,
        scale=scale,
        fparam=_random_parameters(rng, fparam, defaults),
        aparam=_random_parameters(rng, aparam, False),
        vacuum=tuple(_without_descriptor(net, n_descriptor) for net in nets)
        if vacuum
        else (),
        emptied=emptied,
        pair_table=replace(
            random_pair_table(n_types, seed), excluded=table_excluded, sel=table_sel
        )
        if pair_table
        else None,
        min_distance=0.9,
    )


def random_descriptor(
    rng: np.random.Generator,
    n_types: int,
    *,
    kind: Kind,
    one_sided: bool,
    embedding: tuple[int, ...],
    axis: int,
    activation: str,
    idt: bool,
    mean: float,
    sel: tuple[int, ...] | None,
    rcut: float,
    rcut_smth: float,
    dropped: frozenset[tuple[int, int]],
    dtype: Any,
    mixed: bool,
    gated: Literal["smooth", "cubic", "plain"] | None,
    **fields: Any,
) -> Descriptor:
    """A descriptor for `random_model`, which says what the options are."""
    shape = (n_types, n_types)

    def net() -> Net:
        return random_net(rng, (1, *embedding), activation, idt, dtype=dtype)

    radial = net() if gated else None

    def embedding_net() -> Embedding:
        if radial is None:
            return net()
        gate = rng.normal(size=embedding[-1]).astype(dtype)
        return Gated(radial, gate, gated != "plain", gated == "cubic")

    column = [embedding_net() for _ in range(n_types)]
    nets = [
        [column[t] if one_sided else embedding_net() for t in range(n_types)]
        for _ in range(n_types)
    ]
    davg, dstd = np.zeros((*shape, 4)), np.empty((*shape, 4))
    davg[..., 0] = mean * rng.uniform(0.5, 1.5, (n_types, 1))
    dstd[..., 0] = 0.2 * rng.uniform(0.8, 1.2, (n_types, 1))
    dstd[..., 1:] = 0.15 * rng.uniform(0.8, 1.2, (n_types, 1, 1))
    default = (70 * n_types,) if mixed else tuple(60 + 10 * t for t in range(n_types))
    sel = sel or default
    fields |= {
        "rcut": rcut,
        "rcut_smth": rcut_smth,
        "sel": sel,
        "embedding": tuple(
            tuple(None if (c, t) in dropped else net for t, net in enumerate(row))
            for c, row in enumerate(nets)
        ),
        "normalisation": 0.25 * sum(sel),
        "mixed": mixed,
    }
    if mixed and mean:
        smooth = radial is not None and gated != "plain"
        fields["padding"] = tuple(
            radial if smooth else embedding_net() for _ in range(n_types)
        )
    if kind == "se_e2_r":
        return SeE2R(davg=davg[..., :1], dstd=dstd[..., :1], **fields)
    return SeE2A(davg=davg, dstd=dstd, axis_neuron=axis, **fields)


def _random_parameters(
    rng: np.random.Generator, n: int, default: bool
) -> Parameters | None:
    if not n:
        return None
    values = rng.normal(size=n) if default else None
    return Parameters(rng.normal(size=n), rng.uniform(0.5, 2.0, n), values)


def _without_descriptor(net: Net, n_descriptor: int) -> Net:
    first = net.layers[0]
    assert first.skip == "none"
    free = replace(first, weight=first.weight[n_descriptor:])
    return Net((free, *net.layers[1:]))


def random_pair_table(n_types: int, seed: int = 0) -> PairTable:
    """Repulsion (end - r)³ up to 3 Å that takes over from 1.9 Å inwards."""
    rng = np.random.default_rng([seed, 99])
    start, step, rows = 0.5, 0.125, 20
    strength = rng.uniform(0.3, 1.0, (n_types, n_types))
    left = step * np.arange(rows, 0, -1)
    cubic = np.stack(
        [left**3, -3 * left**2 * step, 3 * left * step**2, np.full(rows, -(step**3))],
        axis=-1,
    )
    coefficients = (strength + strength.T)[..., None, None] * cubic
    return PairTable(
        start=start,
        step=step,
        coefficients=coefficients,
        rcut=4.0,
        switch_rcut=4.1,
        inner=1.0,
        width=0.9,
        alpha=0.2,
        bias=rng.normal(size=n_types),
    )


class Structure(NamedTuple):
    """Arguments of ``compute``."""

    positions: Array
    types: NDArray[np.int64]
    cell: Array | None
    pbc: tuple[bool, bool, bool]


def random_structure(
    kind: str, n_types: int = 2, seed: int = 1, n_atoms: int | None = None
) -> Structure:
    """Atoms at least 0.95 Å apart, some of them outside their cell.

    Kinds: cubic, triclinic, tiny (a cell far below the cutoff), thin, slab
    (periodic along two axes), wire (periodic along b), open.
    """
    rng = np.random.default_rng(seed)
    cells: dict[str, Any] = {
        "cubic": (8.7 * np.eye(3), 34),
        "triclinic": ([[7.9, 0, 0], [2.6, 7.2, 0], [-1.9, 2.8, 8.4]], 30),
        "tiny": ([[2.1, 0, 0], [0.5, 2.3, 0], [0.3, -0.4, 2.6]], 3),
        "thin": ([[11.0, 0, 0], [0, 2.4, 0], [1.0, 0, 9.5]], 16),
        "slab": ([[7.0, 1.5, 0], [0, 6.5, 0], [0, 0, 9.0]], 26),
        "wire": ([[9.0, 0, 0], [2.0, 5.5, 1.0], [0, 0, 9.0]], 20),
        "open": (9.0 * np.eye(3), 28),
    }
    cell, n = np.array(cells[kind][0], float), n_atoms or cells[kind][1]
    pbc = {"slab": (True, True, False), "wire": (False, True, False)}.get(
        kind, (kind != "open",) * 3
    )
    shifts = np.array(np.meshgrid(*[[-1, 0, 1]] * 3)).reshape(3, -1).T * pbc @ cell
    placed: list[Array] = []
    while len(placed) < n:
        x = rng.uniform(size=3) @ cell
        d = (np.array(placed or [[1e3] * 3]) - x)[:, None] + shifts
        if np.linalg.norm(d, axis=-1).min() > 0.95:
            placed.append(x)
    wander = rng.integers(-2, 3, (n, 3)) * pbc
    positions = np.array(placed) + wander @ cell
    types = np.arange(n) % n_types
    return Structure(positions, types, None if kind == "open" else cell, pbc)


KINDS = ("cubic", "triclinic", "tiny", "thin", "slab", "wire", "open")
