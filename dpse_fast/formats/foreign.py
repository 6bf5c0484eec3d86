"""Files that are known by their first bytes and are not read."""

from __future__ import annotations

import re

from ..errors import ModelFileError

_PACKED = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", "unzstd"),
    b"7z\xbc\xaf\x27\x1c": ("7-Zip", "7z x"),
}
_LFS = b"version https://git-lfs"
_LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_TEXT_GRAPH = re.compile(rb"(\s|#[^\n]*\n)*node\s*:?\s*\{")
_TAR_MAGIC_AT = 257
_NVNMD_HEAD_WORDS = (128).to_bytes(4, "little")


def reject_known(head: bytes, size: int) -> None:
    """Refuse by name what the first bytes of a file give away.

    Raises
    ------
    ModelFileError
        If the file is of a kind that is known and not read.
    """
    for magic, (name, command) in _PACKED.items():
        if head.startswith(magic):
            raise ModelFileError(
                f"a file packed with {name}; unpack it with {command} first"
            )
    if head.startswith(_LFS):
        raise ModelFileError(
            "a git-LFS pointer, not the model itself; fetch it with git lfs pull"
        )
    if head.startswith(_LEGACY_TORCH):
        raise ModelFileError(
            "a PyTorch checkpoint of before 1.6 is not read; freeze the model with "
            "dp --pt freeze -o model.pth"
        )
    if _PICKLE.match(head):
        raise ModelFileError(
            "a Python pickle is not read, since opening one can run code; export the "
            "model as .dp, or write it with dpse_fast.formats.exchange"
        )
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        raise ModelFileError("a tar archive; unpack it with tar -xf first")
    if head.startswith(b"\x93NUMPY"):
        raise ModelFileError("a NumPy array (.npy), not a model; give a model file")
    if _TEXT_GRAPH.match(head):
        raise ModelFileError(
            "a graph as text (.pbtxt) is not read; convert it with "
            "dp convert-from pbtxt -i model.pbtxt -o model.pb"
        )
    if size > 512 and head[4:8] == _NVNMD_HEAD_WORDS and head[0] in (0, 1):
        raise ModelFileError(
            "an NVNMD model holds the fixed-point tables of its own hardware; "
            "give the frozen model it was made from"
        )
