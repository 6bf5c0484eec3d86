"""Refused."""

from dpse_fast.deepmd.other_kinds import DeepWFC

__all__ = ["DeepWFC"]
