"""Values with their first two derivatives: the switch and the embedding of r."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..array_types import Floats
from ..kernels.layout import Switch
from ..model import Descriptor, Embedding, EmbeddingTable, Gated, Net
from ..model.activations import activation

Jet = tuple[Floats, Floats, Floats]


def switch_of(descriptor: Descriptor) -> Switch:
    """The descriptor's switch, with TensorFlow's float32 constants where due."""
    cutoff, start = descriptor.rcut, descriptor.rcut_smth
    width = cutoff - start
    if descriptor.switch_float32:
        width = float(np.float32(cutoff) - np.float32(start))
        cutoff, start = float(np.float32(cutoff)), float(np.float32(start))
    return Switch(cutoff, start, 1.0 / width, descriptor.env_protection)


def switch_jet(r: Floats, switch: Switch) -> Jet:
    """w(r) and its derivatives in 1/Å; see `Switch`."""
    u = np.clip((r - switch.start) * switch.inverse_width, 0.0, 1.0)
    k = switch.inverse_width
    w = u**3 * (u * (15 - 6 * u) - 10) + 1
    w1 = -30 * (u * (1 - u)) ** 2 * k
    w2 = -60 * u * (1 - u) * (1 - 2 * u) * k * k
    return w, w1, w2


def radial_jet(r: Floats, switch: Switch) -> Jet:
    """s(r) = w(r)/(r + protection) in 1/Å and its derivatives; see `Switch`."""
    w, w1, w2 = switch_jet(r, switch)
    inverse = 1 / (r + switch.protection)
    s = w * inverse
    s1 = (w1 - s) * inverse
    return s, s1, (w2 - 2 * s1) * inverse


def chain(outer: Jet, inner: Jet) -> Jet:
    """The jet of f(g(r)) from f's at g(r), one column a channel, and g's at r."""
    f, f1, f2 = outer
    _, g1, g2 = (part[:, None] for part in inner)
    return f, f1 * g1, f2 * g1 * g1 + f1 * g2


def net_jet(net: Net, x: Floats) -> Jet:
    """The net's output (n, n_out) at scalars x (n,) and its derivatives in x."""
    y: Floats = x[:, None]
    y1, y2 = np.ones_like(y), np.zeros_like(y)
    for layer in net.layers:
        weight = layer.weight.astype(np.float64)
        a, a1, a2 = activation(layer.activation).jet(y @ weight + layer.bias)
        z1, z2 = y1 @ weight, y2 @ weight
        jet = (a, a1 * z1, a2 * z1 * z1 + a1 * z2)
        if layer.idt is not None:
            jet = (jet[0] * layer.idt, jet[1] * layer.idt, jet[2] * layer.idt)
        copies = {"none": 0, "identity": 1, "double": 2}[layer.skip]
        if copies:
            old = (np.tile(part, copies) for part in (y, y1, y2))
            y, y1, y2 = (new + skip for new, skip in zip(jet, old, strict=True))
        else:
            y, y1, y2 = jet
    return y, y1, y2


def table_jet(table: EmbeddingTable, x: Floats) -> Jet:
    """A compressed file's embedding at x (n,), by the file's own rules."""
    last = table.n_rows - 1
    inside = np.clip(x, table.lower, np.nextafter(table.maximum, -np.inf))
    if table.beyond == "clamp":
        inside = np.where(x >= table.maximum, table.last_row_start, inside)
    fine = inside < table.upper
    low = np.floor((inside - table.lower) / table.stride0)
    low = np.minimum(low, len(table.coefficients) - 1)
    high = np.floor((inside - table.upper) / table.stride1)
    high = np.minimum(high, last - table.n_fine)
    row = np.where(fine, low, table.n_fine + high).astype(np.int64)
    left = np.where(
        fine, table.lower + low * table.stride0, table.upper + high * table.stride1
    )
    t = (inside - left)[:, None]
    c = np.moveaxis(table.coefficients[row].astype(np.float64), 2, 0)
    y, y1, y2 = c[5], 5 * c[5], 20 * c[5]
    for p in (4, 3, 2, 1, 0):
        y = y * t + c[p]
        y1 = y1 * t + p * c[p] if p else y1
        y2 = y2 * t + p * (p - 1) * c[p] if p > 1 else y2
    return _beyond(table, x - inside, (y, y1, y2))


def _beyond(table: EmbeddingTable, excess: Floats, jet: Jet) -> Jet:
    outside = (excess != 0)[:, None]
    y, y1, y2 = jet
    if table.beyond == "linear":
        return y + y1 * excess[:, None], y1, np.where(outside, 0.0, y2)
    return y, np.where(outside, 0.0, y1), np.where(outside, 0.0, y2)


def embedding_jet(embedding: Net | EmbeddingTable, x: Floats) -> Jet:
    """G(x), dG/dx and d²G/dx² (each (n, M)) at normalised s."""
    if isinstance(embedding, EmbeddingTable):
        return table_jet(embedding, x)
    return net_jet(embedding, x)


def empty_channels(embedding: Embedding, x: float) -> Floats:
    """G (M,) of an empty slot, whose switch is 0."""
    radial = embedding.radial if isinstance(embedding, Gated) else embedding
    channels: Floats = embedding_jet(radial, np.array([x]))[0][0]
    if isinstance(embedding, Gated) and not embedding.smooth:
        channels = channels * (1 + embedding.gate.astype(np.float64))
    return channels


def fade_jet(gate: Gated, r: Floats, switch: Switch, rcut_smth: float) -> Jet:
    """The factor w of a smooth gate at r and its derivatives in 1/Å."""
    if not gate.cubic:
        return switch_jet(r, switch)
    s, s1, s2 = radial_jet(r, switch)
    k = rcut_smth  # as the file states it, where the switch may have rounded it
    u = np.maximum(1 - k * s, 0)
    w2 = 3 * k * u * (u * s2 - 2 * k * s1 * s1)
    return 1 - u**3, 3 * k * u * u * s1, w2


def gated(
    embedding: Gated, jet: Jet, r: Floats, switch: Switch, rcut_smth: float
) -> Jet:
    """The jet in r of the gated embedding from that of its radial part."""
    gate = embedding.gate.astype(np.float64)
    y, y1, y2 = jet
    if not embedding.smooth:
        return y * (1 + gate), y1 * (1 + gate), y2 * (1 + gate)
    w, w1, w2 = (part[:, None] for part in fade_jet(embedding, r, switch, rcut_smth))
    f = 1 + gate * w
    f1, f2 = gate * w1, gate * w2
    return y * f, y1 * f + y * f1, y2 * f + 2 * y1 * f1 + y * f2


def net_kinks(net: Net, x: Floats) -> Floats:
    """Where, between the samples x, a piecewise activation changes its piece."""
    found: list[Floats] = []
    for depth, layer in enumerate(net.layers):
        for level in activation(layer.activation).breakpoints:

            def height(at: Floats, depth: int = depth, level: float = level) -> Floats:
                y = at[:, None]
                if depth:
                    y = Net(net.layers[:depth])(y)
                last = net.layers[depth]
                return np.asarray(y @ last.weight + last.bias - level)

            found.append(_roots(height, x))
    return np.unique(np.concatenate(found)) if found else np.empty(0)


def _roots(height: object, x: Floats) -> Floats:
    assert callable(height)
    sign = np.sign(height(x))
    sample, channel = np.nonzero(sign[1:] * sign[:-1] < 0)
    low, high = x[sample], x[sample + 1]
    if not sample.size:
        return low
    take = np.arange(sample.size)
    below = sign[sample, channel]
    for _ in range(60):
        middle = 0.5 * (low + high)
        left = np.sign(height(middle)[take, channel]) == below
        low, high = np.where(left, middle, low), np.where(left, high, middle)
    return 0.5 * (low + high)


@dataclass(frozen=True, eq=False)
class RadialEmbedding:
    """One (centre, neighbour) pair's embedding as a function of r.

    x = (s(r) − mean)·scale is the net's input; ``rcut_smth`` (Å) is the descriptor's.
    """

    embedding: Embedding
    switch: Switch
    mean: float
    scale: float
    rcut_smth: float

    def __call__(self, r: Floats) -> Jet:
        """G(r), dG/dr, d²G/dr²: (n, M) each, r in Å."""
        s, s1, s2 = radial_jet(r, self.switch)
        x = ((s - self.mean) * self.scale, s1 * self.scale, s2 * self.scale)
        jet = chain(embedding_jet(self.radial, x[0]), x)
        if isinstance(self.embedding, Gated):
            return gated(self.embedding, jet, r, self.switch, self.rcut_smth)
        return jet

    @property
    def radial(self) -> Net | EmbeddingTable:
        """The part that depends on x alone."""
        if isinstance(self.embedding, Gated):
            return self.embedding.radial
        return self.embedding

    def breakpoints(self, shortest: float) -> Floats:
        """The distances between shortest and the cutoff where derivatives jump."""
        grid = np.linspace(shortest, self.switch.cutoff, 4097)
        x = (radial_jet(grid, self.switch)[0] - self.mean) * self.scale
        levels: Floats
        if isinstance(self.radial, EmbeddingTable):
            table = self.radial
            n_coarse = int((table.maximum - table.upper) / table.stride1)
            levels = np.concatenate(
                [
                    table.lower + table.stride0 * np.arange(table.n_fine + 1),
                    table.upper + table.stride1 * np.arange(n_coarse),
                    [table.maximum],
                ]
            )
        else:
            levels = net_kinks(self.radial, np.sort(x))
        inside = levels[(levels > x.min()) & (levels < x.max())]
        return self._distances(inside, grid) if inside.size else inside

    def _distances(self, levels: Floats, grid: Floats) -> Floats:
        """Invert x(r), which falls (or, for a negative scale, rises) with r."""

        def x_of(r: Floats) -> Floats:
            return (radial_jet(r, self.switch)[0] - self.mean) * self.scale

        low = np.full(levels.shape, grid[0])
        high = np.full(levels.shape, grid[-1])
        falling = self.scale > 0
        for _ in range(60):
            middle = 0.5 * (low + high)
            right = (x_of(middle) > levels) == falling
            low, high = np.where(right, middle, low), np.where(right, high, middle)
        return np.unique(0.5 * (low + high))
