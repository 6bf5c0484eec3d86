"""dpse-fast for C, C++ and Fortran: a header and a shared library that runs Python."""

from __future__ import annotations

from .build import DEEPMD, DPSE, Sources, build, write_sources

__all__ = ["DEEPMD", "DPSE", "Sources", "build", "write_sources"]
