"""Reports as files: JSON with every number, named by what was measured and when."""

from __future__ import annotations

import datetime
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .machine import describe_machine, slug, without_folders
from .other_work import OtherWork
from .progress import say

RESULTS = Path(__file__).parent / "results"
DIGITS = 6


def significant(tree: Any, digits: int = DIGITS) -> Any:
    """The same with floats rounded to so many significant digits."""
    if isinstance(tree, Mapping):
        return {str(key): significant(value, digits) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [significant(value, digits) for value in tree]
    return float(f"{tree:.{digits}g}") if isinstance(tree, float) else tree


def as_json(report: Mapping[str, Any]) -> str:
    return json.dumps(significant(report), indent=1) + "\n"


def command_and_date(module: str) -> dict[str, Any]:
    """With what and when this process measures."""
    command = without_folders([f"python -m {module}", *sys.argv[1:]])
    return {"command": command, "date": datetime.date.today().isoformat()}


def write(
    report: Mapping[str, Any], folder: str | Path, name: str, *parts: str
) -> Path:
    """Write NAME-DATE-PARTS.json, a whole file at every moment; gives its path."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    stem = "-".join([slug(name), report["date"], *parts])
    path = Path(folder) / f"{stem}.json"
    unfinished = path.with_suffix(".part")
    unfinished.write_text(as_json(report))
    unfinished.replace(path)
    return path


@contextmanager
def report_of(
    module: str, output: str, **facts: Any
) -> Iterator[tuple[dict[str, Any], Path]]:
    """A report to fill and a folder for files; afterwards it is written.

    Parameters
    ----------
    module : that measures, of bench; its last name ends the file's
    output : folder
    facts : the report's first entries
    """
    machine = describe_machine()
    report = {**command_and_date(module), **facts, "machine": machine}
    with tempfile.TemporaryDirectory() as folder, OtherWork() as others:
        yield report, Path(folder)
    report["other_work_cores"] = others.cores
    last = module.rpartition(".")[2]
    say(f"wrote {write(report, output, machine['processor'], last).name}")
