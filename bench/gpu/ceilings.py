"""What a device can do at most: measured, or from its data sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Ceilings:
    """Rates of a device; 0 where one is not known, which then bounds nothing.

    Parameters
    ----------
    memory, l2, l1 : bytes/s read or written; l1 of all multiprocessors
    float32, float64 : operations/s outside matrix products
    product_float32, product_tf32, product_float64 : operations/s of matrix products
    instructions : warp instructions/s
    l1_size, l2_size : bytes, l1 of one multiprocessor
    """

    memory: float
    l2: float = 0.0
    l1: float = 0.0
    float32: float = 0.0
    float64: float = 0.0
    product_float32: float = 0.0
    product_tf32: float = 0.0
    product_float64: float = 0.0
    instructions: float = 0.0
    l1_size: float = 0.0
    l2_size: float = 0.0

    def product(self, kind: str) -> float:
        """Of matrices of "float32", "tf32" or "float64"."""
        return float(getattr(self, f"product_{kind}"))

    def as_numbers(self) -> dict[str, float]:
        """What is known, ready for JSON."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True)
class Card:
    """A GPU of NVIDIA's data sheets.

    Parameters
    ----------
    memory : bytes/s
    gigabytes : of memory
    float32, float64, tf32, product_float64 : operations/s; tf32 without sparsity
    multiprocessors, clock : number, Hz (boost)
    l1_size, l2_size : bytes
    l2_per_clock : bytes of all multiprocessors; no data sheet says it
    """

    name: str
    memory: float
    gigabytes: float
    float32: float
    float64: float
    tf32: float
    product_float64: float
    multiprocessors: int
    clock: float
    l1_size: float
    l2_size: float
    l2_per_clock: float

    def ceilings(self) -> Ceilings:
        """Peaks: 128 bytes and four warp instructions a clock of a multiprocessor."""
        clocks = self.multiprocessors * self.clock
        return Ceilings(
            memory=self.memory,
            l2=self.l2_per_clock * self.clock,
            l1=128 * clocks,
            float32=self.float32,
            float64=self.float64,
            product_float32=self.float32,
            product_tf32=self.tf32,
            product_float64=self.product_float64,
            instructions=4 * clocks,
            l1_size=self.l1_size,
            l2_size=self.l2_size,
        )


KIB, MIB = 2**10, 2**20

# NVIDIA's data sheets of H100 SXM, H200 SXM, A100 80GB SXM and L40S (peaks at boost
# clock); multiprocessors and caches of the architectures' white papers. Bytes of L2 a
# clock: 5,120 in GA100's white paper; the same is assumed of GH100, half for AD102.
CARDS = {
    card.name: card
    for card in (
        Card(
            *("H100", 3.35e12, 80, 66.9e12, 33.5e12, 494.7e12, 66.9e12),
            *(132, 1.98e9, 256 * KIB, 50 * MIB, 5120),
        ),
        Card(
            *("H200", 4.8e12, 141, 66.9e12, 33.5e12, 494.7e12, 66.9e12),
            *(132, 1.98e9, 256 * KIB, 50 * MIB, 5120),
        ),
        Card(
            *("A100", 2.039e12, 80, 19.5e12, 9.7e12, 156e12, 19.5e12),
            *(108, 1.41e9, 192 * KIB, 40 * MIB, 5120),
        ),
        Card(
            *("L40S", 0.864e12, 48, 91.6e12, 1.43e12, 183e12, 1.43e12),
            *(142, 2.52e9, 128 * KIB, 96 * MIB, 2560),
        ),
    )
}


def measured_ceilings(found: Mapping[str, Any], card: Ceilings | None) -> Ceilings:
    """Of what `bench.gpu` measured; the rest from a card's data sheet, if there is one.

    Parameters
    ----------
    found : rates by the names of `Ceilings`
    """
    base = asdict(card) if card else {"memory": 0.0}
    known = {k: float(v) for k, v in found.items() if k in Ceilings.__annotations__}
    return Ceilings(**(base | known))


def card_named(name: str) -> Card | None:
    """The card whose name stands in a device's name."""
    words = name.upper().replace("-", " ").split()
    return next((card for key, card in CARDS.items() if key in words), None)
