"""Random structures, and other ways to write the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from families import family, parameters
from random_model import KINDS, random_structure

from dpse_fast.model import Model

Rng = np.random.Generator
Arguments = dict[str, Any]  # of `Potential.compute`, all six
FAMILIES = (
    *("se_e2_a", "se_e2_r", "hybrid", "mixed_gated", "fparam", "aparam"),
    *("pair_table", "emptied", "silent"),
)
MODELS = {name: family(name) for name in FAMILIES}


def random_arguments(model: Model, rng: Rng) -> Arguments:
    """Few atoms, in an open, thin, tiny, slanted or partly periodic cell."""
    kind = str(rng.choice(KINDS))
    n = int(rng.integers(1, 4 if kind == "tiny" else 11))
    seed = int(rng.integers(2**31))
    s = random_structure(kind, model.n_types, seed, n)
    given = parameters(model, n, seed)
    types = rng.integers(model.n_types, size=n)
    return {
        "positions": s.positions, "types": types, "cell": s.cell, "pbc": s.pbc, **given
    }  # fmt: skip


def _strided(array: Any) -> Any:
    wide = np.repeat(array, 2, axis=-1)
    return wide[..., ::2]


def _read_only(array: Any) -> Any:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


ARRAYS: tuple[Callable[[Any], Any], ...] = (
    _strided,
    _read_only,
    np.asfortranarray,
    lambda a: a.tolist(),
    lambda a: a.astype(a.dtype.newbyteorder()),
    lambda a: np.ascontiguousarray(a[::-1])[::-1],
)


def respelled(given: Arguments, meaning: Arguments, rng: Rng, names: Any) -> None:
    """Change how an argument is written, and its meaning where that has to follow."""
    kind = int(rng.integers(9))
    n = len(meaning["types"])
    if kind in (0, 1):
        name = "positions" if kind == 0 else "cell"
        if given[name] is not None:
            given[name] = ARRAYS[int(rng.integers(len(ARRAYS)))](np.array(given[name]))
    elif kind == 2:  # numbers of float32
        for arguments in (given, meaning):
            arguments["positions"] = np.array(meaning["positions"], np.float32)
    elif kind == 3:
        _respell_types(given, rng, names)
    elif kind == 4 and meaning["cell"] is not None:
        flags = np.array(meaning["pbc"])
        ways = [flags, flags.astype(int), flags.tolist()]
        ways += [bool(flags[0])] if len(set(flags.tolist())) == 1 else []
        given["pbc"] = ways[int(rng.integers(len(ways)))]
    elif kind == 5 and meaning["cell"] is not None:  # images of the atoms
        shifts = rng.integers(-50, 51, (n, 3)) * np.array(meaning["pbc"])
        given["positions"] = np.array(meaning["positions"]) + shifts @ meaning["cell"]
    elif kind == 6 and meaning["cell"] is not None and all(np.array(meaning["pbc"])):
        a, b, c = meaning["cell"]  # another basis of the same lattice
        slant = int(rng.integers(-20, 21))
        given["cell"] = np.array([a, b + slant * a, c][:: int(rng.choice([1, -1]))])
    elif kind == 7:
        _virtual(given, meaning, rng)
    elif kind == 8 and given["aparam"] is not None:
        row = np.array(given["aparam"])[0]
        given["aparam"] = row
        meaning["aparam"] = np.tile(row, (n, 1))


def _respell_types(given: Arguments, rng: Rng, names: Any) -> None:
    types = np.array(given["types"])
    if types.dtype.kind != "i" or (types < 0).any():
        return
    ways = [
        types.tolist(),
        [names[t] for t in types],
        np.array([names[t] for t in types]),
        np.array([names[t] for t in types], object),
        types.astype(np.uint8),
        types.astype(np.int16),
        types.astype(">i8"),
        tuple(types),
    ]
    given["types"] = ways[int(rng.integers(len(ways)))]


def _virtual(given: Arguments, meaning: Arguments, rng: Rng) -> None:
    """One more atom that does not exist, anywhere."""
    types = np.array(given["types"])
    if types.dtype.kind != "i":
        return
    k = int(rng.integers(len(types) + 1))
    place = (
        np.array(given["positions"])[0] if rng.random() < 0.3 else rng.normal(size=3)
    )
    of_given = np.insert(np.array(given["positions"]), k, place, axis=0)
    of_meaning = np.insert(np.array(meaning["positions"]), k, place, axis=0)
    meaning["types"] = np.insert(np.array(meaning["types"]), k, -1)
    given["types"] = np.insert(types, k, -1)
    for arguments, at in ((given, of_given), (meaning, of_meaning)):
        arguments["positions"] = at
        if arguments["aparam"] is not None and np.ndim(arguments["aparam"]) == 2:
            rows = np.array(arguments["aparam"])
            arguments["aparam"] = np.insert(rows, k, 9.0, axis=0)
