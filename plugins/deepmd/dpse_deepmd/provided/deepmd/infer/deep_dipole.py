"""Refused."""

from dpse_fast.deepmd.other_kinds import DeepDipole

__all__ = ["DeepDipole"]
