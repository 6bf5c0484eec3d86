"""Which plan serves which types: models of many types are planned as needed."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace

import numpy as np

from ..array_types import Integers
from ..model import Model
from ..plan import Plan, StoredPlan
from ..runtime.forks import ProcessLock
from .make_plan import check_options, make_plan

# A model of more types has hundreds of pairs of types, of which a structure has few:
# 12 types with nets of 25-50-100 take 2 to 8 s to tabulate, 118 would take minutes.
MOST_AT_LOAD = 8


class Planner:
    """Plans a model for the types that it meets.

    Parameters
    ----------
    model, precision, tolerance, stored : see `make_plan`

    Attributes
    ----------
    plan : Plan of the types met so far, or None before the first of them
        Of all types from the start if there are at most `MOST_AT_LOAD`, or if the
        tables are stored.

    Raises
    ------
    InputError
        For a precision or tolerance that does not exist.
    """

    plan: Plan | None

    def __init__(
        self,
        model: Model,
        precision: str,
        tolerance: float,
        stored: StoredPlan | None = None,
    ) -> None:
        tolerance = check_options(precision, tolerance)
        self.model, self.precision, self.tolerance = model, precision, tolerance
        self._lock = ProcessLock()
        self._unreduced = Unreduced(model)
        self.plan = None
        ready = stored is not None and stored.serves(tolerance, precision)
        if ready or model.n_types <= MOST_AT_LOAD:
            self.plan = self._made(stored)

    def __getstate__(self) -> dict[str, object]:
        return {k: v for k, v in vars(self).items() if k != "_lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state, _lock=ProcessLock())

    def _made(
        self, stored: StoredPlan | None = None, types: frozenset[int] | None = None
    ) -> Plan:
        plan = make_plan(self.model, self.precision, self.tolerance, stored, types)
        return replace(plan, unreduced=self._unreduced if plan.is_reduced else None)

    def renamed(self, type_map: tuple[str, ...]) -> Planner:
        """The same planner for the model with other names of its types."""
        other = copy(self)
        other.model = replace(self.model, type_map=type_map)
        other._unreduced = self._unreduced.renamed(type_map)
        if other.plan is not None:
            other.plan = replace(other.plan, model=other.model)
        return other

    @property
    def unreduced(self) -> Planner | Unreduced:
        """Gives the plans in double precision that leave nothing out."""
        whole = self.precision == "double" and self.tolerance == 0.0
        return self if whole else self._unreduced

    def plan_for(self, present: Callable[[], Integers]) -> Plan:
        """A plan that serves these types, and all that were asked for before.

        Parameters
        ----------
        present : gives the types; asked only where no plan serves all of them
        """
        if self.plan is not None and len(self.plan.species) == self.model.n_types:
            return self.plan
        types = frozenset(np.unique(present()).tolist())
        with self._lock.lock:
            planned = frozenset(self.plan.species if self.plan else ())
            if self.plan is None or not types <= planned:
                self.plan = self._made(types=planned | types)
            return self.plan


class Unreduced:
    """Gives plans in double precision with converged tables and all inputs.

    They are made when they are needed, and kept. Close to the core forces are large
    and rounding to float32 counts.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._lock = ProcessLock()
        self._planner: Planner | None = None

    def __getstate__(self) -> dict[str, object]:
        return {k: v for k, v in vars(self).items() if k != "_lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state, _lock=ProcessLock())

    def renamed(self, type_map: tuple[str, ...]) -> Unreduced:
        """The same for the model with other names of its types."""
        other = copy(self)
        other.model = replace(self.model, type_map=type_map)
        if other._planner is not None:
            other._planner = other._planner.renamed(type_map)
        return other

    def plan_for(self, present: Callable[[], Integers]) -> Plan:
        """See `Planner.plan_for`."""
        with self._lock.lock:
            if self._planner is None:
                self._planner = Planner(self.model, "double", 0.0)
        return self._planner.plan_for(present)

    def __call__(self, types: Integers) -> Plan:
        """The plan that serves the types in an array; those below 0 need none."""
        return self.plan_for(lambda: types[types >= 0])
