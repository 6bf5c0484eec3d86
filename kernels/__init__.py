"""Compiled kernels, installed as ``dpse_fast.kernels``."""

if __name__ != "dpse_fast.kernels":
    raise ImportError(
        f"these kernels are part of dpse-fast: import dpse_fast.kernels, not {__name__}"
    )
