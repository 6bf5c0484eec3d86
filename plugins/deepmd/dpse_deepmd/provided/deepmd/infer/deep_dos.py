"""Refused."""

from dpse_fast.deepmd.other_kinds import DeepDOS

__all__ = ["DeepDOS"]
