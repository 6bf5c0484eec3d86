"""Model deviations as text, in the columns of deepmd-kit's ``dp model-devi``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..array_types import Doubles
from ..errors import InputError, reason
from .run_output import partial_of, set_aside

COLUMNS = (
    *("max_devi_v", "min_devi_v", "avg_devi_v"),
    *("max_devi_f", "min_devi_f", "avg_devi_f"),
    "devi_e",
)
OF_ATOMS = "atm_devi_f(N)"


def deviation_header(title: str = "", *, atomic: bool = False) -> str:
    """Two lines of comment: a title, and the names of the columns.

    Parameters
    ----------
    title : such as the path of the system; may be empty
    atomic : whether columns of atoms follow
    """
    names = (*COLUMNS, OF_ATOMS) if atomic else COLUMNS
    return f"# {title}\n# {'step':10s}" + "".join(f"{name:19s}" for name in names)


def deviation_lines(table: Doubles) -> Iterator[str]:
    """A line for each frame.

    Parameters
    ----------
    table : (F, 8) or (F, 8 + N); the step, then `ModelDeviation.columns`
    """
    for step, *values in table:
        yield f"{int(step):12d}" + "".join(f"{value:19.6e}" for value in values)


class DeviationFile:
    """Writes each frame as soon as it is known; the file gets its name at the end.

    Until then it is called ``model_devi.partial.out`` for ``model_devi.out``. Each
    system begins with a header.

    Parameters
    ----------
    path : of the file
    systems : names of the systems
    atomic : whether columns of atoms follow

    Attributes
    ----------
    earlier : the new name of what an earlier run left that did not end; mostly none

    Raises
    ------
    InputError
        If the file cannot be written.
    """

    done: tuple[Any, ...] = ()  # no earlier run is continued

    def __init__(self, path: Path, systems: Sequence[str], atomic: bool) -> None:
        self._path, self._systems, self._atomic = path, systems, atomic
        self._system: int | None = None
        self.partial = partial_of(path)
        self.n_frames = 0
        self.is_complete = False
        try:
            earlier = set_aside(path)
            self.earlier = [] if earlier is None else [earlier]
            self._file = self.partial.open("w", encoding="utf-8")
        except OSError as error:
            raise self._failed(error) from None

    def add(self, row: Doubles, entry: Mapping[str, Any]) -> None:
        """Write a line; the frame's record has the number of its system."""
        system = entry["record"]["system"]
        try:
            if system != self._system:
                title = self._systems[system]
                header = deviation_header(title, atomic=self._atomic)
                self._file.write(f"{header}\n")
            self._system = system
            self._file.writelines(f"{line}\n" for line in deviation_lines(row[None]))
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from None
        self.n_frames += 1

    def _failed(self, error: OSError) -> InputError:
        return InputError(f"output {self._path}: cannot be written ({reason(error)})")

    def pass_over(self, entry: Mapping[str, Any]) -> None:
        """Nothing: the frame has no line."""

    def complete(self) -> None:
        """Close the file and give it its name."""
        self._file.close()
        self.partial.replace(self._path)
        self.is_complete = True

    def leave(self) -> bool:
        """Close the file of a run that has failed; returns whether it has frames.

        Without frames none is left behind.
        """
        self._file.close()
        if not self.n_frames:
            self.partial.unlink(missing_ok=True)
        return bool(self.n_frames)
