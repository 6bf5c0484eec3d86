"""From the device's counts to the report of a result."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..domain_report import not_finite
from ..domain_report import report_of as report_of_domain
from ..engine import Domain
from ..plan import Plan
from ..results import Report
from .device import Device
from .forces import Outputs
from .neighbours import DeviceList
from .pipeline import DeviceTallies
from .structure import DeviceStructure


class _Atoms:
    """`workspace.AtomTallies` of rows."""

    def __init__(self, tallies: DeviceTallies) -> None:
        self.excess = tallies.excess
        self.close, self.unseen = tallies.close, tallies.unseen


def caller_atoms(
    device: Device, structure: DeviceStructure, listed: DeviceList
) -> NDArray[np.int64]:
    """(n,) the caller's atom of each row, on the host."""
    order = device.download(listed.order).astype(np.int64)
    real = structure.host_real()
    return order if real is None else real[order].astype(np.int64)


def report_of(
    device: Device,
    plan: Plan,
    structure: DeviceStructure,
    listed: DeviceList,
    tallies: DeviceTallies,
    outputs: Outputs,
) -> Report:
    """The report of an evaluation; of atoms too where their virials were asked for."""
    n_types, atomic = plan.model.n_types, outputs.virials.size > 0
    seen = np.zeros((n_types, n_types), np.int64)
    own = sorted(plan.fitting)
    counts = tallies.counts
    seen[np.ix_(own, own)] = counts.seen[plan.widest]
    atoms: Any = _Atoms(tallies)
    domain = Domain(
        *(counts.counters, seen, tallies.n_over),
        *(counts.n_over_table, counts.below_table, atoms),
    )
    n = structure.n_atoms
    if not atomic:
        # Only how many atoms count matters here.
        rows = np.empty(structure.n, np.int64)
        return report_of_domain(plan, domain, rows, n, counts.n_non_finite)
    bad = np.zeros(n, bool)
    if counts.n_non_finite:
        energies = device.download(outputs.energies)
        bad = not_finite(energies, device.download(outputs.forces).reshape(-1, 3))
    rows = caller_atoms(device, structure, listed)
    return report_of_domain(plan, domain, rows, n, bad)
