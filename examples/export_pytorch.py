"""Train a small DeepPot-SE potential in plain PyTorch and export it with h5py.

The model is an ordinary torch.nn.Module; `export` writes it in the format of
docs/model-format.md. Both are evaluated on the same cluster and agree to the last
digits.

    python examples/export_pytorch.py model.h5
"""

import sys
from itertools import pairwise

import h5py
import numpy as np
import torch
from torch import nn

import dpse_fast

TYPES = ["O", "H"]
RCUT, RCUT_SMTH = 5.0, 1.0  # Å
SEL = [16, 16]  # more neighbours of each type than any atom has
WIDTH, AXIS, NORMALISATION = 16, 4, 8.0
DEVIATION = [0.2, 0.1, 0.1, 0.1]  # typical size of a neighbour's four numbers


def net(*widths):
    layers = [f for a, b in pairwise(widths) for f in (nn.Linear(a, b), nn.Tanh())]
    return nn.Sequential(*layers)


class DeepPotSE(nn.Module):
    """Energy (eV) of atoms at x (N, 3) in Å; nets by type, no padding."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.ModuleList(net(1, 8, WIDTH) for _ in TYPES)
        self.fitting = nn.ModuleList(
            net(WIDTH * AXIS, 32, 32).append(nn.Linear(32, 1)) for _ in TYPES
        )
        self.bias = nn.Parameter(torch.zeros(len(TYPES)))  # eV an atom
        self.register_buffer("deviation", torch.tensor(DEVIATION))

    def forward(self, x, types):
        d = x[None, :] - x[:, None]  # from centre i to neighbour j
        r = (d.square().sum(-1) + torch.eye(len(x))).sqrt()
        u = ((r - RCUT_SMTH) / (RCUT - RCUT_SMTH)).clamp(0, 1)
        switch = 1 + u**3 * (-10 + 15 * u - 6 * u**2)
        s = switch / r * (1 - torch.eye(len(x)))
        row = torch.cat([s[..., None], (s / r)[..., None] * d], -1) / self.deviation
        g = sum(
            (types == t)[None, :, None] * embedding(row[..., :1])
            for t, embedding in enumerate(self.embedding)
        )
        moments = torch.einsum("ijm,ijk->imk", g, row) / NORMALISATION
        features = torch.einsum("imk,iak->ima", moments, moments[:, :AXIS]).flatten(1)
        return sum(
            ((types == t) * (fitting(features)[:, 0] + self.bias[t])).sum()
            for t, fitting in enumerate(self.fitting)
        )


def write_net(group, layers):
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    for k, layer in enumerate(linear):
        part = group.create_group(str(k))
        part["weight"] = layer.weight.detach().numpy().T  # the file has (in, out)
        part["bias"] = layer.bias.detach()
        part.attrs["activation"] = "linear" if layer is layers[-1] else "tanh"


def export(model, path):
    with h5py.File(path, "w") as file:
        file.attrs.update(format="dpse-fast model", version=1, type_map=TYPES)
        file["bias"] = model.bias.detach()
        descriptor = file.create_group("descriptor")
        descriptor.attrs.update(type="se_e2_a", rcut=RCUT, rcut_smth=RCUT_SMTH, sel=SEL)
        descriptor.attrs.update(axis_neuron=AXIS, normalisation=NORMALISATION)
        descriptor["davg"] = np.zeros((2, 2, 4))  # no mean: empty slots count nothing
        descriptor["dstd"] = np.broadcast_to(model.deviation, (2, 2, 4))
        for t in range(len(TYPES)):
            write_net(descriptor.create_group(f"embedding/all_{t}"), model.embedding[t])
            write_net(file.create_group(f"fitting/{t}"), model.fitting[t])


def toy_energy(x, types):
    """Morse pairs, deeper between unlike atoms: stands for the reference data."""
    i, j = np.triu_indices(len(x), 1)
    decay = torch.exp(-1.5 * ((x[i] - x[j]).norm(dim=-1) - 1.5))
    return (torch.where(types[i] == types[j], 0.2, 0.5) * (decay - 2) * decay).sum()


def main(path):
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(1)
    types = torch.arange(9) % len(TYPES)
    grid = 1.7 * torch.cartesian_prod(*[torch.arange(3.0)] * 3)[::3]
    clusters = [grid + 0.2 * torch.randn(9, 3) for _ in range(12)]
    energies = torch.stack([toy_energy(x, types) for x in clusters])
    model = DeepPotSE()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for step in range(151):
        loss = torch.stack([model(x, types) for x in clusters]) - energies
        if step % 50 == 0:
            print(f"step {step}: error {loss.square().mean().sqrt():.3f} eV")
        optimizer.zero_grad()
        loss.square().mean().backward()
        optimizer.step()
    export(model, path)
    x = clusters[0].requires_grad_()
    energy = model(x, types)
    energy.backward()
    result = dpse_fast.load(path, tol=0).compute(x.detach().numpy(), types.numpy())
    gap = abs(result.energy - energy.item())
    force_gap = np.abs(result.forces + x.grad.numpy()).max()
    print(f"largest differences: {gap:.1e} eV, {force_gap:.1e} eV/Å")
    return gap, force_gap


if __name__ == "__main__":
    main(sys.argv[1])
