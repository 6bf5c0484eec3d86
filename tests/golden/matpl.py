"""Rebuilds the golden files of MatPL's module layout (``matpl*.pt``).

    PYTORCH/bin/python matpl.py

MatPL itself is not needed: modules with its attribute names are scripted and saved by
PyTorch, and a plain PyTorch transcription of its published formula gives the numbers.
"""

from __future__ import annotations

import itertools
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from structures import structure

HERE = Path(__file__).resolve().parent
FRAMES = ("orthorhombic", "triclinic", "tiny", "overflow")
NUMBERS = [8, 1]
RCUT, RCUT_SMTH, SLOTS, AXIS = 4.0, 0.7, 9, 3
torch.manual_seed(11)
torch.set_default_dtype(torch.float64)


class LayerModule(torch.nn.Module):
    def __init__(self, n_in: int, n_out: int, step: bool) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(n_in, n_out) / n_in**0.5)
        self.bias = torch.nn.Parameter(0.3 * torch.randn(1, n_out))
        self.resnet_dt = torch.nn.Parameter(1 + torch.randn(1, n_out)) if step else None


class _Net(torch.nn.Module):
    def __init__(self, sizes: list[int], steps: list[bool], flag: bool) -> None:
        super().__init__()
        self.network_size = sizes
        self.bias_flag = True
        self.resnet_dt_flag = flag
        self.layers = torch.nn.ModuleList(
            LayerModule(a, b, step)
            for a, b, step in zip(sizes[:-1], sizes[1:], steps, strict=True)
        )


class EmbeddingNet(_Net):
    def evaluate(self, x: Any) -> Any:
        for layer in self.layers:
            y = torch.tanh(x @ layer.weight + layer.bias)
            n_in, n_out = layer.weight.shape
            if n_out in (n_in, 2 * n_in):
                y = y if layer.resnet_dt is None else y * layer.resnet_dt
                y = y + torch.cat([x] * (n_out // n_in), dim=-1)
            x = y
        return x


class FittingNet(_Net):
    def evaluate(self, x: Any) -> Any:
        *hidden, last = self.layers
        for k, layer in enumerate(hidden):
            y = torch.tanh(x @ layer.weight + layer.bias)
            if k:
                y = y if layer.resnet_dt is None else y * layer.resnet_dt
                y = y + x
            x = y
        return x @ last.weight + last.bias


class DP(torch.nn.Module):
    def __init__(self, widths: list[int], hidden: list[int]) -> None:
        super().__init__()
        n = len(NUMBERS)
        self.model_type = "DP"
        self.ntypes = n
        self.atom_type = NUMBERS
        self.M2, self.Rmax, self.Rmin, self.maxNeighborNum = (
            AXIS,
            RCUT,
            RCUT_SMTH,
            SLOTS,
        )
        pairs = torch.zeros(n, n, 4)
        pairs[..., 0] = 0.1 * torch.rand(n, n)
        deviations = 0.3 + 0.2 * torch.rand(n, n, 2)[..., [0, 1, 1, 1]]
        self.davg = pairs.repeat_interleave(SLOTS, 1).reshape(n, -1)
        self.dstd = deviations.repeat_interleave(SLOTS, 1).reshape(n, -1)
        self.compress_tab = None
        self.embedding_net = torch.nn.ModuleList(self.embeddings(widths))
        self.fitting_net = torch.nn.ModuleList(
            FittingNet([AXIS * widths[-1], *hidden, 1],
                       [False, *[True] * (len(hidden) - 1), False], True)
            for _ in NUMBERS
        )  # fmt: skip

    def embeddings(self, widths: list[int]) -> list[EmbeddingNet]:
        return [
            EmbeddingNet([1, *widths], [True] * len(widths), True)
            for _ in range(len(NUMBERS) ** 2)
        ]

    def embed(self, s: Any, centre: int, neighbour: int) -> Any:
        return self.embedding_net[centre * self.ntypes + neighbour].evaluate(s)


class TypeDP(DP):
    def __init__(self, widths: list[int], hidden: list[int]) -> None:
        super().__init__(widths, hidden)
        self.physical_property = ["atomic_number", "pauling"]
        self.type_vector = {8: [0.07, 0.83], 1: [0.0, 0.46]}

    def embeddings(self, widths: list[int]) -> list[EmbeddingNet]:
        return [EmbeddingNet([3, *widths], [False] * len(widths), False)]

    def embed(self, s: Any, centre: int, neighbour: int) -> Any:
        values = torch.tensor(self.type_vector[NUMBERS[neighbour]])
        both = torch.cat([s, values.expand(len(s), 2)], dim=-1)
        return self.embedding_net[-1].evaluate(both)


def inverse_smooth(r: Any) -> Any:
    u = (r - RCUT_SMTH) / (RCUT - RCUT_SMTH)
    fading = u**3 * (-6 * u**2 + 15 * u - 10) + 1
    return torch.where(r < RCUT_SMTH, torch.ones_like(r), fading) / r


def atomic_energy(model: DP, x: Any, i: int, kinds: Any, cell: Any) -> Any:
    centre = int(kinds[i])
    counts = itertools.product(range(-3, 4), repeat=3)
    shifts = torch.tensor(list(counts), dtype=x.dtype) @ cell
    total: Any = 0
    n = len(NUMBERS)
    means = model.davg.reshape(n, n, SLOTS, 4)[centre]
    deviations = model.dstd.reshape(n, n, SLOTS, 4)[centre]
    for neighbour in range(n):
        d = (x[kinds == neighbour][None] + shifts[:, None] - x[i]).reshape(-1, 3)
        d = d[(r2 := (d**2).sum(1)).lt(RCUT**2) & r2.gt(1e-8)]
        r = d.norm(dim=1)
        nearest = torch.argsort(r)[:SLOTS]
        r, d = r[nearest], d[nearest]
        s = inverse_smooth(r)
        rows = torch.zeros(SLOTS, 4)
        rows[: len(r)] = torch.cat([s[:, None], s[:, None] * d / r[:, None]], dim=1)
        rows = (rows - means[neighbour]) / deviations[neighbour]
        total = total + rows.T @ model.embed(rows[:, :1], centre, neighbour)
    total = total / (SLOTS * n)
    descriptor = (total.T @ total[:, :AXIS]).reshape(1, -1)
    return model.fitting_net[centre].evaluate(descriptor)[0, 0]


def reference(model: DP) -> dict[str, Any]:
    found = {}
    for name in FRAMES:
        positions, cell, kinds = structure(name, len(NUMBERS))
        x = torch.tensor(positions, requires_grad=True)
        kind, box = torch.tensor(kinds), torch.tensor(cell)
        energies = torch.stack(
            [atomic_energy(model, x, i, kind, box) for i in range(len(kinds))]
        )
        energies.sum().backward()
        assert x.grad is not None
        frame = {"positions": positions, "cell": cell, "types": kinds,
                 "forces": -x.grad.numpy(),
                 "atomic_energies": energies.detach().numpy()}  # fmt: skip
        found |= {f"{name}/{key}": value for key, value in frame.items()}
    return found


def save(model: DP, name: str) -> None:
    """Script and save a module under the names of MatPL's classes, without program."""
    for kind, place in (
        (type(model), "src.model.dp_dp_script"),
        *((part, "src.model.dp_embedding")
          for part in (EmbeddingNet, FittingNet, LayerModule)),
    ):  # fmt: skip
        module = sys.modules.setdefault(place, types.ModuleType(place))
        setattr(module, kind.__name__, kind)
        kind.__module__ = place
    file = HERE / f"{name}.pt"
    torch.jit.script(model).save(str(file))
    with zipfile.ZipFile(file) as source:
        members = [(member, source.read(member)) for member in source.infolist()]
    with zipfile.ZipFile(file, "w") as target:
        for member, content in members:
            if not member.filename.endswith(".debug_pkl"):
                target.writestr(member, b"" if "/code/" in member.filename else content)


def main() -> None:
    models = {"matpl": DP([4, 8, 8], [6, 6]), "matpl_typed": TypeDP([5, 5], [6, 6])}
    for name, model in models.items():
        np.savez_compressed(HERE / f"{name}.pt.npz", **reference(model))
        save(model, name)


if __name__ == "__main__":
    main()
