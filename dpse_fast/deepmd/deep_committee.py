"""`DeepPot`s that are evaluated together, on one neighbour list for each frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..array_types import Doubles
from ..committee import Committee
from ..errors import InputError
from ..evaluation.committee_result import CommitteeResult
from .deep_pot import DeepPot
from .frames import Frames, naming_frames


def eval_committee(
    models: Sequence[Any], *frames: Any, **given: Any
) -> tuple[Doubles, Doubles, Doubles]:
    """Energies (M, F, 1), forces (M, F, N, 3) and virials (M, F, 9) of M models.

    Models that cannot be evaluated together (of other options or devices, or with
    other classes) are evaluated one after another.

    Parameters
    ----------
    frames, given : as for `DeepPot.eval`

    Raises
    ------
    InputError
        As `DeepPot.eval`.
    """
    committee = _committee(models)
    if committee is None:
        results = [model.eval(*frames, **given)[:3] for model in models]
        energies, forces, virials = (
            np.array(found) for found in zip(*results, strict=True)
        )
        return energies, forces, virials
    checked = models[0].frames(*frames, **given)
    shape = (len(models), checked.n_frames)
    energies, virials = np.empty((*shape, 1)), np.empty((*shape, 9))
    forces = np.empty((*shape, checked.n_atoms, 3))
    for k, result in enumerate(_results(models[0], committee, checked)):
        assert result.members is not None
        energies[:, k, 0] = result.members.energies
        forces[:, k] = result.members.forces
        virials[:, k] = result.members.virials.reshape(-1, 9)
    return energies, forces, virials


def _committee(models: Sequence[Any]) -> Committee | None:
    if len(models) < 2 or not all(isinstance(model, DeepPot) for model in models):
        return None
    potentials = [model.potential for model in models]
    options = {(one.sel_overflow, one.threads) for one in potentials}
    try:
        return Committee(potentials) if len(options) == 1 else None
    except InputError:
        return None


def _results(
    first: DeepPot, committee: Committee, frames: Frames
) -> Iterator[CommitteeResult]:
    session, batch = committee.session(0.0), committee.batch_session(0.0)
    for part in frames.parts(first.batch_atoms):
        with naming_frames(part.start):
            if len(part) > 1:
                yield from batch.compute([frames.structure(k) for k in part])
                continue
            yield session.compute(**frames.structure(part.start)._asdict())
