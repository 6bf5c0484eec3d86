"""What the hot loops compile to: whole registers, fused, no calls of libm."""

from __future__ import annotations

import re
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
import pytest
from dpse_fast.kernels.cpu import moments, pair_gradients, products
from random_model import random_model, random_structure

import dpse_fast

LIBM = ("exp", "tanh", "pow", "sin", "cos", "log", "sqrt", "fma")
HOT = {
    "moments": moments.moments,
    "pair_gradients": pair_gradients.pair_gradients,
    "products": products.products,
    "product_gradients": products.product_gradients,
}


def vector_register() -> str | None:
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return "zmm"
    return "ymm" if features.get("avx2") and features.get("fma") else None


@pytest.fixture(scope="module")
def signatures() -> dict[str, Any]:
    """The types that an evaluation in double calls the kernels with."""
    s = random_structure("cubic")
    pot = dpse_fast.load(random_model(), precision="double", threads=1)
    pot.compute(*s[:3], pbc=s.pbc)
    return {
        name: next(
            signature
            for signature in kernel.signatures
            if any(getattr(t, "dtype", None) == numba.float64 for t in signature)
        )
        for name, kernel in HOT.items()
    }


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="there is no machine code")
@pytest.mark.parametrize("name", HOT)
def test_fused_vector_arithmetic(name: str, signatures: dict[str, Any]) -> None:
    register = vector_register()
    if register is None:
        pytest.skip("this processor has neither AVX-512 nor AVX2: nothing to look for")
    options = {**HOT[name].targetoptions, "cache": False}
    options = {k: options[k] for k in ("fastmath", "error_model", "nogil")}
    compiled = numba.njit(HOT[name].py_func, **options)
    compiled.compile(signatures[name])
    (assembly,) = compiled.inspect_asm().values()
    fused = re.findall(rf"\tvfn?m(?:add|sub)\w+\t.*%?{register}", assembly)
    assert len(fused) >= 4
    called = re.findall(r"\tcallq?\t\*?(\w+)", assembly)
    assert not [c for c in called if c.strip("_f").startswith(LIBM)]


def test_whole_registers_are_what_the_layout_says() -> None:
    from dpse_fast.kernels._simd import lanes

    assert lanes(np.float64) == 8
    assert lanes(np.float32) == 16
