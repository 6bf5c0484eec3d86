"""Steps of molecular dynamics, and their stages, size by size until time is over."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import dpse_fast
from dpse_fast.trajectory import Frame, model_types

from ...gemm import layer_flops
from ...ratios import median
from ...stages import fitting_shapes
from ..backend import Backend, backend_named
from ..models import Subject, subjects
from ..motion import BLOCK, SKIN, Box
from ..running import emit

SETUP_SECONDS = 3.0  # to load a potential and make a box
GUESS = 2e-7  # seconds an atom and step of what has not run yet


class Kind(NamedTuple):
    """How a potential is loaded."""

    precision: str
    gemm: str
    deterministic: bool

    def product_rate(self, ceilings: Mapping[str, Any]) -> float | None:
        """Operations/s of its matrix products as measured; tf32x3 multiplies thrice."""
        if self.precision == "double":
            return ceilings.get("product_float64")
        if self.gemm == "float32":
            return ceilings.get("product_float32")
        rate = ceilings.get("product_tf32")
        return rate / 3 if rate and self.gemm == "tf32x3" else rate


class Measurement:
    """A model's runs, as long as there is time.

    Parameters
    ----------
    ends : of `time.monotonic`
    """

    def __init__(
        self, backend: Backend, subject: Subject, ends: float, options: dict[str, Any]
    ) -> None:
        self._backend, self._subject, self._ends = backend, subject, ends
        self._blocks, self._options = int(options["blocks"]), options
        self._pace: dict[Kind, float] = {}

    def run(self, kind: Kind, size: int) -> None:
        """Emit what a size takes, or why it was left out."""
        named = {"subject": self._subject.label, **kind._asdict(), "asked_for": size}
        need = self._need(kind, size)
        left = self._ends - time.monotonic()
        if need > left:
            why = f"about {need:.0f} s needed, {left:.0f} s left"
            emit({"left_out": why, **named})
            return
        try:
            emit({**named, **self._measure(kind, size)})
        except dpse_fast.errors.DpseError as error:
            emit({"left_out": str(error), **named})
        except Exception as error:
            if "memory" not in type(error).__name__.lower():
                raise
            emit({"left_out": f"out of memory: {error}", **named})
        self._backend.release()

    def _need(self, kind: Kind, size: int) -> float:
        pace = self._pace.get(kind, max([GUESS, *self._pace.values()]))
        return SETUP_SECONDS + pace * size * BLOCK * (self._blocks + 1)

    def _measure(self, kind: Kind, size: int) -> dict[str, Any]:
        backend, start = self._backend, time.perf_counter()
        potential = self._subject.configured(backend.device, *kind)
        frame = self._subject.frame(potential)
        box = Box(backend, frame, potential.type_map, size)
        backend.synchronise()
        found: dict[str, Any] = {"atoms": box.n_atoms}
        found["prepared_seconds"] = time.perf_counter() - start
        before = backend.used_bytes()
        session = potential.session(SKIN)
        steps, walls = self._steps(session, box, found)
        blocks = [sum(steps[k : k + BLOCK]) for k in range(BLOCK, len(steps), BLOCK)]
        n = box.n_atoms
        found |= {
            "block_seconds": blocks,
            "step_seconds": median([s for k, s in enumerate(steps) if k % BLOCK]),
            "build_seconds": median(steps[BLOCK::BLOCK]),
            "wall_over_device": sum(walls[BLOCK:]) / sum(steps[BLOCK:]),
            "atom_steps_per_s": BLOCK * n / median(blocks),
            "ns_per_atom": 1e9 * median(blocks) / BLOCK / n,
            "list_builds": session.list_builds,
        }
        self._pace[kind] = median(blocks) / BLOCK / n
        expected = len(steps) // BLOCK
        if session.list_builds != expected:
            found["note"] = f"{expected} lists were meant, not {session.list_builds}"
        after = backend.used_bytes()
        if before is not None and after is not None:
            found["memory_bytes_per_atom"] = (after - before) / n
        del session
        if size == self._options["stages_at"]:
            found["stages"] = self._stages(potential, box)
            found["products"] = self._products(potential, kind, frame, found)
        return found

    def _steps(
        self, session: Any, box: Box, found: dict[str, Any]
    ) -> tuple[list[float], list[float]]:
        """Seconds of every step by the device's clock and ours; a block warms up."""
        backend = self._backend
        steps, walls = [], []
        for step in range(BLOCK * (self._blocks + 1)):
            arguments = box.arguments(step)
            backend.synchronise()
            wall, begin = time.perf_counter(), backend.mark()
            session.compute(*arguments)
            steps.append(backend.seconds_between(begin, backend.mark()))
            walls.append(time.perf_counter() - wall)
        found["first_seconds"] = walls[0]
        return steps, walls

    def _stages(self, potential: dpse_fast.Potential, box: Box) -> dict[str, Any]:
        """Of one block, after one that is not counted."""
        session = potential.session(SKIN, profile=True)
        for step in range(BLOCK):
            session.compute(*box.arguments(step))
        before, backend = session.stage_seconds, self._backend
        total = 0.0
        for step in range(BLOCK, 2 * BLOCK):
            arguments = box.arguments(step)
            backend.synchronise()
            begin = backend.mark()
            session.compute(*arguments)
            total += backend.seconds_between(begin, backend.mark())
        each = 1e9 / (BLOCK * box.n_atoms)
        after = session.stage_seconds
        found = {name: each * (after[name] - before[name]) for name in after}
        return {
            "ns_per_atom": found,
            "other_ns_per_atom": each * total - sum(found.values()),
        }

    def _products(
        self,
        potential: dpse_fast.Potential,
        kind: Kind,
        frame: Frame,
        found: dict[str, Any],
    ) -> dict[str, float]:
        """The matrix products of the fitting nets alone at their measured rate.

        No fitting stage and no step can be shorter; operations are those of the
        layers' shapes, there and back.
        """
        rate = kind.product_rate(self._options["ceilings"])
        if not rate:
            return {}
        shapes = fitting_shapes(potential)
        types = model_types(frame, potential.type_map).tolist()
        operations = sum(layer_flops(shapes[t]) for t in types) / len(types)
        least = 1e9 * operations / rate
        return {
            "flops_per_atom": operations,
            "ns_per_atom": least,
            "of_fitting": least / found["stages"]["ns_per_atom"]["fitting"],
            "of_step": least / found["ns_per_atom"],
        }


def main() -> None:
    options = json.loads(sys.argv[1])
    backend = backend_named(options["device"])
    kinds = [Kind(*kind) for kind in options["kinds"]]
    chosen = subjects(options)
    begun = time.monotonic()
    for k, subject in enumerate(chosen):
        ends = begun + options["seconds"] * (k + 1) / len(chosen)
        measurement = Measurement(backend, subject, ends, options)
        for size in options["sizes"]:
            for kind in kinds:
                measurement.run(kind, size)


if __name__ == "__main__":
    main()
