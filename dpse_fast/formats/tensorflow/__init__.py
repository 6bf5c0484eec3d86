"""Frozen TensorFlow graphs (``.pb``, ``.pbtxt``) of deepmd-kit, without TensorFlow."""

from .model import looks_like_graph, read, training_script
from .text import looks_like_text

__all__ = ["looks_like_graph", "looks_like_text", "read", "training_script"]
