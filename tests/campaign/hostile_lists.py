"""Neighbour lists of a caller that have to be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .hostile_arguments import Hostile


def _to(name: str, what: str, make: Callable[[Any], Any], must: bool = True) -> Hostile:
    def change(listed: dict[str, Any], rng: Any) -> None:
        listed[name] = make(listed.get(name))

    return Hostile(f"{name} {what}", change, must)


def _n_rows(listed: dict[str, Any]) -> int:
    return len(listed["first"]) - 1


def _bad_neighbour(listed: dict[str, Any], rng: Any) -> None:
    values = np.array(listed["neighbours"])
    bad = int(rng.choice([-1, len(listed["types"]), 2**31 - 1, 2**40, -(2**40)]))
    listed["neighbours"] = np.append(values, bad)
    listed["first"] = np.append(listed["first"][:-1], listed["first"][-1] + 1)


def _wrong_centres(listed: dict[str, Any], rng: Any) -> None:
    n, n_all = _n_rows(listed), len(listed["types"])
    values = [
        np.full(n, n_all), np.full(n, -1), np.arange(n + 1), np.arange(n) + 0.5,
        np.ma.masked_array(np.arange(n), [True] * n), "all", np.arange(n)[:, None],
    ]  # fmt: skip
    listed["centres"] = values[int(rng.integers(len(values)))]


def _wrong_forces(listed: dict[str, Any], rng: Any) -> None:
    n = len(listed["types"])
    fixed = np.zeros((n, 3))
    fixed.flags.writeable = False
    values = [
        np.zeros((n, 2)), np.zeros((n + 1, 3)), np.zeros((n, 3), np.float32), fixed,
        [[0.0] * 3] * n, np.zeros((n, 3), int), np.zeros((n, 3), complex), "forces",
        np.ma.masked_array(np.zeros((n, 3)), np.ones((n, 3), bool)),
    ]  # fmt: skip
    listed["forces"] = values[int(rng.integers(len(values)))]


def _wrong_types(listed: dict[str, Any], rng: Any) -> None:
    n = len(listed["types"])
    values = [[9] * n, [-2] * n, [0.5] * n, [0] * (n + 1), None, ["Xx"] * n]
    listed["types"] = values[int(rng.integers(len(values)))]


def _unlisted(listed: dict[str, Any], rng: Any) -> None:
    listed["same_list"] = True


HOSTILE_LISTS: tuple[Hostile, ...] = (
    _to("first", "of nothing", lambda a: []),
    _to("first", "of one number", lambda a: 0),
    _to("first", "of floats", lambda a: np.array(a, float)),
    _to("first", "not from 0", lambda a: np.array(a) + 1),
    _to("first", "beyond the end", lambda a: np.append(a[:-1], a[-1] + 10)),
    _to("first", "negative", lambda a: -np.array(a) - 1),
    _to("first", "huge", lambda a: np.append(a[:-1], 2**60)),
    _to("first", "nested", lambda a: np.array(a)[:, None]),
    _to("first", "masked", lambda a: np.ma.masked_array(a, np.ones(len(a), bool))),
    _to("neighbours", "of floats", lambda a: np.array([*a, 0.5])),
    _to("neighbours", "too few", lambda a: a[:-1] if len(a) else [0]),
    _to("neighbours", "None", lambda a: None),
    _to("neighbours", "of text", lambda a: ["0"] * len(a) or "0"),
    _to("positions", "with NaN", lambda a: np.full_like(a, np.nan)),
    _to("positions", "flat", lambda a: np.ravel(a)),
    _to("positions", "masked", lambda a: np.ma.masked_array(a, np.ones(a.shape, bool))),
    Hostile("neighbours out of range", _bad_neighbour),
    Hostile("centres", _wrong_centres),
    Hostile("forces", _wrong_forces),
    Hostile("types", _wrong_types),
    Hostile("same list without a list", _unlisted),
)
