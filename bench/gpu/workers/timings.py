"""Steps of molecular dynamics, and their stages, size by size until time is over."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import dpse_fast
from dpse_fast.trajectory import Frame, model_types

from ...gemm import layer_flops
from ...ratios import median
from ...stages import fitting_shapes
from ..backend import Backend
from ..models import Kind, Subject, subjects
from ..motion import BLOCK, SKIN, Box
from .capacity import failure

SETUP_SECONDS = 3.0  # to load a potential and make a box
GUESS = 2e-7  # seconds an atom and step of what has not run yet


def product_rate(kind: Kind, ceilings: Mapping[str, Any]) -> float | None:
    """Operations/s of its matrix products as measured; tf32x3 multiplies thrice."""
    if kind.precision == "double":
        return ceilings.get("product_float64")
    rate = ceilings.get(f"product_{kind.gemm.removesuffix('x3')}")
    return rate / 3 if rate and kind.gemm == "tf32x3" else rate


def products_of(
    potential: dpse_fast.Potential, frame: Frame, rate: float | None, ns: float
) -> dict[str, float]:
    """The matrix products of the fitting nets alone at their measured rate.

    No fitting stage and no step can be shorter; operations are those of the layers'
    shapes, there and back.

    Parameters
    ----------
    rate : operations/s, if it was measured
    ns : of an atom in a step
    """
    if not rate:
        return {}
    shapes = fitting_shapes(potential)
    types = model_types(frame, potential.type_map).tolist()
    operations = sum(layer_flops(shapes[t]) for t in types) / len(types)
    least = 1e9 * operations / rate
    return {"flops_per_atom": operations, "ns_per_atom": least, "of_step": least / ns}


class Measurement:
    """A model's runs, as long as there is time.

    Parameters
    ----------
    ends : of `time.monotonic`
    options : ``blocks``, ``stages_at``, ``ceilings``
    """

    def __init__(
        self, backend: Backend, subject: Subject, ends: float, options: dict[str, Any]
    ) -> None:
        self._backend, self._subject, self._ends = backend, subject, ends
        self._blocks, self._options = int(options["blocks"]), options
        self._pace: dict[Kind, float] = {}

    def run(self, kind: Kind, size: int) -> dict[str, Any]:
        """What a size takes, or why it was left out."""
        named = {"subject": self._subject.label, **kind.described(), "asked_for": size}
        pace = self._pace.get(kind, max([GUESS, *self._pace.values()]))
        need = SETUP_SECONDS + pace * size * BLOCK * (self._blocks + 1)
        left = self._ends - time.monotonic()
        if need > left:
            why = f"about {need:.0f} s needed, {left:.0f} s left"
            return {"left_out": why, **named}
        try:
            return {**named, **self._measure(kind, size)}
        except Exception as error:
            return {"left_out": failure(error), **named}
        finally:
            self._backend.release()

    def _measure(self, kind: Kind, size: int) -> dict[str, Any]:
        backend, start = self._backend, time.perf_counter()
        potential = self._subject.load(backend.device, kind)
        frame = self._subject.frame(potential)
        box = Box(backend, frame, potential.type_map, size)
        backend.synchronise()
        prepared, before = time.perf_counter() - start, backend.used_bytes()
        session, n = potential.session(SKIN), box.n_atoms
        # The first block warms up.
        both = self._steps(session, box, range(BLOCK * (self._blocks + 1)))
        steps, walls = ([each[k] for each in both] for k in (0, 1))
        blocks = [sum(steps[k : k + BLOCK]) for k in range(BLOCK, len(steps), BLOCK)]
        self._pace[kind] = median(blocks) / BLOCK / n
        ns = 1e9 * self._pace[kind]
        found = {
            "atoms": n,
            "prepared_seconds": prepared,
            "first_seconds": walls[0],
            "block_seconds": blocks,
            "step_seconds": median([s for k, s in enumerate(steps) if k % BLOCK]),
            "build_seconds": median(steps[BLOCK::BLOCK]),
            "wall_over_device": sum(walls[BLOCK:]) / sum(steps[BLOCK:]),
            "atom_steps_per_s": 1e9 / ns,
            "ns_per_atom": ns,
            "list_builds": session.list_builds,
        }
        expected = len(steps) // BLOCK
        if session.list_builds != expected:
            found["note"] = f"{expected} lists were meant, not {session.list_builds}"
        after = backend.used_bytes()
        if before is not None and after is not None:
            found["memory_bytes_per_atom"] = (after - before) / n
        del session
        if size == self._options["stages_at"]:
            stages = found["stages"] = self._stages(potential, box)
            rate = product_rate(kind, self._options["ceilings"])
            products = products_of(potential, frame, rate, ns)
            if products:
                fitting = stages["ns_per_atom"]["fitting"]
                products["of_fitting"] = products["ns_per_atom"] / fitting
            found["products"] = products
        return found

    def _steps(self, session: Any, box: Box, steps: range) -> list[tuple[float, float]]:
        """Seconds of every step by the device's clock and ours."""
        return [
            self._backend.time(partial(session.compute, *box.arguments(step)))
            for step in steps
        ]

    def _stages(self, potential: dpse_fast.Potential, box: Box) -> dict[str, Any]:
        """Of one block, after one that is not counted."""
        session = potential.session(SKIN, profile=True)
        self._steps(session, box, range(BLOCK))
        before = session.stage_seconds
        block = self._steps(session, box, range(BLOCK, 2 * BLOCK))
        each, after = 1e9 / (BLOCK * box.n_atoms), session.stage_seconds
        found = {name: each * (after[name] - before[name]) for name in after}
        other = each * sum(seconds for seconds, _ in block) - sum(found.values())
        return {"ns_per_atom": found, "other_ns_per_atom": other}


def records(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every model gets its part of the ``seconds``."""
    backend = Backend(options["device"])
    chosen = subjects(options)
    begun = time.monotonic()
    for k, subject in enumerate(chosen):
        ends = begun + options["seconds"] * (k + 1) / len(chosen)
        measurement = Measurement(backend, subject, ends, options)
        for size in options["sizes"]:
            for kind in options["kinds"]:
                yield measurement.run(Kind(*kind), size)
