"""The model file that a command writes."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError

HDF5 = (".h5", ".hdf5")


def output_file(out: str, suffixes: tuple[str, ...], model: str) -> Path:
    """The path, if it is one that can be written and is not the model's own.

    Raises
    ------
    InputError
        For another ending than those given, a folder that does not exist, or the
        model itself.
    """
    target = Path(out)
    if target.suffix.lower() not in suffixes:
        *others, last = suffixes
        raise InputError(
            f"output {out}: expected a name that ends in {', '.join(others)} or {last}"
        )
    if not target.parent.is_dir():
        raise InputError(f"output {out}: the folder {target.parent} does not exist")
    if target.exists() and Path(model).exists() and target.samefile(model):
        raise InputError(f"output {out}: expected another file than the model")
    return target
