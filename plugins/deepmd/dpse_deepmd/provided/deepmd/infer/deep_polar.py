"""Refused."""

from dpse_fast.deepmd.other_kinds import DeepGlobalPolar, DeepPolar

__all__ = ["DeepGlobalPolar", "DeepPolar"]
