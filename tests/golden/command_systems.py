"""Small npy systems with labels, made anew from the golden structures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
NAMES = ("O", "H")
SETS = ("a", "b", "deep/c")  # in the order of the list of systems
LABELS = ("energy", "force", "virial")
MIXED = "trained_atten.pb"  # a model that deepmd-kit evaluates mixed systems with
MODELS = ("trained.pb", "trained-compressed.pb", "trained_one_sided-compressed.pb")


def write_systems(folder: Path) -> None:
    """Writes the systems, and a list of them.

    ``a`` has two sets and all labels, ``b`` no virials and its types in another order,
    ``deep/c`` open boundaries and only forces. Not in the list: ``one`` with one
    frame, ``mixed`` with other types in each frame.
    """
    _write(folder / "a", "orthorhombic", [3, 2], LABELS)
    _write(folder / "b", "triclinic", [3], LABELS[:2], order=(1, 0))
    _write(folder / "deep/c", "open", [2], ("force",))
    _write(folder / "mixed", "tiny", [4], LABELS, mixed=True)
    _write(folder / "one", "triclinic", [1], LABELS)
    (folder / "list").write_text("".join(f"{name}\n" for name in SETS))


def _write(
    system: Path,
    structure: str,
    sizes: Sequence[int],
    labels: Sequence[str],
    order: Sequence[int] = (0, 1),
    mixed: bool = False,
) -> None:
    rng = np.random.default_rng(sum(structure.encode()) + len(sizes))
    known = np.load(HERE / "plain.npz")
    positions, cell, types, energy, forces, virial = (
        known[f"{structure}/{name}"]
        for name in ("positions", "cell", "types", "energy", "forces", "virial")
    )
    system.mkdir(parents=True)
    number = np.argsort(order)[types] * (not mixed)
    np.savetxt(system / "type.raw", number, fmt="%d")
    (system / "type_map.raw").write_text("".join(f"{NAMES[t]}\n" for t in order))
    if not cell.size:
        (system / "nopbc").touch()
    for k, n in enumerate(sizes):
        place = system / f"set.{k:03d}"
        place.mkdir()
        moved = positions + rng.normal(scale=0.02, size=(n, *positions.shape))
        found = {
            "coord": moved,
            "energy": energy + rng.normal(scale=0.1, size=n),
            "force": forces + rng.normal(scale=0.1, size=moved.shape),
            "virial": virial + rng.normal(scale=0.3, size=(n, 3, 3)),
        }
        if cell.size:
            found["box"] = np.repeat(cell[None], n, axis=0)
        if mixed:
            found["real_atom_types"] = rng.permuted(np.tile(types, (n, 1)), axis=1)
        for name, values in found.items():
            if name in labels or name not in LABELS:
                np.save(place / f"{name}.npy", values.reshape(n, -1))
