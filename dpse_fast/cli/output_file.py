"""The file that a command writes: one that can be written, and none of its inputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError
from .options import embedded_model

HDF5 = (".h5", ".hdf5")


def output_file(
    out: str, suffixes: tuple[str, ...], inputs: Mapping[str, str | None]
) -> Path:
    """The path, if it is one that can be written and is none of the inputs.

    Parameters
    ----------
    inputs : what they are → path; see `refuse_inputs`

    Raises
    ------
    InputError
        For another ending than those given, a folder that does not exist, or an
        input.
    """
    target = Path(out)
    if target.suffix.lower() not in suffixes:
        *others, last = suffixes
        raise InputError(
            f"output {out}: expected a name that ends in {', '.join(others)} or {last}"
        )
    if not target.parent.is_dir():
        raise InputError(f"output {out}: the folder {target.parent} does not exist")
    if target.is_dir():
        raise InputError(f"output {out}: is a directory")
    refuse_inputs(out, [target], inputs)
    return target.resolve()  # what a link points to is replaced, not the link


def refuse_inputs(
    out: str, written: list[Path], inputs: Mapping[str, str | None]
) -> None:
    """Raise an InputError if a file that is written is an input, however spelled.

    A part of a npy system, such as set.000/coord.npy, is one too, of any system.

    Parameters
    ----------
    out : the output as the user named it
    written : all files that are written on the way to it
    inputs : what they are → path; a model without a path is the embedded one, other
        inputs without one are none
    """
    from ..trajectory.npy_system import is_part_of_system

    for file in written:
        if is_part_of_system(file.resolve()):
            raise InputError(f"output {out}: expected no file of a npy system")
    for what, given in inputs.items():
        path = embedded_model() if given is None and what == "model" else given
        if path is None:
            continue
        for file in written:
            if _same(file, Path(path)):
                also = (
                    "" if file == Path(out) else f", since {file.name} is written too"
                )
                raise InputError(
                    f"output {out}: expected another file than the {what}{also}"
                )


def _same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()
