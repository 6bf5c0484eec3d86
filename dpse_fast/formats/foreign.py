"""Files that are known by their first bytes and are not read."""

from __future__ import annotations

from ..errors import ModelFileError
from .pickles import reject_pickle

_PACKED = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"\x28\xb5\x2f\xfd": ("Zstandard", "unzstd"),
    b"7z\xbc\xaf\x27\x1c": ("7-Zip", "7z x"),
}
_LFS = b"version https://git-lfs"
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
    reject_pickle(head)
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        raise ModelFileError("a tar archive; unpack it with tar -xf first")
    if head.startswith(b"\x93NUMPY"):
        raise ModelFileError("a NumPy array (.npy), not a model; give a model file")
    if size > 512 and head[4:8] == _NVNMD_HEAD_WORDS and head[0] in (0, 1):
        raise ModelFileError(
            "an NVNMD model holds the fixed-point tables of its own hardware; "
            "give the frozen model it was made from"
        )
