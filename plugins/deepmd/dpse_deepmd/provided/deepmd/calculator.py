"""ASE's calculator."""

from dpse_fast.deepmd import DP

__all__ = ["DP"]
