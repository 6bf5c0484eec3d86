"""Potential energies."""

from dpse_fast.deepmd import DeepPot

__all__ = ["DeepPot"]
