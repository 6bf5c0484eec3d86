"""The tabulated pair potential that takes over at short distances (ZBL)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import Floats
from .nets import float_array, require

_CAN_BE_ZERO = ("start", "inner", "least_sum")


@dataclass(frozen=True, eq=False, kw_only=True)
class PairTable:
    """A pair potential u(r) and the switch between it and the Deep Potential.

    E_i = (1 − w)·E_i(deep) + w·(½ Σ_j u(r_ij) + bias[type_i]) over pairs below
    `rcut`; E_i(deep) includes `Model.bias`. w falls from 1 to 0 while
    σ = Σ_j r e^(−r/α) / Σ_j e^(−r/α), over pairs below `switch_rcut`, grows from
    `inner` by `width`: w = 1 − u³(6u² − 15u + 10), u = (σ − inner)/width; an atom
    without neighbours has w = 0 (deepmd-kit's ``use_srtab``). The denominator of σ is
    `least_sum` where it would be smaller; an atom whose σ is 0 has w = 0 too.

    Parameters
    ----------
    start, step : Å, of the table; pairs closer than `start` are outside its range
    coefficients : (n_types, n_types, n_rows, 4) eV
        u = Σ_p coefficients[…, k, p] t^p at r = start + (k + t)·step with t < 1,
        by centre and neighbour type; 0 beyond the last row.
    rcut, switch_rcut : Å
    inner, width : Å, of σ (``sw_rmin``, ``sw_rmax − sw_rmin``)
    alpha : Å (``smin_alpha``)
    least_sum : 1e-20 in deepmd-kit's PyTorch code
    bias : (n_types,) eV, zeros if left out
        Constants of the tabulated energy. A constant outside the switch is a part
        of both this and `Model.bias`.
    excluded : pairs (centre, neighbour)
        Real pairs that count neither in u nor in σ.
    sel : (n_types,), or (1,) for all types together, or empty
        How many neighbours can count in u and σ, the nearest of each type; excluded
        ones take their places. All if empty.
    """

    start: float
    step: float
    coefficients: Floats
    rcut: float
    switch_rcut: float
    inner: float
    width: float
    alpha: float
    least_sum: float = 0.0
    bias: Floats = None  # type: ignore[assignment]
    excluded: frozenset[tuple[int, int]] = frozenset()
    sel: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        name = "pair table"
        shape = np.shape(self.coefficients)
        n = shape[0] if shape else 0
        put(
            self,
            "coefficients",
            float_array(self.coefficients, (n, n, None, 4), f"{name} coefficients"),
        )
        require(self.coefficients.size, f"{name}: is empty")
        bias = np.zeros(n) if self.bias is None else self.bias
        put(self, "bias", float_array(bias, (n,), f"{name} bias"))
        put(self, "excluded", frozenset((int(c), int(t)) for c, t in self.excluded))
        for pair in self.excluded:
            require(all(0 <= t < n for t in pair), f"{name}: no such type pair {pair}")
        put(self, "sel", tuple(int(count) for count in self.sel))
        require(
            len(self.sel) in (0, 1, n) and all(count >= 0 for count in self.sel),
            f"{name}: expected 0, 1 or {n} counts in sel, got {list(self.sel)[:8]}",
        )
        for key in ("step", "rcut", "switch_rcut", "width", "alpha", *_CAN_BE_ZERO):
            value = float(getattr(self, key))
            put(self, key, value)
            least = 0.0 if key in _CAN_BE_ZERO else np.nextafter(0.0, 1.0)
            require(
                np.isfinite(value) and value >= least,
                f"{name}: expected a positive {key}, got {value}",
            )

    @property
    def n_types(self) -> int:
        return int(self.coefficients.shape[0])

    @property
    def slot_group(self) -> tuple[int, ...]:
        """Which entry of ``sel`` neighbours of each type share."""
        n = self.n_types
        return (0,) * n if len(self.sel) == 1 else tuple(range(n))

    @property
    def end(self) -> float:
        """Å: pairs at this distance and beyond have no tabulated energy."""
        n_rows = int(self.coefficients.shape[2])
        return min(self.rcut, self.start + n_rows * self.step)
