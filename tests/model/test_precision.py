"""Models with their weights in another precision."""

from __future__ import annotations

import numpy as np
import pytest
from formats.exchange_models import MODELS, parts, sharing

from dpse_fast.model import EmbeddingTable, Gated, Layer
from dpse_fast.model.precision import with_weights


@pytest.mark.parametrize("name", MODELS)
def test_weights_are_rounded_and_the_rest_is_not(name: str) -> None:
    model = MODELS[name]
    rounded = with_weights(model, np.float32)
    assert sharing(rounded) == sharing(model)
    pairs = zip(parts(rounded), parts(model), strict=True)
    weights = []
    for found, before in pairs:
        if isinstance(before, Layer):
            weights += [(found.weight, before.weight), (found.bias, before.bias)]
            weights += [(found.idt, before.idt)] if before.idt is not None else []
        elif isinstance(before, Gated):
            weights += [(found.gate, before.gate)]
        elif isinstance(before, EmbeddingTable):
            weights += [(found.coefficients, before.coefficients)]
    for found, before in weights:
        assert found.dtype == np.float32
        assert (found == before.astype(np.float32)).all()
    changed = {id(found) for found, _ in weights}
    for found, before in zip(parts(rounded), parts(model), strict=True):
        if isinstance(before, np.ndarray) and id(found) not in changed:
            assert found.dtype == before.dtype
            assert (found == before).all()
    assert rounded.n_weights == model.n_weights
    again = with_weights(rounded, np.float32)
    assert again.digest() == rounded.digest()
    assert with_weights(again, np.float64).dtype == np.float64
