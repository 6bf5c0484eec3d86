"""Evaluation of models; kinds other than potential energies are refused."""

from dpse_fast.deepmd import DeepEval, DeepPot, DeepPotential, calc_model_devi
from dpse_fast.deepmd.other_kinds import (
    DeepDipole,
    DeepDOS,
    DeepGlobalPolar,
    DeepPolar,
    DeepPopulation,
    DeepProperty,
    DeepWFC,
    DipoleChargeModifier,
    EwaldRecp,
)

__all__ = [
    "DeepDOS",
    "DeepDipole",
    "DeepEval",
    "DeepGlobalPolar",
    "DeepPolar",
    "DeepPopulation",
    "DeepPot",
    "DeepPotential",
    "DeepProperty",
    "DeepWFC",
    "DipoleChargeModifier",
    "EwaldRecp",
    "calc_model_devi",
]
