"""The driver file that input.xml names: i-PI's custom potential."""

from dpse_fast.md.ipi import DeepPotentialDriver

__DRIVER_NAME__ = "dpse"
__DRIVER_CLASS__ = DeepPotentialDriver.__name__
