"""What readers of text formats with many frames have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from ..errors import InputError
from .frame import BadFrame, Frame
from .label_keys import LabelReader
from .notices import Notices
from .reading_options import ReadingOptions
from .text_lines import LineStream

Wanted = Callable[[int], bool]


class TextReader(ABC):
    """Frames of one file after another.

    Parameters
    ----------
    path : what errors call the file
    size : bytes of the file, or how many are accepted of a packed one
    options : how to read
    labels, notices : of the whole trajectory
    """

    def __init__(
        self,
        path: str,
        size: int,
        options: ReadingOptions,
        labels: LabelReader,
        notices: Notices,
    ) -> None:
        self._path, self._size, self._options = path, size, options
        self._labels, self._notices = labels, notices

    @abstractmethod
    def frames(
        self, lines: LineStream, wanted: Wanted
    ) -> Iterator[Frame | BadFrame | None]:
        """Every frame of the file; None for those that are not wanted."""

    def _name(self, number: int) -> str:
        """What errors call a frame; notices are about it from now on."""
        self._notices.where = name = f"{self._path}, frame {number}"
        return name

    def _unreadable(self, number: int, why: str, truncated: bool = True) -> BadFrame:
        """The frame where a file cannot be read any more."""
        name = f"{self._path}, frame {number}"
        error = InputError(f"{name}: cannot be read; {why}")
        return BadFrame(name, number, error, truncated=truncated, last=True)
