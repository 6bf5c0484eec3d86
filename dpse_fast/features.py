"""Descriptors and last layers: what a `Potential` has for them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .array_types import Doubles
from .cpu.feature_session import FeatureSession
from .evaluation.backend import PlanSource
from .evaluation.base_session import SessionOptions
from .model import type_embedding_rows
from .results import Features


class FeatureMethods:
    """Computes what the fitting nets take, and what their last layer takes.

    Parameters
    ----------
    plans : give plans in double precision that leave nothing out
    """

    def __init__(
        self, threads: int, plans: PlanSource, options: SessionOptions
    ) -> None:
        self._features = FeatureSession(threads, plans, options)

    def features(
        self,
        positions: ArrayLike,
        types: ArrayLike | Sequence[str],
        cell: ArrayLike | None = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
        last_layer: bool = True,
    ) -> Features:
        """Descriptors of the atoms, and what the last layer of the fitting net takes.

        The numbers are those of the file's weights (or tables), in double precision
        and with nothing left out, whatever ``precision`` and ``tol`` are; they are
        computed on the processors with any ``device``.

        Parameters
        ----------
        positions, types, cell, pbc, fparam, aparam : as for `compute`, on the host
        last_layer : False for the descriptors alone, which do not depend on fparam
            and aparam: these may then be left out

        Raises
        ------
        InputError
            As `compute`; also where the fitting nets have no hidden layer, or hidden
            layers of several widths.
        """
        return self._features.compute(
            positions,
            types,
            cell,
            pbc=pbc,
            fparam=fparam,
            aparam=aparam,
            last_layer=last_layer,
        )

    def descriptors(
        self,
        positions: ArrayLike,
        types: ArrayLike | Sequence[str],
        cell: ArrayLike | None = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
    ) -> Doubles:
        """The descriptors of the atoms (N, M); see `features`."""
        found = self.features(positions, types, cell, pbc=pbc, last_layer=False)
        return found.descriptor

    def last_layer(
        self,
        positions: ArrayLike,
        types: ArrayLike | Sequence[str],
        cell: ArrayLike | None = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
    ) -> Doubles:
        """What the last layer of the fitting net takes, (N, W); see `features`."""
        found = self.features(
            positions, types, cell, pbc=pbc, fparam=fparam, aparam=aparam
        )
        assert found.atomic_feature is not None
        return found.atomic_feature

    def type_embedding(self) -> Doubles:
        """The vectors of deepmd-kit's networks for types, side by side.

        Returns
        -------
        (n_types, k), or (n_types + 1, k) where deepmd-kit has a row of an empty slot

        Raises
        ------
        InputError
            If the model has none.
        """
        return np.asarray(type_embedding_rows(self._features.embeddings), np.float64)
