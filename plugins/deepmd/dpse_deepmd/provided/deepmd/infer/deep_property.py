"""Refused."""

from dpse_fast.deepmd.other_kinds import DeepProperty

__all__ = ["DeepProperty"]
