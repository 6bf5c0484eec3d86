"""What a file that is refused must give: one error of one line that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpse_fast.errors import ModelFileError
from dpse_fast.formats import read_model


def assert_refused(file: Path, words: str, head: str | None = None) -> None:
    """Read a file; the error has these words."""
    with pytest.raises(ModelFileError) as caught:
        read_model(file, head=head)
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert message.count(str(file)) == 1
    assert words in message
    assert "\n" not in message
