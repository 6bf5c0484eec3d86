"""What all frames of a trajectory share while it is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .label_keys import LabelReader
from .notices import Notices
from .reading_options import ReadingOptions


@dataclass(frozen=True)
class FileReading:
    """A file or directory that is read."""

    path: Path
    options: ReadingOptions
    labels: LabelReader
    notices: Notices
