"""Models of deepmd-kit that are no potential energies: known by name, and refused."""

from __future__ import annotations

from typing import Any

from ..errors import InputError


class _OtherKind:
    """Refuses to be made."""

    feature: str

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise InputError(
            f"{type(self).__name__}: dpse-fast does not evaluate {self.feature}; it "
            "evaluates potential energies (DeepPot)"
        )


class DeepDipole(_OtherKind):
    """Refused."""

    feature = "models of dipoles"


class DeepPolar(_OtherKind):
    """Refused."""

    feature = "models of polarisabilities"


class DeepGlobalPolar(_OtherKind):
    """Refused."""

    feature = "models of global polarisabilities"


class DeepDOS(_OtherKind):
    """Refused."""

    feature = "models of densities of states"


class DeepWFC(_OtherKind):
    """Refused."""

    feature = "models of Wannier function centres"


class DeepProperty(_OtherKind):
    """Refused."""

    feature = "models of properties"


class DeepPopulation(_OtherKind):
    """Refused."""

    feature = "models of atomic populations"


class DipoleChargeModifier(_OtherKind):
    """Refused."""

    feature = "long-range electrostatics of dipole models (DPLR)"


class EwaldRecp(_OtherKind):
    """Refused."""

    feature = "Ewald sums (DPLR)"


KINDS: tuple[type[_OtherKind], ...] = (
    DeepDipole,
    DeepPolar,
    DeepGlobalPolar,
    DeepDOS,
    DeepWFC,
    DeepProperty,
    DeepPopulation,
    DipoleChargeModifier,
    EwaldRecp,
)
