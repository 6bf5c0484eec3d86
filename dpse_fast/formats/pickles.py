"""Python pickles: what they name, found without opening one."""

from __future__ import annotations

import io
import pickletools
import re
import warnings

from ..errors import ModelFileError

_START = re.compile(rb"\x80[\x02-\x05]")
_LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_MOST_OPCODES = 20_000


def reject_pickle(start: bytes) -> None:
    """Refuse a pickle by the library it belongs to.

    Parameters
    ----------
    start : the first bytes of a file

    Raises
    ------
    ModelFileError
        If they are a pickle's.
    """
    if start.startswith(_LEGACY_TORCH):
        raise ModelFileError(
            "a PyTorch checkpoint of before 1.6 is not read; freeze the model with "
            "dp --pt freeze -o model.pth"
        )
    if not _START.match(start):
        return
    if "deepmd_jax" in _libraries(start):
        raise ModelFileError(
            "a model of deepmd-jax is not read: its descriptor is another function, "
            "and opening its pickle can run code; evaluate it with deepmd-jax itself, "
            "or train the model with deepmd-kit"
        )
    raise ModelFileError(
        "a Python pickle is not read, since opening one can run code; export the "
        "model as .dp, or write it with dpse_fast.formats.exchange"
    )


def _libraries(start: bytes) -> set[str]:
    """The first parts of the dotted names among the opcodes' arguments."""
    found = set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opcodes = pickletools.genops(io.BytesIO(start))
            for _, (_, argument, _) in zip(range(_MOST_OPCODES), opcodes, strict=False):
                if isinstance(argument, str):
                    found.add(argument[:256].partition(" ")[0].partition(".")[0])
    except (ValueError, EOFError, OverflowError, UnicodeError, IndexError):
        return found
    return found
