"""`dpse-fast show`: attributes of a model, and of every branch of a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from golden.command_systems import HERE

Run = Callable[..., Any]

HEADS = HERE / "checkpoint_heads.pt"


def test_attributes_of_a_model(run: Run) -> None:
    asked = ("type-map", "descriptor", "fitting-net", "size")
    found = run("show", HERE / "fparam.pb", *asked, "--json").json
    info = run("info", HERE / "fparam.pb", "--json").json["model"]
    assert tuple(found)[1:5] == asked
    assert found["type-map"] == info["types"] == ["O", "H"]
    assert found["descriptor"]["sel"] == info["sel"]
    assert found["fitting-net"]["widths"] == info["fitting"]
    assert found["fitting-net"]["numb_fparam"] == 2
    assert found["fitting-net"]["activation"] == ["tanh"]
    sizes = found["size"]
    assert sizes["total"] == info["parameters"]
    assert sizes["total"] == sizes["descriptor"] + sizes["fitting_net"]


def test_branches_of_a_checkpoint(run: Run) -> None:
    found = run("show", HEADS, "model-branch", "size", "--json").json
    assert found["model-branch"] == ["water", "ice"] == list(found["branches"])
    sizes = {name: one["size"] for name, one in found["branches"].items()}
    assert sizes["water"]["descriptor"] == sizes["ice"]["descriptor"]
    assert sizes["water"]["total"] != sizes["ice"]["total"]
    one = run("show", HEADS, "size", "--model-branch", "ice", "--json").json
    assert one["size"] == sizes["ice"]
    assert "ice" in run("show", HEADS, "model-branch").out
    useless = run("show", HEADS, "model-branch", "--head", "ice")
    assert (useless.code, "--head: has no effect" in useless.error) == (2, True)


@pytest.mark.parametrize("file", ["trained.pb", "plain.pth", "checkpoint.pt"])
def test_one_model_has_no_branches(run: Run, file: str) -> None:
    got = run("show", HERE / file, "model-branch")
    assert (got.code, "expected a checkpoint of several" in got.error) == (2, True)


def test_what_is_not_shown(run: Run) -> None:
    got = run("show", HERE / "trained.pb", "observed-type")
    assert (got.code, "observed-type is not shown" in got.error) == (2, True)
    assert run("show", HERE / "none.pb", "size").code == 1
