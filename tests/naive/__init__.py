"""A plain NumPy Deep Potential: the oracle that every other part is tested against.

It shares no code with the engine: it reads the fields of a model, searches all
periodic images by brute force and evaluates the exact networks in float64.
"""

from .evaluation import Evaluation, evaluate
from .features import features

__all__ = ["Evaluation", "evaluate", "features"]
