"""Small models with random weights, and structures to evaluate them on."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dpse_fast.model import Layer, Model, Net, SeE2A, Skip

Array = NDArray[np.float64]
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
    **descriptor: Any,
) -> Model:
    """A model whose forces are of the order of 1 eV/Å."""
    rng = np.random.default_rng(seed)
    shape = (n_types, n_types)

    def embedding_net() -> Net:
        return random_net(rng, (1, *embedding), activation, idt, dtype=dtype)

    column = [embedding_net() for _ in range(n_types)]
    nets = [
        [column[t] if one_sided else embedding_net() for t in range(n_types)]
        for _ in range(n_types)
    ]
    davg, dstd = np.zeros((*shape, 4)), np.empty((*shape, 4))
    davg[..., 0] = mean * rng.uniform(0.5, 1.5, (n_types, 1))
    dstd[..., 0] = 0.2 * rng.uniform(0.8, 1.2, (n_types, 1))
    dstd[..., 1:] = 0.15 * rng.uniform(0.8, 1.2, (n_types, 1, 1))
    sel = sel or tuple(60 + 10 * t for t in range(n_types))
    return Model(
        type_map=SYMBOLS[:n_types],
        descriptor=SeE2A(
            rcut=rcut,
            rcut_smth=rcut_smth,
            sel=sel,
            axis_neuron=axis,
            davg=davg,
            dstd=dstd,
            embedding=tuple(
                tuple(None if (c, t) in dropped else net for t, net in enumerate(row))
                for c, row in enumerate(nets)
            ),
            normalisation=0.25 * sum(sel),
            **descriptor,
        ),
        fitting=tuple(
            random_net(
                rng,
                (embedding[-1] * axis, *fitting, 1),
                activation,
                idt,
                linear_last=True,
                dtype=dtype,
            )
            for _ in range(n_types)
        ),
        bias=rng.normal(size=n_types),
        scale=rng.uniform(0.5, 1.5, n_types),
        min_distance=0.9,
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
