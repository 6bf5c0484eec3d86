"""Descriptors and last layers in HDF5: frames of any size.

Layout (``format = "dpse-fast features"``, ``version = 1`` in the root attributes,
beside ``type_map`` and where the numbers come from); the names are those of
deepmd-kit's ``dp embed``:

========================= ========= ==============================================
dataset                   shape     meaning
========================= ========= ==============================================
frames/end                (F,)      frame f has the atoms end[f-1]:end[f]
frames/index              (F,)      its number in the trajectory
frames/structural_feature (F, W)    sum of atomic_feature over atoms with an energy
atoms/type                (A,)      index into type_map
atoms/descriptor          (A, M)    if asked for
atoms/atomic_feature      (A, W)    what the last layer takes, if asked for
========================= ========= ==============================================
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..array_types import Int64s
from ..results import Features
from ..trajectory import Frame
from .evaluation import ResultWriter, RunDescription
from .frame_datasets import END, Column, FrameDatasets

DTYPES: dict[str, type[np.generic]] = {"float64": np.float64, "float32": np.float32}
DESCRIPTOR, ATOMIC = "atoms/descriptor", "atoms/atomic_feature"
STRUCTURAL = "frames/structural_feature"


@dataclass(frozen=True)
class FeatureDescription(RunDescription):
    """Of all frames.

    Parameters
    ----------
    descriptor, last_layer : M and W; 0 for what is not written
    dtype : "float64" or "float32"
    """

    descriptor: int = 0
    last_layer: int = 0
    dtype: str = "float64"


@dataclass(frozen=True, eq=False)
class FeaturedFrame:
    """A frame and its features.

    Parameters
    ----------
    types : (N,) int, indices into the model's type map
    """

    frame: Frame
    types: Int64s
    features: Features


class FeatureWriter(FrameDatasets):
    """Writes the datasets of the module's table."""

    format, version = "dpse-fast features", 1
    description: FeatureDescription

    def columns(self) -> dict[str, Column]:
        asked = self.description
        dtype = DTYPES[asked.dtype]
        found = {"atoms/type": Column(np.int32)}
        if asked.descriptor:
            found[DESCRIPTOR] = Column(dtype, (asked.descriptor,))
        if asked.last_layer:
            found[ATOMIC] = Column(dtype, (asked.last_layer,))
            found[STRUCTURAL] = Column(dtype, (asked.last_layer,))
        return found | {"frames/index": Column(np.int64), END: Column(np.int64)}

    def rows(self, evaluation: FeaturedFrame) -> dict[str, Any]:
        features = evaluation.features
        return {
            "atoms/type": evaluation.types,
            DESCRIPTOR: features.descriptor,
            ATOMIC: features.atomic_feature,
            STRUCTURAL: features.structural_feature,
            "frames/index": evaluation.frame.index,
        }


def writer_of_features(path: Path) -> type[ResultWriter]:
    """The class that writes files of this name, which was checked."""
    from .npy_array import DescriptorArray

    return DescriptorArray if path.suffix.lower() == ".npy" else FeatureWriter
