"""Scalar functions of `kernels.periodic` on the device."""

from __future__ import annotations

from .. import periodic
from ._cuda import device

fractions = device(periodic.fractions)
shifts_along = device(periodic.shifts_along)
clamped = device(periodic.clamped)
gap = device(periodic.gap)
