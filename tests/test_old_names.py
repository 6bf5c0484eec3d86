"""Names that have changed still work, with a warning."""

from __future__ import annotations

from typing import Any

import pytest
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast import BatchSession, ListedSession


@pytest.fixture(scope="module")
def potential() -> dpse_fast.Potential:
    return dpse_fast.load(random_model(), device="cpu", threads=1)


def test_sessions(potential: dpse_fast.Potential) -> None:
    with pytest.warns(DeprecationWarning, match=r"listed is now .*listed_session") as w:
        assert isinstance(potential.listed(), ListedSession)
    assert w[0].filename == __file__
    with pytest.warns(DeprecationWarning, match=r"many is now .*batch_session"):
        assert isinstance(potential.many(0.5), BatchSession)
    with pytest.warns(DeprecationWarning, match=r"many is now .*batch_session"):
        assert isinstance(potential.many(skin=0.5), BatchSession)


def test_batches(potential: dpse_fast.Potential) -> None:
    s = random_structure("cubic", 2, 3, 5)
    given: Any = [s[:3]]
    with pytest.warns(DeprecationWarning, match=r"compute_many is now .*compute_batch"):
        (old,) = potential.compute_many(given, atomic=True)
    (new,) = potential.compute_batch(given, atomic=True)
    assert old.energy == new.energy
    assert old.atomic_energies is not None


def test_device(potential: dpse_fast.Potential) -> None:
    with pytest.warns(DeprecationWarning, match=r"where is now .*device_info"):
        assert potential.where() == potential.device_info()


def test_class_of_batches() -> None:
    with pytest.warns(DeprecationWarning, match="ManySession is now BatchSession"):
        assert dpse_fast.ManySession is BatchSession
