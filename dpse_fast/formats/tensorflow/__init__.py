"""Frozen TensorFlow graphs (``.pb``) of deepmd-kit, without TensorFlow."""

from .model import looks_like_graph, read

__all__ = ["looks_like_graph", "read"]
