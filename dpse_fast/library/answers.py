"""Statuses and texts: no exception leaves the library."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..errors import AtomError, DpseError, InputError, ModelFileError
from .functions import Library, UnknownPotential
from .texts import cut, encoded

OK, INPUT, MODEL, HANDLE, INTERNAL = 0, 1, 2, 3, 5
NO_ATOM = -1
FUNCTIONS = (
    *("init", "init_committee", "free", "cutoff", "n_types", "n_models"),
    *("deviation_certificate", "type_name", "parameters", "atom_ids"),
    *("compute", "compute_nlist", "compute_nlist_members"),
)


def _status(error: BaseException) -> int:
    if isinstance(error, UnknownPotential):
        return HANDLE
    if isinstance(error, ModelFileError):
        return MODEL
    return INPUT if isinstance(error, InputError) else INTERNAL


def serve(ffi: Any, lib: Any) -> None:
    """Answer the functions that dpse.c calls."""
    answer_with(Library(ffi, lib), FUNCTIONS, ffi)


def answer_with(library: Library, names: tuple[str, ...], ffi: Any) -> None:
    """Answer functions of C, each with the method of its name."""
    size = ffi.integer_const("DPSE_TEXT_SIZE")

    def write(place: Any, text: str) -> None:
        letters = cut(encoded(text), size)
        ffi.memmove(place, letters, len(letters))

    def answering(function: Callable[..., None]) -> Callable[..., int]:
        def answer(texts: Any, *arguments: Any) -> int:
            said: list[str] = []
            status = OK
            try:
                function(said.append, *arguments)
            except BaseException as error:
                status = _status(error)
                known = isinstance(error, DpseError)
                text = str(error) if known else f"{type(error).__name__}: {error}"
                write(texts.error, text)
                texts.atom[0] = error.atom if isinstance(error, AtomError) else NO_ATOM
            write(texts.warning, "\n".join(said))
            return status + 1

        return answer

    for name in names:
        # A library that was made before has fewer functions.
        with suppress(ffi.error):
            ffi.def_extern(name=f"dpse_python_{name}", error=0)(
                answering(getattr(library, name))
            )
