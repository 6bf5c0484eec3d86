"""A record of `model.families` says all that depends on a descriptor's family."""

from __future__ import annotations

import ast
import sys
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.formats import exchange, read_model
from dpse_fast.model import Descriptor, Model, SeE2A, SeE2R
from dpse_fast.model.families import FAMILIES, Family, Hook

PACKAGE = Path(dpse_fast.__file__).parent
CLASSES = {"SeE2A", "SeE2R"}


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_what_a_record_names_exists(family: Family) -> None:
    for field in fields(family):
        value = getattr(family, field.name)
        if isinstance(value, Hook):
            assert callable(value.load()), field.name
    own = family.descriptor.load()
    assert issubclass(own, Descriptor)
    assert own.family is family
    assert set(family.counts) <= {f.name for f in fields(own)}


def test_nothing_asks_for_the_class_of_a_descriptor() -> None:
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            questions = isinstance(node, ast.Call) and ast.unparse(node.func) in (
                "isinstance",
                "issubclass",
            )
            if questions or isinstance(node, ast.Compare):
                names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                if names & CLASSES:
                    found.append(f"{path}:{node.lineno}")
    assert not found


@pytest.mark.parametrize("kind", [SeE2A, SeE2R])
def test_a_new_family_is_found_by_its_record(
    kind: type[Descriptor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It plans, evaluates, and goes to our file and back as the one it copies."""
    module = ModuleType("new_family")
    record = replace(
        kind.family, kind="new", descriptor=Hook("new_family:NewDescriptor")
    )
    module.NewDescriptor = type("NewDescriptor", (kind,), {"family": record})
    monkeypatch.setitem(sys.modules, "new_family", module)
    monkeypatch.setitem(FAMILIES, "new", record)
    known = random_model(kind=kind.family.kind, excluded=frozenset({(0, 1), (1, 0)}))
    (old,) = known.descriptors
    new = module.NewDescriptor(**{f.name: getattr(old, f.name) for f in fields(old)})
    model: Model = replace(known, descriptors=(new,))
    exchange.write(model, tmp_path / "new.h5")
    reread = read_model(tmp_path / "new.h5")
    assert type(reread.descriptors[0]) is module.NewDescriptor
    s = random_structure("cubic")
    expected, *found = (
        dpse_fast.load(m, tol=1e-3, device="cpu").compute(
            s.positions, s.types, s.cell, pbc=s.pbc
        )
        for m in (known, model, reread)
    )
    for result in found:
        assert result.energy == expected.energy
        np.testing.assert_array_equal(result.forces, expected.forces)
