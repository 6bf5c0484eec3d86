"""Models of deepmd-kit v3: one dictionary, whatever file it stands in.

The names are those of the native dictionary; the arrays of its ``@variables`` are
members of the mapping that holds them.
"""

from .arrays import embedding_grid, energies_by_type
from .dictionary import members
from .model import read
from .networks import dense_layer
from .standard import SILENT_TYPES
from .supported import USE_DEEPMD, reject_unsupported

__all__ = [
    "SILENT_TYPES",
    "USE_DEEPMD",
    "dense_layer",
    "embedding_grid",
    "energies_by_type",
    "members",
    "read",
    "reject_unsupported",
]
