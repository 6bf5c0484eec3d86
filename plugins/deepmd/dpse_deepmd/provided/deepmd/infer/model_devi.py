"""Model deviations."""

from dpse_fast.deepmd.model_devi import (
    calc_model_devi,
    calc_model_devi_e,
    calc_model_devi_f,
    calc_model_devi_v,
    write_model_devi_out,
)

__all__ = [
    "calc_model_devi",
    "calc_model_devi_e",
    "calc_model_devi_f",
    "calc_model_devi_v",
    "write_model_devi_out",
]
