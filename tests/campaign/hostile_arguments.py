"""Arguments that have to be refused, and a few that may be."""

from __future__ import annotations

import array
import datetime
import decimal
import fractions
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from dpse_fast.model import Model

from .good_arguments import Arguments, Rng

Change = Callable[[Arguments, Rng], None]


class Hostile(NamedTuple):
    """A change to arguments.

    Parameters
    ----------
    must_fail : an InputError is expected; else that, or the numbers that the
        arguments mean
    """

    name: str
    change: Change
    must_fail: bool = True


class RaisingArray:
    """Not an array, though it says so."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("not now")


class Metres(np.ndarray[Any, Any]):
    """An array with a unit, as pint or unyt have them."""


def _masked(values: Any, rng: Rng) -> Any:
    mask = np.zeros(np.shape(values), bool)
    if mask.size:
        mask.flat[int(rng.integers(mask.size))] = True
    return np.ma.masked_array(values, mask)


WRONG: tuple[tuple[str, Callable[[Any, Rng], Any]], ...] = (
    ("text", lambda a, rng: "positions"),
    ("bytes", lambda a, rng: b"123"),
    ("dict", lambda a, rng: {"x": 1}),
    ("set", lambda a, rng: {1.0, 2.0}),
    ("generator", lambda a, rng: (x for x in (1, 2, 3))),
    ("object", lambda a, rng: object()),
    ("type", lambda a, rng: float),
    ("raising", lambda a, rng: RaisingArray()),
    ("nested deeply", lambda a, rng: [[[[[[0.0]]]]]]),
    ("ragged", lambda a, rng: [[0.0, 0.0, 0.0], [1.0]]),
    ("objects", lambda a, rng: np.array([object()] * 3)),
    ("decimals", lambda a, rng: [[decimal.Decimal(1)] * 4] * 2),
    ("fractions", lambda a, rng: [[fractions.Fraction(1, 2)] * 4] * 2),
    ("complex", lambda a, rng: np.ones(np.shape(a), complex)),
    ("dates", lambda a, rng: np.zeros(np.shape(a), "M8[s]")),
    ("durations", lambda a, rng: np.zeros(np.shape(a), "m8[s]")),
    ("date", lambda a, rng: datetime.date(2000, 1, 1)),
    ("records", lambda a, rng: np.zeros(np.shape(a), [("x", float)])),
    ("masked", _masked),
    ("nothing of it", lambda a, rng: np.atleast_1d(a)[..., :0]),
    ("too deep", lambda a, rng: np.zeros((*np.shape(a), 1))),
    ("NaN", lambda a, rng: _with(a, rng, np.nan)),
    ("infinite", lambda a, rng: _with(a, rng, np.inf)),
    ("far", lambda a, rng: _with(a, rng, 1e300)),
    ("huge integers", lambda a, rng: [[10**400] * 3]),
)


def _with(values: Any, rng: Rng, value: float) -> Any:
    changed = np.array(values, float)
    if changed.size:
        changed.flat[int(rng.integers(changed.size))] = value
    return changed


def _wrong(name: str, what: str, make: Callable[[Any, Rng], Any]) -> Hostile:
    def change(given: Arguments, rng: Rng) -> None:
        given[name] = make(given[name], rng)

    return Hostile(f"{name} {what}", change)


def _set(
    name: str, make: Callable[[Arguments, Rng], Any], must: bool = True
) -> Hostile:
    def change(given: Arguments, rng: Rng) -> None:
        given[name] = make(given, rng)

    return Hostile(f"{name} {make.__doc__ or ''}".strip(), change, must)


def _n(given: Arguments) -> int:
    return len(given["positions"])


def _coincident(given: Arguments, rng: Rng) -> Any:
    """of two atoms in one place"""
    at = np.array(given["positions"], float)
    return np.concatenate([at, at[:1]])


def _two_on_one(given: Arguments, rng: Rng) -> None:
    given["positions"] = _coincident(given, rng)
    given["types"] = np.zeros(_n(given), int)
    if given["aparam"] is not None:
        given["aparam"] = np.zeros((_n(given), np.shape(given["aparam"])[-1]))


def _choice(rng: Rng, values: list[Any]) -> Any:
    return values[int(rng.integers(len(values)))]


def _singular(given: Arguments, rng: Rng) -> None:
    given["cell"] = _choice(
        rng,
        [
            np.zeros((3, 3)),
            np.ones((3, 3)),
            [[9, 0, 0], [0, 9, 0], [9, 9, 0]],
            np.diag([9, 9, 0.0]),
            np.diag([9.0, 9, 1e-320]),
            5e-324 * np.eye(3),
            np.diag([9, 9, 9.0])[:2],
            [9.0, 9, 9],
            [9.0, 9, 9, 90, 90, 90],
            9.0,
        ],
    )
    given["pbc"] = True


def _wrong_pbc(given: Arguments, rng: Rng) -> None:
    values = ["TTT", [True], [True] * 4, 2, -1, 0.5, np.nan, [1, 1, 7], object(), {}]
    if given["cell"] is None:
        values += [True, [True, False, False]]
    given["pbc"] = _choice(rng, values)


def _wrong_types(given: Arguments, rng: Rng) -> None:
    n = _n(given)
    values = [
        [99] * n, [-2] * n, [0.0] * n, [np.nan] * n, [0] * (n + 1), [], 0, None,
        ["Xx"] * n, [None] * n, [True] * n, [2**40] * n, [2**63 - 1] * n, [10**30] * n,
        np.full(n, 2**64 - 1, np.uint64), np.zeros((n, 2), int), ["O ", *["O"] * n][:n],
        np.ma.masked_array(np.zeros(n, int), [True] * n), np.zeros(n, "M8[s]"), "O" * n,
        np.zeros(n, complex), [b"O"] * n, {"O": n},
    ]  # fmt: skip
    given["types"] = _choice(rng, values)


def _parameters(name: str) -> Change:
    def change(given: Arguments, rng: Rng) -> None:
        now = given[name]
        if now is None:
            given[name] = _choice(rng, [[1.0], 0.5, np.zeros((3, 3)), "1"])
            return
        k, n = np.shape(now)[-1], _n(given)
        good = {(k,), (n, k), (1, k)} | ({(), (n,), (1,)} if k == 1 else set())
        shapes = [(k + 1,), (n, k + 1), (n + 1, k), (2, n, k), (0,)]
        values = [np.ones(shape) for shape in shapes if shape not in good]
        values += [None, "x", np.full(k, np.nan), np.full(k, np.inf), np.ones(k) + 1j]
        values += [np.ma.masked_array(np.ones(k), [True] * k)]
        given[name] = _choice(rng, values)

    return change


# Either refused, or evaluated as what they mean.
def _unmasked(given: Arguments, rng: Rng) -> Any:
    """of a masked array without a mask"""
    return np.ma.masked_array(given["positions"])


def _matrix(given: Arguments, rng: Rng) -> Any:
    """of a matrix"""
    return np.asarray(given["positions"]).view(np.matrix)


def _subclass(given: Arguments, rng: Rng) -> Any:
    """of a subclass of arrays"""
    return np.asarray(given["positions"]).view(Metres)


def _subnormal(given: Arguments, rng: Rng) -> Any:
    """with a subnormal number"""
    at = np.array(given["positions"], float)
    return np.where(np.abs(at) < 0.3, 1e-310, at)


def _long(given: Arguments, rng: Rng) -> Any:
    """of long doubles"""
    return np.asarray(given["positions"], np.longdouble)


def _buffer(given: Arguments, rng: Rng) -> Any:
    """of a buffer"""
    at = np.ascontiguousarray(given["positions"], float)
    return memoryview(array.array("d", at.ravel())).cast("B").cast("d", at.shape)


def _tiny_cell(given: Arguments, rng: Rng) -> None:
    scale = 10.0 ** -rng.integers(1, 200)
    shape = np.eye(3) if rng.random() < 0.5 else np.diag([9, 9, 1.0])
    given["cell"], given["pbc"] = scale * shape, True


def _skewed_cell(given: Arguments, rng: Rng) -> None:
    slant = 10.0 ** rng.uniform(0, 6)
    given["cell"], given["pbc"] = [[5, 0, 0], [slant, 6, 0], [0, -slant, 7]], True


def _large_cell(given: Arguments, rng: Rng) -> None:
    given["cell"], given["pbc"] = 10.0 ** rng.uniform(2, 9) * np.eye(3), True


HOSTILE: tuple[Hostile, ...] = (
    *(_wrong(name, *one) for name in ("positions", "cell") for one in WRONG),
    Hostile("two atoms in one place", _two_on_one),
    _set("positions", lambda given, rng: None),
    _set("positions", lambda given, rng: np.zeros((0, 3))),
    _set("positions", lambda given, rng: np.zeros((_n(given), 2))),
    _set("positions", lambda given, rng: np.zeros((_n(given) + 1, 3))),
    _set("positions", lambda given, rng: np.zeros(3 * _n(given))),
    *[Hostile("singular cell", _singular)] * 4,
    *[Hostile("pbc", _wrong_pbc)] * 4,
    *[Hostile("types", _wrong_types)] * 8,
    *[Hostile("fparam", _parameters("fparam"))] * 3,
    *[Hostile("aparam", _parameters("aparam"))] * 3,
    *(
        _set("positions", make, False)
        for make in (_unmasked, _matrix, _subclass, _subnormal, _long, _buffer)
    ),
    *[Hostile("tiny cell", _tiny_cell, False)] * 3,
    *[Hostile("skewed cell", _skewed_cell, False)] * 3,
    *[Hostile("large cell", _large_cell, False)] * 2,
)


def must_fail(hostile: Hostile, before: Arguments, model: Model) -> bool:
    """Whether a change has to be refused: one of an absent cell has no meaning."""
    if not hostile.must_fail:
        return False
    if hostile.name.startswith("cell ") and before["cell"] is None:
        return False
    return not (
        hostile.name == "aparam"
        and before["aparam"] is None
        and model.aparam is not None
    )
