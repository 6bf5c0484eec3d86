"""Copies of weights in another form, made once for all nets that share them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..array_types import Floats

Packed = dict[tuple[int, ...], Floats]


def shared(
    packed: Packed,
    form: tuple[int, ...],
    sources: Sequence[Floats],
    make: Callable[[], Floats],
) -> Floats:
    """What ``make`` gives, or gave before for the same form of the same arrays.

    ``packed`` keeps the sources too, so that no other array comes to lie where
    one of them was.
    """
    places = [int(source.__array_interface__["data"][0]) for source in sources]
    key = (*form, len(places), *places)
    if key not in packed:
        packed[key] = make()
        for place, source in zip(places, sources, strict=True):
            packed[(place,)] = source
    return packed[key]
