"""What the readers of deepmd-kit v3 refuse of the families, and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formats.damage import read_many_damaged
from formats.families import mixed_model, se_atten, zbl
from formats.native_dict import native_dict, put, save, version3_model
from formats.refusal import assert_refused
from formats.scripted import save as save_scripted
from formats.scripted import scripted

Change = Callable[[Any], None]


def atten(change: Change, **options: Any) -> Any:
    descriptor = se_atten(**options)
    change(descriptor)
    return mixed_model([descriptor])


def plain(change: Change) -> Any:
    root = native_dict(version3_model(one_sided=True))
    change(root["model"]["descriptor"])
    return root


def blended(change: Change) -> Any:
    root = zbl()
    change(root["model"])
    return root


def parameters(change: Change) -> Any:
    root = native_dict(version3_model(fparam=2, defaults=True))
    change(root["model"]["fitting"])
    return root


def nothing(tree: Any) -> None:
    assert tree


def nested(tree: Any) -> None:
    tree["@version"] = 1
    for _ in range(40):
        tree["list"] = [{**tree, "type": "hybrid"}]
    tree["type"] = "hybrid"


PART = ("models", 1)
TAB = (*PART, "tab", "@variables")
REFUSED: dict[str, tuple[Any, str]] = {
    "attention": (atten(put("attn_layer", value=2)), "with attention layers is not"),
    "moments": (atten(put("lmax", value=3)), "lmax above 1 is not supported"),
    "mode": (atten(put("tebd_input_mode", value="sum")), "concat or strip, got 'sum'"),
    "mean": (atten(nothing, mean=0.1), "depends on the order of the atoms"),
    "rough mean": (atten(nothing, mode="strip", smooth=False, mean=0.1),
        "train it with set_davg_zero"),
    "types": (atten(put("ntypes", value=3)), "takes inputs (2,), expected (3,)"),
    "many types": (atten(put("ntypes", value=10**6)), "ntypes: expected 1 to 256 ty"),
    "no types": (atten(put("ntypes", value=0)), "ntypes: expected 1 to 256 types"),
    "many slots": (plain(put("sel", value=[1] + 10**5 * [0])),
        "sel: expected 1 to 256 types, got 100001"),
    "embedding": (atten(put("type_embedding", value={})), "embedding: is missing"),
    "one net": (atten(lambda d: d["embeddings"]["networks"].append(None)),
        "no network for some"),
    "spin": (atten(put("spin", value={"a": 1})), "spin models are not supported"),
    "slots": (atten(put("sel", value=[8])), "expected shape (2, 8, 4)"),
    "nested": (atten(nested), "hybrids nested more than 16 deep"),
    "parts": (blended(put("models", value=[])), "models"),
    "order": (blended(lambda m: m["models"].reverse()),
        "a standard and a pairtab model"),
    "own pairs": (blended(put(*PART, "pair_exclude_types", value=[[0, 1]])),
        "exclusions in one part of a zbl model"),
    "unknown type": (blended(put("type_map", value=["O", "C"])), "lacks the types C"),
    "same type": (blended(put("type_map", value=["O", "O"])), "distinct names"),
    "rows": (blended(put(*TAB, "tab_info", value=np.array([0.01, 0.1, 29, 2.0]))),
        "expected 2 times 2 tables of 29 rows"),
    "info": (blended(put(*TAB, "tab_info", value=np.zeros(3))), "start, step, rows"),
    "step": (blended(put(*TAB, "tab_info", value=np.array([0.01, -0.1, 30, 2.0]))),
        "expected a positive step"),
    "switch": (blended(put("sw_rmax", value=0.5)), "expected a positive width"),
    "alpha": (blended(put("smin_alpha", value=None)), "smin_alpha: expected a number"),
    "constants": (blended(put("@variables", "out_bias", value=np.ones(3))),
        "one energy for each of 2 types"),
    "mean count": (parameters(put("@variables", "fparam_avg", value=np.zeros(3))),
        "fparam_avg: expected 2 numbers"),
    "default": (parameters(put("default_fparam", value=[1.0])), "parameters default"),
    "default text": (parameters(put("default_fparam", value=["x", 1])), "finite num"),
    "too few": (parameters(put("numb_fparam", value=1)), "expected 1 numbers"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str, tmp_path: Path) -> None:
    root, words = REFUSED[name]
    assert_refused(save(root, tmp_path / "model.dp"), words)


FAMILIES = {
    "se_atten": lambda: mixed_model([se_atten("strip"), se_atten("concat")]),
    "zbl": zbl,
    "parameters": lambda: native_dict(version3_model(fparam=1, aparam=1, vacuum=True)),
}


@pytest.mark.parametrize("suffix", [".dp", ".json", ".pth"])
@pytest.mark.parametrize("name", FAMILIES)
def test_damaged_files(name: str, suffix: str, tmp_path: Path) -> None:
    root, file = FAMILIES[name](), tmp_path / f"model{suffix}"
    if suffix == ".pth":
        save_scripted(scripted(root), file)
    else:
        save(root, file)
    read_many_damaged(file)
