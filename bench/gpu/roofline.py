"""The least time of counted work under ceilings, and a likely one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .ceilings import Ceilings
from .work import Part


@dataclass(frozen=True)
class Efficiencies:
    """Parts of the ceilings that are assumed to be reached; assumptions, all of them.

    Parameters
    ----------
    memory, gathered : in order, in no order
    cache : loads that caches serve
    arithmetic, instructions : of kernels
    product_float32, product_tf32, product_float64 : of matrix products with 240 columns
    """

    memory: float = 0.85
    gathered: float = 0.4
    cache: float = 0.6
    arithmetic: float = 0.6
    instructions: float = 0.6
    product_float32: float = 0.75
    product_tf32: float = 0.5
    product_float64: float = 0.6


PERFECT = Efficiencies(*[1.0] * 8)
ASSUMED = Efficiencies()


def bounds_of(
    part: Part, ceilings: Ceilings, kind: str, reached: Efficiencies = PERFECT
) -> dict[str, float]:
    """Seconds that each resource takes for a part, where its rate is known.

    Parameters
    ----------
    kind : of matrix products, see `Ceilings.product`
    """
    ordered = part.memory - part.gathered
    far = _beyond_l1(part, ceilings)
    rates = {
        "memory": (
            ordered / reached.memory + part.gathered / reached.gathered,
            ceilings.memory,
        ),
        "l1": (part.cached / reached.cache, ceilings.l1),
        "l2": (far / reached.cache, ceilings.l2),
        "float32": (part.float32 / reached.arithmetic, ceilings.float32),
        "float64": (part.float64 / reached.arithmetic, ceilings.float64),
        f"products in {kind}": (
            part.product / getattr(reached, f"product_{kind}"),
            ceilings.product(kind),
        ),
        "instructions": (
            part.instructions / reached.instructions,
            ceilings.instructions,
        ),
    }
    return {
        name: amount / rate for name, (amount, rate) in rates.items() if rate and amount
    }


def _beyond_l1(part: Part, ceilings: Ceilings) -> float:
    """Bytes of cached loads that a table larger than L1 asks L2 for."""
    if not part.footprint:
        return 0.0
    return part.cached * max(0.0, 1 - ceilings.l1_size / part.footprint)


def seconds_of(
    part: Part, ceilings: Ceilings, kind: str, reached: Efficiencies = PERFECT
) -> tuple[float, str]:
    """Seconds of a part whose resources overlap, and the one that decides."""
    bounds = bounds_of(part, ceilings, kind, reached)
    if not bounds:
        return 0.0, "nothing"
    name = max(bounds, key=bounds.__getitem__)
    return bounds[name], name


def least_seconds(
    work: Mapping[str, Sequence[Part]],
    ceilings: Ceilings,
    kind: str,
    reached: Efficiencies = PERFECT,
) -> dict[str, float]:
    """Of each stage, an atom and step; kernels follow one another."""
    return {
        stage: sum(seconds_of(part, ceilings, kind, reached)[0] for part in parts)
        for stage, parts in work.items()
    }


def achieved(
    work: Mapping[str, Sequence[Part]],
    seconds: Mapping[str, float],
    ceilings: Ceilings,
    kind: str,
) -> dict[str, dict[str, float]]:
    """Rates of measured stages, and the fraction of the roofline that they reach.

    Parameters
    ----------
    seconds : of an atom and step, by stage
    """
    least = least_seconds(work, ceilings, kind)
    found = {}
    for stage, parts in work.items():
        took = seconds.get(stage, 0.0)
        if not took > 0:
            continue
        flops = sum(p.float32 + p.float64 + p.product for p in parts)
        found[stage] = {
            "ns_per_atom": 1e9 * took,
            "memory_bytes_per_s": sum(p.memory for p in parts) / took,
            "cached_bytes_per_s": sum(p.cached for p in parts) / took,
            "flops": flops / took,
            "least_ns_per_atom": 1e9 * least[stage],
            "fraction_of_roofline": least[stage] / took,
        }
    return found
