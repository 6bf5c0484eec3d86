"""Second derivatives of the energy: what a `Potential` has for them."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from .array_types import Doubles
from .cpu.hessian_session import HessianSession
from .errors import InputError
from .evaluation.backend import PlanSource
from .evaluation.base_session import SessionOptions
from .results import SecondDerivatives


class HessianMethods:
    """Computes second derivatives of the energy by positions.

    Parameters
    ----------
    plans : give plans in double precision that leave nothing out
    """

    def __init__(
        self, threads: int, plans: PlanSource, options: SessionOptions
    ) -> None:
        self._hessian = HessianSession(threads, plans, options)

    def second_derivatives(
        self,
        positions: ArrayLike,
        types: ArrayLike | Sequence[str],
        cell: ArrayLike | None = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
        atoms: ArrayLike | None = None,
    ) -> SecondDerivatives:
        """Second derivatives of the energy by positions, with their report.

        They are central differences, of fourth order, of the analytic forces of the
        atoms within the cutoff of a displaced one. So an atom's rows cost the same in a
        system of any size. Forces are those of the file's weights (or tables) in double
        precision with nothing left out, whatever ``precision`` and ``tol`` are; they
        are computed on the processors with any ``device``. A periodic structure moves
        with all images of an atom (the wave vector is 0).

        Parameters
        ----------
        positions, types, cell, pbc, fparam, aparam : as for `compute`, on the host
        atoms : (n,) indices of the atoms whose rows are wanted; None: of all

        Raises
        ------
        InputError
            As `compute`; also where the matrix exceeds the memory.
        """
        return self._hessian.matrix(
            positions,
            types,
            cell,
            pbc=pbc,
            fparam=fparam,
            aparam=aparam,
            atoms=atoms,
        )

    def hessian(
        self,
        positions: ArrayLike,
        types: ArrayLike | Sequence[str],
        cell: ArrayLike | None = None,
        *,
        pbc: bool | Sequence[bool] | None = None,
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
        atoms: ArrayLike | None = None,
        vector: ArrayLike | None = None,
    ) -> Doubles:
        """The matrix of second derivatives, or its product with a vector.

        Parameters
        ----------
        positions, types, cell, pbc, fparam, aparam : as for `compute`, on the host
        atoms : (n,) indices of the atoms whose rows are wanted; None: of all
        vector : (N, 3), a row for each atom; the matrix is not made then

        Returns
        -------
        (3n, 3N) eV/Å², symmetric where both atoms are among the n; with a vector
        (N, 3), eV/Å² times its unit. See `second_derivatives`.

        Raises
        ------
        InputError
            As `second_derivatives`; also for atoms and a vector together.
        """
        structure = (positions, types, cell)
        if vector is None:
            return self.second_derivatives(
                *structure, pbc=pbc, fparam=fparam, aparam=aparam, atoms=atoms
            ).hessian
        if atoms is not None:
            raise InputError(
                "atoms: expected None with a vector, whose rows of zeros say which "
                "atoms do not move, got both"
            )
        return self._hessian.product(
            *structure, pbc=pbc, fparam=fparam, aparam=aparam, vector=vector
        )
