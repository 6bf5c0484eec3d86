"""A Deep Potential model as its file states it, and its exact meaning in NumPy."""

from .descriptors import Descriptor, SeE2A, SeE2R
from .model import UNKNOWN_TYPE_PREFIX, Model, Parameters, unnamed_types
from .nets import Embedding, EmbeddingTable, Gated, Layer, Net, Skip
from .pair_table import PairTable
from .type_embedding import TypeEmbedding, type_embedding_rows

__all__ = [
    "UNKNOWN_TYPE_PREFIX",
    "Descriptor",
    "Embedding",
    "EmbeddingTable",
    "Gated",
    "Layer",
    "Model",
    "Net",
    "PairTable",
    "Parameters",
    "SeE2A",
    "SeE2R",
    "Skip",
    "TypeEmbedding",
    "type_embedding_rows",
    "unnamed_types",
]
