"""From the device's counts to the report of a result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..evaluation.domain_counts import Domain
from ..evaluation.domain_report import not_finite
from ..evaluation.domain_report import report_of as report_of_domain
from ..plan import Plan
from ..results import Report
from .device import Device
from .force_sums import Outputs
from .neighbours import DeviceList
from .pipeline import DeviceTallies
from .structure import DeviceStructure


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
    n = structure.n_atoms
    if not outputs.virials.size:
        # Only how many atoms count matters here.
        rows = np.empty(structure.n, np.int64)
        return report_of_rows(plan, tallies, rows, n, tallies.counts.n_non_finite)
    bad = np.zeros(n, bool)
    if tallies.counts.n_non_finite:
        energies = device.download(outputs.energies)
        bad = not_finite(energies, device.download(outputs.forces).reshape(-1, 3))
    rows = caller_atoms(device, structure, listed)
    return report_of_rows(plan, tallies, rows, n, bad)


def report_of_rows(
    plan: Plan,
    tallies: DeviceTallies,
    centres: NDArray[np.integer],
    n_atoms: int,
    non_finite: NDArray[np.bool_] | int,
) -> Report:
    """As `domain_report.report_of`."""
    n_types, counts = plan.model.n_types, tallies.counts
    seen = np.zeros((n_types, n_types), np.int64)
    own = sorted(plan.fitting)
    seen[np.ix_(own, own)] = counts.seen[plan.widest]
    unseen = np.zeros((len(tallies.atoms.unseen), n_types), np.int32)
    unseen[:, own] = tallies.atoms.unseen
    atoms = tallies.atoms._replace(unseen=unseen)
    domain = Domain(
        *(counts.counters, seen, tallies.n_over),
        *(counts.n_over_table, counts.below_table, atoms),
    )
    return report_of_domain(plan, domain, centres, n_atoms, non_finite)
