"""The functions behind dp_python.h, beside those of dpse.h."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import InputError
from ...evaluation.session import DEFAULT_SKIN
from ...formats.tensorflow.text import graph_from_text, looks_like_text
from ...runtime.atomic_file import complete_or_absent
from ..answers import FUNCTIONS, answer_with
from ..functions import Library
from ..served import Served
from ..texts import cut, encoded
from .contents import file_with
from .environment import asked, naming_variables, process_environment
from .summary import summary_lines


class DeepmdLibrary(Library):
    """All potentials of a process, by number, with options of the environment."""

    def open(
        self,
        say: Any,
        n_models: int,
        models: Any,
        contents: Any,
        sizes: Any,
        rank: int,
        potential: Any,
    ) -> None:
        """Load models: files, or what the program has read from them."""
        memory = self._memory()
        number = memory.written("potential", potential, 1, np.int32)
        files = memory.pointers("models", models, n_models)
        nothing = [self._ffi.NULL] * n_models
        if contents and sizes:
            nothing = memory.pointers("file_contents", contents, n_models)
        given = []
        for k, (file, content) in enumerate(zip(files, nothing, strict=True)):
            place = f"models[{k}]" if n_models > 1 else "model"
            name = memory.path(place, file)
            if name is None:
                raise InputError(f"{place}: expected the name of a file, got NULL")
            size = sizes[k] if sizes else 0
            if size < 0:
                raise InputError(f"size_file_content: expected 0 or more, got {size}")
            given.append((name, memory.given("content", content, size, np.uint8)))
        served = self._opened(say, given, rank)
        with self._lock.lock:
            number[0] = self._add(served)

    def _opened(self, say: Any, given: list[tuple[str, Any]], rank: int) -> Served:
        """By name and content, which may be empty."""
        options = asked(process_environment(), rank).options
        skin = options.pop("skin", DEFAULT_SKIN)
        if len(given) == 1:
            options.pop("deviation_tol", None)
        with ExitStack() as files:
            same: list[str | None] = [
                files.enter_context(file_with(name, content.data))
                if len(content)
                else name
                for name, content in given
            ]
            try:
                source = same if len(given) > 1 else same[0]
                return self._load(say, source, options, skin)
            except InputError as error:
                raise naming_variables(error) from None

    def compute_members(
        self, say: Any, potential: int, given: Any, n_models: int, found: Any
    ) -> None:
        """All models of a committee, with an own neighbour list."""
        named = [(f"models[{k}].", found + k) for k in range(n_models)]
        self._of_structure(say, self._of(potential), given, n_models, named)

    def default_fparam(self, say: Any, potential: int, has: Any) -> None:
        """Whether the model has frame parameters for a caller who gives none."""
        fparam = self._of(potential).potential.model.fparam
        place = self._memory().written("has", has, 1, np.int32)
        place[0] = fparam is not None and fparam.default is not None

    def convert(self, say: Any, text: Any, graph: Any) -> None:
        """A graph as text (``.pbtxt``) into one that is not (``.pb``)."""
        memory = self._memory()
        given, into = memory.path("pbtxt", text), memory.path("pb", graph)
        if not given or not into:
            raise InputError("pbtxt, pb: expected the names of two files")
        try:
            content = Path(given).read_bytes()
            if not looks_like_text(content):
                raise InputError(f"{given}: expected a graph of TensorFlow as text")
            with complete_or_absent(Path(into)) as partial:
                partial.write_bytes(graph_from_text(content))
        except OSError as error:
            named = error.filename or into
            raise InputError(f"{named}: {error.strerror}") from None

    def summary(self, say: Any, text: Any, size: int) -> None:
        """What is in force."""
        with self._lock.lock:
            served = list(self._served.values())
        lines = summary_lines(asked(process_environment(), 0), served)
        letters = cut(encoded("\n".join(lines)), size)
        self._ffi.memmove(text, letters, len(letters))


def serve(ffi: Any, lib: Any) -> None:
    """Answer the functions that C calls."""
    more = ("open", "compute_members", "default_fparam", "convert", "summary")
    names = (*FUNCTIONS, *more)
    answer_with(DeepmdLibrary(ffi, lib), names, ffi)
