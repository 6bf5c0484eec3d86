"""The base of all kinds."""

from dpse_fast.deepmd import DeepEval

__all__ = ["DeepEval"]
