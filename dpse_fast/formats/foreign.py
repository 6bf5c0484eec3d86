"""Files that are known by their first bytes, or by their names, and are not read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

from ..errors import ModelFileError
from .other_programs import REMEDY
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
_SAVED_MODEL = "saved_model.pb"
_SAVED_MODEL_START = b"\x08\x01\x12"  # version 1, then a graph
_ONNX_START = re.compile(rb"\x08[\x02-\x20][\x12\x1a\x22\x3a\x42]")
_TABLE_END = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"  # of LevelDB, as .index has it
_CHECKPOINT_DATA = re.compile(r"\.data-\d{5}-of-\d{5}$")
_CHECKPOINT_NOTE = re.compile(rb"\s*model_checkpoint_path\s*:")
_META_GRAPH = re.compile(rb"\n[\x80-\xff]{0,4}[\x00-\x7f]\x12")
_PADDLE = re.compile(rb'\s*\{\s*"base_code"\s*:')
_NEP = re.compile(rb"nep\d?(_\w+)?\s+\d+(\s+[A-Z][a-z]?)+\s*\n", re.IGNORECASE)
_NVNMD_HEAD_WORDS = (128).to_bytes(4, "little")


def reject_known(path: Path, head: bytes, size: int) -> None:
    """Refuse by name what the first bytes of a file, or its name, give away.

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
    _reject_tensorflow(path, head, size)
    if _ONNX_START.match(head):
        raise ModelFileError(f"an ONNX model is not read; {REMEDY}")
    if _PADDLE.match(head) or path.suffix in (".pdmodel", ".pdiparams"):
        raise ModelFileError(
            "a program of PaddlePaddle (.json or .pdmodel, with its numbers in "
            ".pdiparams) is not read; train or freeze the model with another backend "
            "of deepmd-kit, or give the .dp, .yaml or .pb that it was converted from"
        )
    if _NEP.match(head):
        raise ModelFileError(
            "a NEP model (nep.txt of GPUMD) is not read: it is another potential than "
            f"a Deep Potential; {REMEDY}"
        )
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + 5] == b"ustar":
        raise ModelFileError("a tar archive; unpack it with tar -xf first")
    if head.startswith(b"\x93NUMPY"):
        raise ModelFileError("a NumPy array (.npy), not a model; give a model file")
    if size > 512 and head[4:8] == _NVNMD_HEAD_WORDS and head[0] in (0, 1):
        raise ModelFileError(
            "an NVNMD model holds the fixed-point tables of its own hardware; "
            "give the frozen model it was made from"
        )


def reject_folder(folder: Path) -> NoReturn:
    """Refuse a folder, by what is in it.

    Raises
    ------
    ModelFileError
        Always.
    """
    if any((place / _SAVED_MODEL).exists() for place in (folder, folder.parent)):
        _reject_saved_model()
    if (folder / "checkpoint").is_file() or next(folder.glob("*.ckpt*.index"), None):
        _reject_checkpoint("the folder of a TensorFlow training")
    if folder.suffix == ".jax":
        raise ModelFileError(
            "a checkpoint folder of deepmd-kit's JAX backend is not read; convert it "
            "with dp convert-backend model.jax model.dp"
        )
    raise ModelFileError("a folder, not a model file; give the file inside")


def _reject_tensorflow(path: Path, head: bytes, size: int) -> None:
    if head.startswith(_SAVED_MODEL_START):
        _reject_saved_model()
    if (
        path.name.startswith("variables.")
        and (path.absolute().parents[1] / _SAVED_MODEL).exists()
    ):
        _reject_saved_model()
    if _META_GRAPH.match(head):
        _reject_checkpoint("the graph (.meta) of a TensorFlow checkpoint")
    if size <= len(head) and head.endswith(_TABLE_END):
        _reject_checkpoint("the table (.index) of a TensorFlow checkpoint")
    if _CHECKPOINT_NOTE.match(head):
        _reject_checkpoint("the list of the checkpoints of a TensorFlow training")
    if _CHECKPOINT_DATA.search(path.name):
        _reject_checkpoint("the numbers (.data) of a TensorFlow checkpoint")


def _reject_saved_model() -> NoReturn:
    raise ModelFileError(
        "a SavedModel (a folder with saved_model.pb) is not read, and deepmd-kit "
        "cannot convert it; give what it was made from: .hlo, .dp or .pb, or a .jax "
        "folder after dp convert-backend model.jax model.dp"
    )


def _reject_checkpoint(what: str) -> NoReturn:
    raise ModelFileError(
        f"{what}, not a frozen model; freeze the model with "
        "dp freeze -c FOLDER -o model.pb in deepmd-kit"
    )
