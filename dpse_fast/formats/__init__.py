"""Model files of every kind, recognised by content, are read in one pass.

A kind's reader is imported with the first file of that kind.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..errors import InputError, ModelFileError
from ..model import Model
from . import hdf5
from .model_file import ModelFile
from .stored_bytes import open_regular

__all__ = ["ModelFile", "branch_names", "read", "read_model"]

_HEAD = 2**20
_FIRST_NODE = 2**24
_LONGEST_MESSAGE = 480
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_JSON = re.compile(rb"\s*\{")
_YAML_MODEL = re.compile(rb"^['\"]?(model|descriptor)['\"]?\s*:", re.MULTILINE)


def read_model(path: str | os.PathLike[str], head: str | None = None) -> Model:
    """The model in a file of any supported kind, whatever its name.

    Supported are frozen TensorFlow graphs (``.pb``, ``.pbtxt``), TorchScript
    archives (``.pth``), checkpoints of the PyTorch trainer (``.pt``), the native
    files of deepmd-kit (``.dp``, ``.yaml``, ``.json``) and the file that
    `dpse_fast.formats.exchange` writes. Energies in the model are eV, lengths Å.
    Nothing in the file is executed.

    Parameters
    ----------
    path : the file
    head : the branch of a checkpoint of several models

    Raises
    ------
    ModelFileError
        If there is no such file, or it is damaged, of another kind, or holds a
        model that is not supported; the message names the file and the remedy.
    InputError
        If `path` is not a path, or `head` no name.
    """
    return read(path, head, with_plan=False).model


def read(
    path: str | os.PathLike[str], head: str | None = None, *, with_plan: bool = True
) -> ModelFile:
    """The model in a file of any supported kind, and the plan stored beside it.

    Parameters
    ----------
    path, head : as in `read_model`
    with_plan : also read the plan, if there is one

    Raises
    ------
    ModelFileError
        As `read_model`; also if a plan is read that is damaged or was made for
        another model.
    InputError
        As `read_model`.
    """
    if head is not None and not isinstance(head, str):
        raise InputError(f"head: expected a name, got {type(head).__name__}")
    with _named_errors(path) as place:
        return _read(place, str(place), head, with_plan)


def branch_names(path: str | os.PathLike[str]) -> list[str]:
    """The branches of a checkpoint of several models; none of other files.

    Raises
    ------
    ModelFileError
        If there is no such file, or it cannot be read.
    InputError
        If `path` is not a path.
    """
    with _named_errors(path) as place:
        _reject_absent(place)
        with open_regular(place) as (file, _):
            start = file.read(len(_ZIP[0]))
        if not start.startswith(_ZIP):
            return []
        from . import torchscript

        return torchscript.branch_names(place)


@contextmanager
def _named_errors(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The path; errors of the block name it."""
    if not isinstance(path, str | os.PathLike):
        raise InputError(
            f"model path: expected str or os.PathLike, got {type(path).__name__}"
        )
    shown = os.fsdecode(path)
    if not shown:  # pathlib takes it for the folder of the process
        raise InputError("model path: expected the name of a file, got an empty text")
    try:
        # Numbers of a damaged file may overflow: the model refuses what is not finite.
        with np.errstate(all="ignore"):
            yield Path(shown)
    except ModelFileError as error:
        message = _one_line(str(error).removeprefix(f"{shown}: "))
        raise ModelFileError(f"{shown}: {message}") from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelFileError(
            f"{shown}: cannot be read ({reason}); check the path and its permissions"
        ) from None


def _read(path: Path, shown: str, head: str | None, with_plan: bool) -> ModelFile:
    _reject_absent(path)
    with open_regular(path) as (file, size):
        start = file.read(_HEAD)
    if start.startswith(hdf5.SIGNATURE) and head is None:
        return _read_hdf5(path, with_plan)
    return ModelFile(_read_foreign(path, start, size, shown, head))


def _content(path: Path, size: int) -> bytes:
    """All bytes of a file that had so many a moment ago."""
    with open_regular(path) as (file, _):
        data = file.read(size)
        if len(data) < size or file.read(1):
            raise ModelFileError("changes while it is read; copy it again")
    return data


def _read_foreign(
    path: Path, start: bytes, size: int, shown: str, head: str | None
) -> Model:
    if start.startswith(_ZIP):
        from . import torchscript

        return torchscript.read(path, head)
    if head is not None:
        raise ModelFileError(
            f"head {head[:40]!a}: only a checkpoint (.pt) has branches; leave head out"
        )
    from . import tensorflow
    from .foreign import reject_known

    reject_known(path, start, size)
    if tensorflow.looks_like_text(start) or _looks_like_graph(path, start):
        return tensorflow.read(_content(path, size), shown)
    if _is_text(start):
        if _JSON.match(start.removeprefix(b"\xef\xbb\xbf")) or _YAML_MODEL.search(
            start
        ):
            from . import native

            data = _content(path, size)
            _reject_other_encodings(data)
            return native.read_text(data)
        raise ModelFileError(
            "a text file without a model of deepmd-kit; give a model file "
            "(.pb, .pth, .dp, .yaml)"
        )
    raise ModelFileError(
        f"not a model file of a known kind (it starts with {start[:8]!r}); expected "
        "a frozen model of deepmd-kit (.pb, .pth, .dp, .yaml) or of dpse-fast"
    )


def _one_line(message: str) -> str:
    """A message without line breaks, whatever names a damaged file has, and short."""
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
    if len(text) > _LONGEST_MESSAGE:
        half = _LONGEST_MESSAGE // 2
        text = f"{text[:half]} … {text[-half:]}"
    return text


def _reject_absent(path: Path) -> None:
    if "\0" in str(path) or not path.exists():
        raise ModelFileError("no such file; check the path")
    if path.is_dir():
        from .foreign import reject_folder

        reject_folder(path)
    if not path.is_file():
        raise ModelFileError("not a regular file; copy the model to one")


def _read_hdf5(path: Path, with_plan: bool) -> ModelFile:
    from . import exchange

    with hdf5.open_file(path) as file:
        if exchange.is_exchange(file):
            return exchange.read_file(file, with_plan)
        if "json" in file.root.attrs:
            from . import native

            return ModelFile(native.read_hdf5(file))
    raise ModelFileError(
        "an HDF5 file without a model: expected the attribute json (.dp of "
        f"deepmd-kit) or format {exchange.FORMAT!r}; give a model file"
    )


def _looks_like_graph(path: Path, head: bytes) -> bool:
    if not head.startswith(b"\x0a"):
        return False
    if len(head) == _HEAD:
        with open_regular(path) as (file, size):
            head = file.read(min(_FIRST_NODE, size))
    from . import tensorflow

    return tensorflow.looks_like_graph(head)


def _is_text(head: bytes) -> bool:
    try:
        text = head[:4096].decode()
    except UnicodeDecodeError as error:
        if error.start < min(len(head), 4096) - 4:
            return False
        text = head[: error.start].decode()
    return not any(ord(c) < 32 and c not in "\t\n\r\f" for c in text)


def _reject_other_encodings(data: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), _HEAD):
        try:
            decoder.decode(data[start : start + _HEAD], start + _HEAD >= len(data))
        except UnicodeDecodeError as error:
            near = start + error.start
            raise ModelFileError(
                f"the text is not UTF-8 (near byte {near}); copy the file again"
            ) from None
