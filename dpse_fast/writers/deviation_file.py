"""Model deviations as text, in the columns of deepmd-kit's ``dp model-devi``."""

from __future__ import annotations

from collections.abc import Iterator

from ..array_types import Doubles

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
