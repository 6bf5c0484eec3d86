"""A report as JSON, Markdown and a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .machine import slug
from .plot import draw
from .table import markdown

DIGITS = 6


def significant(tree: Any, digits: int = DIGITS) -> Any:
    """The same with floats rounded to so many significant digits."""
    if isinstance(tree, Mapping):
        return {str(key): significant(value, digits) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [significant(value, digits) for value in tree]
    return float(f"{tree:.{digits}g}") if isinstance(tree, float) else tree


def write(report: Mapping[str, Any], folder: Path, model: str | None) -> list[Path]:
    """Write the report's files, named by processor, date and model; gives their paths.

    Parameters
    ----------
    model : file of a model other than the embedded one
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = [slug(report["machine"]["processor"]), report["date"]]
    parts += [slug(Path(model).stem)] if model else []
    parts += ["quick"] if report["quick"] else []
    names = [folder / ("-".join(parts) + suffix) for suffix in (".json", ".md", ".png")]
    data, text, picture = names
    data.write_text(json.dumps(significant(report), indent=1) + "\n")
    text.write_text(markdown(report))
    return names if draw(report, picture) else [data, text]
