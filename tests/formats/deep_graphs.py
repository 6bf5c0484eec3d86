"""Graphs in deepmd-kit's layout of every family, with arrays from a seed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from formats.graphdef import Dense, Graph, float_attribute, list_attribute
from numpy.random import Generator

from dpse_fast.errors import ModelFileError
from dpse_fast.formats.tensorflow import read
from dpse_fast.model import Model

WIDTH = 3  # of type vectors
N_TABLE_ROWS = 14
TABLE_RANGE = (-1.0, 0.0, 2.0, 0.1, 0.5, -1.0)
OPERATIONS = {"a": "ProdEnvMatA", "r": "ProdEnvMatR", "mixed": "ProdEnvMatAMix"}


@dataclass(frozen=True)
class Recipe:
    """What `deep_potential` builds.

    ``kind`` is "a", "r" or "mixed"; ``typed`` "concat" or "strip" makes one net for
    all pairs; ``parts`` makes a hybrid, whose own descriptor fields do not count;
    ``suffixes`` are of its scopes, _0, _1… if left out. ``repeated`` repeats the
    suffix in the names of a mixed descriptor's net, as deepmd-kit 2.1 does.
    """

    sel: tuple[int, ...] = (3, 2)
    neuron: tuple[int, ...] = (2, 4, 4)
    fitting: tuple[int, ...] = (5, 5)
    axis: int = 2
    type_map: bytes = b"O H"
    kind: str = "a"
    typed: str = ""
    smooth: bool = False
    centred: bool = True
    one_sided: bool = False
    excluded: tuple[tuple[int, int], ...] = ()
    environment: str = ""
    activation: str = "Tanh"
    dtype: str = "f8"
    idt: bool = False
    tables: str = ""
    rcut: float = 4.1
    n_parameters: int = 0
    parts: tuple[Recipe, ...] = ()
    suffixes: tuple[str, ...] = ()
    repeated: bool = False
    script: dict | None = None
    extra: dict[str, object] = field(default_factory=dict)

    @property
    def n_types(self) -> int:
        return len(self.type_map.split()) or len(self.sel)

    @property
    def components(self) -> int:
        return 1 if self.kind == "r" else 4


def deep_potential(recipe: Recipe, seed: int = 0) -> Graph:
    rng = np.random.default_rng(seed)
    graph = Graph()
    if recipe.script is not None:
        text = json.dumps({"model": recipe.script}).encode()
        graph.const("train_attr/training_script", text)
    graph.const("model_attr/tmap", recipe.type_map)
    graph.const("model_attr/model_type", b"ener")
    for name, value in recipe.extra.items():
        graph.const(name, value)
    graph.op("t_coord", "Placeholder")
    graph.op("D", "Placeholder")
    parts = recipe.parts or (recipe,)
    typed = any(part.typed for part in parts)
    if typed:
        _type_vectors(graph, recipe, rng)
    for k, part in enumerate(parts):
        numbered = f"_{k}" if recipe.parts else ""
        suffix = recipe.suffixes[k] if recipe.suffixes else numbered
        _descriptor(graph, part, suffix, rng)
    n_in = sum(_length(part) for part in parts) + recipe.n_parameters
    for ending in [""] if typed else [f"_type_{t}" for t in range(recipe.n_types)]:
        _fitting(graph, recipe, n_in + WIDTH * typed, ending, rng)
    return graph


def load(recipe: Recipe, seed: int = 0) -> Model:
    """The model in a graph."""
    return read(deep_potential(recipe, seed).data(), "model.pb")


def refusal(graph: Graph | bytes) -> str:
    """Why a graph is refused, in one short line."""
    data = graph if isinstance(graph, bytes) else graph.data()
    with pytest.raises(ModelFileError) as caught:
        read(data, "model.pb")
    message = str(caught.value)
    assert message.startswith("model.pb: ")
    assert len(message) < 400
    assert "\n" not in message
    return message


def _length(part: Recipe) -> int:
    return part.neuron[-1] * (1 if part.kind == "r" else part.axis)


def _descriptor(graph: Graph, part: Recipe, suffix: str, rng: Generator) -> None:
    rows = _environment(graph, part, suffix, rng)
    if part.kind == "mixed" or part.typed:
        _typed(graph, part, suffix, rows, rng)
        return
    n = part.n_types
    for scope in ["all"] if part.one_sided else [str(c) for c in range(n)]:
        _filter(graph, part, scope, suffix, rows, rng)


def _environment(graph: Graph, part: Recipe, suffix: str, rng: Generator) -> str:
    n, slots, width = part.n_types, part.sel, part.components
    avg = np.zeros((n, n, width), part.dtype)
    avg[..., 0] = rng.uniform(0.01, 0.1, (n, n)) * part.centred
    std = rng.uniform(0.1, 0.2, (n, n, 2))
    std = np.repeat(std, [1, 3], axis=2)[..., :width].astype(part.dtype)
    if part.kind == "mixed":
        avg, std = avg[:, :1], std[:, :1]
    names = []
    for name, values in (("t_avg", avg), ("t_std", std)):
        flat = np.repeat(values, slots, axis=1).reshape(n, -1)
        names.append(graph.variable(f"descrpt_attr{suffix}/{name}", flat))
    if part.kind == "r":
        attrs = float_attribute("rcut", part.rcut) + float_attribute("rcut_smth", 1.8)
        attrs += list_attribute("sel", slots)
    else:
        attrs = float_attribute("rcut_r", part.rcut)
        attrs += float_attribute("rcut_r_smth", 1.8) + list_attribute("sel_a", slots)
        attrs += list_attribute("sel_r", (0,) * len(slots), packed=False)
    op = part.environment or OPERATIONS[part.kind]
    rows = graph.op(f"{op}{suffix}", op, "t_coord", *names, attrs=attrs)
    rows = graph.op(f"Reshape{suffix}", "Reshape", rows)
    if not part.excluded or not (part.one_sided or part.typed):
        return rows
    mask = np.ones((n, n + (part.kind == "mixed")), part.dtype)
    for c, t in part.excluded:
        mask[c, t] = mask[t, c] = 0
    look_up = graph.op(
        f"embedding_lookup{suffix}", "GatherV2", graph.const(f"mask{suffix}", mask)
    )
    if part.smooth:
        return graph.op(f"Select{suffix}", "Select", look_up, rows, "t_coord")
    return graph.op(f"mul_mask{suffix}", "Mul", rows, look_up)


def _piece(graph: Graph, name: str, rows: str, first: int, count: int) -> str:
    begin = graph.const(f"{name}/begin", np.array([0, first], "i4"))
    size = graph.const(f"{name}/size", np.array([-1, count], "i4"))
    return graph.op(name, "Slice", rows, begin, size)


def _filter(
    graph: Graph, part: Recipe, scope: str, suffix: str, rows: str, rng: Generator
) -> None:
    name, start, width = f"filter_type_{scope}{suffix}/", 0, part.components
    blocks = []
    for t, count in enumerate(part.sel):
        pairs = ((t, int(scope)), (int(scope), t)) if scope != "all" else ()
        first, start = start, start + count
        if any(pair in part.excluded for pair in pairs):
            continue
        label = f"{name}Slice_{t}" if t else f"{name}Slice"
        x = _piece(graph, label, rows, width * first, width * count)
        if part.tables:
            blocks.append(_table(graph, part, f"{name}t{t}", x, rng))
            continue
        y = _net(graph, part, name, f"_{t}", x, 1, rng)
        blocks.append(graph.op(f"{name}product{t}", "BatchMatMulV2", x, y))
    if part.kind == "r":
        mean = graph.op(f"{name}Mean", "Mean", graph.op(f"{name}c", "ConcatV2"))
        graph.op(f"{name}mul", "Mul", mean, graph.const(f"{name}mul/y", np.array(0.2)))
        return
    _quotient(graph, part, name, graph.op(f"{name}AddN", "AddN", *blocks))


def _quotient(graph: Graph, part: Recipe, name: str, total: str) -> None:
    divisor = graph.const(f"{name}truediv/y", np.array(sum(part.sel), part.dtype))
    mean = graph.op(f"{name}truediv", "RealDiv", total, divisor)
    begin = graph.const(f"{name}axis/begin", np.zeros(3, "i4"))
    size = graph.const(f"{name}axis/size", np.array([-1, -1, part.axis], "i4"))
    graph.op(f"{name}Slice_axis", "Slice", mean, begin, size)


def _typed(graph: Graph, part: Recipe, suffix: str, rows: str, rng: Generator) -> None:
    scope = f"filter_type_all{suffix}/"
    # The slices of se_atten are outside its scope.
    outside = f"atten{suffix}/" if part.kind == "mixed" else scope
    x = _piece(graph, f"{outside}Slice", rows, 0, 4 * sum(part.sel))
    vectors = 1 if part.one_sided else 2
    if part.typed == "concat":
        ending = suffix if part.repeated else ""
        y = _net(graph, part, scope, ending, x, 1 + WIDTH * vectors, rng)
    else:
        gate = _gate(graph, part, scope, vectors, rng)
        if part.tables:
            values, info = _table_constants(graph, part, f"{scope}table", rng)
            total = graph.op(f"{scope}T", part.tables, values, info, x, x, gate)
            _quotient(graph, part, outside, total)
            return
        y = _net(graph, part, scope, "", x, 1, rng)
        y = graph.op(f"{scope}add", "AddV2", graph.op(f"{scope}gm", "Mul", y, gate), y)
    total = graph.op(f"{outside}product", "BatchMatMulV2", x, y)
    _quotient(graph, part, outside, total)


def _gate(graph: Graph, part: Recipe, scope: str, vectors: int, rng: Generator) -> str:
    ending = "_one_side_ebd" if part.one_sided else "_two_side_ebd"
    if part.tables:
        count = (part.n_types + 1) ** vectors
        source = graph.const(
            f"{scope}lookup/params_0",
            rng.normal(size=(count, part.neuron[-1])).astype(part.dtype),
        )
    else:
        source = _net(graph, part, scope, ending, "t_typeebd", WIDTH * vectors, rng)
    gate = graph.op(f"{scope}lookup", "GatherV2", source)
    gate = graph.op(f"{scope}lookup/Identity", "Identity", gate)
    return graph.op(f"{scope}fade", "Mul", gate, "t_coord") if part.smooth else gate


def _type_vectors(graph: Graph, recipe: Recipe, rng: Generator) -> None:
    inputs = graph.op("one_hot", "OneHot")
    dense = _dense(recipe, recipe.n_types, WIDTH, False, rng)
    dense = replace(dense, biased=False)
    y = graph.layer("type_embed_net/", graph.op("r", "Reshape", inputs), dense, "_1")
    graph.op("t_typeebd", "Identity", y)


def _net(
    graph: Graph,
    part: Recipe,
    scope: str,
    ending: str,
    x: str,
    n_in: int,
    rng: Generator,
) -> str:
    for k, wider in enumerate(part.neuron, start=1):
        idt = part.idt and wider in (n_in, 2 * n_in)
        dense = _dense(part, n_in, wider, idt, rng)
        x = graph.layer(scope, x, dense, f"_{k}{ending}")
        n_in = wider
    return x


def _table(graph: Graph, part: Recipe, name: str, piece: str, rng: Generator) -> str:
    rows = graph.op(f"{name}/Reshape", "Reshape", piece)
    constants = _table_constants(graph, part, name, rng)
    inputs = (rows,) if part.kind == "r" else (rows, rows)
    return graph.op(name, part.tables, *constants, *inputs)


def _table_constants(
    graph: Graph, part: Recipe, name: str, rng: Generator
) -> tuple[str, str]:
    values = rng.normal(size=(N_TABLE_ROWS, 6 * part.neuron[-1])).astype(part.dtype)
    info = np.array(TABLE_RANGE, part.dtype)
    return graph.const(f"{name}/data", values), graph.const(f"{name}/info", info)


def _fitting(
    graph: Graph, recipe: Recipe, n_in: int, ending: str, rng: Generator
) -> None:
    widths, x = (n_in, *recipe.fitting), "D"
    for k in range(len(recipe.fitting)):
        same = k > 0 and widths[k] == widths[k + 1]
        dense = _dense(recipe, widths[k], widths[k + 1], recipe.idt and same, rng)
        x = graph.layer(f"layer_{k}{ending}/", x, dense)
    last = replace(_dense(recipe, widths[-1], 1, False, rng), activation="linear")
    graph.layer(f"final_layer{ending}/", x, last)


def _dense(recipe: Recipe, n_in: int, n_out: int, idt: bool, rng: Generator) -> Dense:
    weight = rng.normal(size=(n_in, n_out)).astype(recipe.dtype)
    bias = rng.normal(size=n_out).astype(recipe.dtype)
    step = rng.normal(size=(1, n_out)).astype(recipe.dtype) if idt else None
    return Dense(weight, bias, step, recipe.activation)


def take_vacuum_off(graph: Graph, energy: float | None) -> None:
    """Add ``atom_ener`` of type 1: less its net at zero, of old an energy more."""
    weight, out = "final_layer_type_1/matrix/read", "final_layer_type_1/BiasAdd"
    graph.op("zero", "MatMul", "D", weight)
    graph.op("zero_out", "BiasAdd", "zero", "final_layer_type_1/bias/read")
    if energy is None:
        graph.op("sub", "Sub", out, "zero_out")
        return
    constant = graph.const("fitting_attr/atom_1_ener", np.array(energy))
    graph.op("add", "AddV2", out, graph.op("sub", "Sub", constant, "zero_out"))
