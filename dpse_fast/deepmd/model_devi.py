"""Model deviations with the arguments and results of deepmd-kit's functions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Doubles
from ..errors import InputError
from ..evaluation.model_deviation import (
    energy_deviations,
    force_deviations,
    model_deviation,
    virial_deviations,
)
from ..inputs.plain_numbers import shown
from ..inputs.structure import check_flag, floats
from ..writers.deviation_file import COLUMNS, deviation_header, deviation_lines
from .deep_committee import eval_committee
from .deep_pot import DeepPot


def calc_model_devi(
    coord: ArrayLike,
    box: ArrayLike | None,
    atype: ArrayLike | Sequence[int],
    models: Iterable[DeepPot],
    fname: str | os.PathLike[str] | None = None,
    frequency: int = 1,
    mixed_type: bool = False,
    fparam: ArrayLike | None = None,
    aparam: ArrayLike | None = None,
    real_data: Mapping[str, ArrayLike] | None = None,
    atomic: bool = False,
    relative: float | None = None,
    relative_v: float | None = None,
) -> Doubles:
    """Model deviations of F frames of N atoms.

    Parameters
    ----------
    coord, box, atype, fparam, aparam, mixed_type : as in `DeepPot.eval`
    models : the committee
    fname : a file to which a table is appended, or None
    frequency : steps from frame to frame, for the first column
    real_data : ``energy`` (F, 1) eV/atom, ``force`` (F, N, 3) eV/Å and ``virial``
        (F, 9) eV/atom
        Root mean square errors against them are found instead of deviations.
    atomic : with the deviation of each atom's force
    relative : eV/Å; deviations of forces divided by their magnitude plus this level
    relative_v : eV/atom; the same of virials
        The magnitude is the norm of the frame's virial per atom.

    Returns
    -------
    (F, 8) or, with `atomic`, (F, 8 + N)
        Step; largest, smallest and average deviation of the virial (eV/atom), the
        same of the forces (eV/Å), deviation of the energy (eV/atom); of each atom.

    Raises
    ------
    InputError
        As `DeepPot.eval`; also for models with different type maps.
    """
    atomic = check_flag(atomic, "atomic")
    committee = _committee(models)
    energies, forces, virials = eval_committee(
        committee,
        coord,
        box,
        atype,
        fparam=fparam,
        aparam=aparam,
        mixed_type=mixed_type,
    )
    n_frames, n_atoms = forces.shape[1:3]
    reference = None
    if real_data is not None:
        energy, force, virial = _references(real_data, n_frames, n_atoms)
        reference = (energy * n_atoms, force, virial * n_atoms)
    found = model_deviation(
        energies,
        forces,
        virials,
        reference=reference,
        relative=relative,
        relative_v=relative_v,
    )
    steps = np.arange(n_frames, dtype=float)[:, None] * frequency
    devi = np.concatenate([steps, found.columns(atomic)], axis=1)
    if fname:
        write_model_devi_out(devi, fname, atomic=atomic)
    return devi


def _committee(models: Any) -> list[DeepPot]:
    """The models, which have the same types."""
    expected = "models: expected a list of DeepPots"
    if not isinstance(models, Iterable):
        raise InputError(f"{expected}, got {shown(models)}")
    found = list(models)
    if not found:
        raise InputError("models: expected at least one DeepPot, got none")
    for k, model in enumerate(found):
        if not hasattr(model, "eval"):
            raise InputError(f"{expected}, got {shown(model)} as models[{k}]")
    first = found[0].get_type_map()
    for k, model in enumerate(found):
        if model.get_type_map() != first:
            raise InputError(
                f"models: expected the type map of models[0], {' '.join(first)}, got "
                f"{' '.join(model.get_type_map())} of models[{k}]"
            )
    return found


def _references(
    real_data: Mapping[str, ArrayLike], n_frames: int, n_atoms: int
) -> tuple[Doubles, Doubles, Doubles]:
    """Energies (F,) and virials (F, 9) per atom, and forces (F, N, 3)."""
    shapes = {"energy": (n_frames,), "force": (n_frames, n_atoms, 3)}
    shapes["virial"] = (n_frames, 9)
    found = {}
    for name, shape in shapes.items():
        if name not in real_data:
            raise InputError(f"real_data: expected {name!r} in it, got none")
        array = floats(real_data[name], f"real_data[{name!r}]", f"shape {shape}")
        if array.size != np.prod(shape):
            raise InputError(
                f"real_data[{name!r}]: expected shape {shape}, got {array.shape}"
            )
        found[name] = array.reshape(shape)
    return found["energy"], found["force"], found["virial"]


def calc_model_devi_f(
    fs: ArrayLike,
    real_f: ArrayLike | None = None,
    relative: float | None = None,
    atomic: bool = False,
) -> tuple[Doubles, ...]:
    """Largest, smallest and average deviation of forces, and with `atomic` each atom's.

    Parameters
    ----------
    fs : (M, F, N, 3) of M models
    real_f : (F, N, 3); None: the mean of the models
    relative : level of relative deviations, see `calc_model_devi`

    Returns
    -------
    three arrays (F,), and with `atomic` one (F, N)
    """
    found = force_deviations(fs, real_f, relative)
    summary = (found.max(axis=-1), found.min(axis=-1), found.mean(axis=-1))
    return (*summary, found) if atomic else summary


def calc_model_devi_v(
    vs: ArrayLike, real_v: ArrayLike | None = None, relative: float | None = None
) -> tuple[Doubles, Doubles, Doubles]:
    """Largest, smallest and average deviation of virials.

    Parameters
    ----------
    vs : (M, F, 9) of M models, per atom
    real_v : (F, 9) per atom; None: the mean of the models
    relative : level of relative deviations, see `calc_model_devi`

    Returns
    -------
    three arrays (F,)
    """
    found = virial_deviations(vs, real_v, relative)
    average = np.sqrt(np.mean(found**2, axis=-1))
    return found.max(axis=-1), found.min(axis=-1), average


def calc_model_devi_e(es: ArrayLike, real_e: ArrayLike | None = None) -> Doubles:
    """(F,) deviations of energies.

    Parameters
    ----------
    es : (M, F, 1) of M models, per atom
    real_e : (F, 1) per atom; None: the mean of the models
    """
    return energy_deviations(es, real_e)[..., 0]


def write_model_devi_out(
    devi: Doubles,
    fname: str | os.PathLike[str],
    header: str = "",
    atomic: bool = False,
) -> Doubles:
    """Append a table of model deviations to a file, and return it.

    Parameters
    ----------
    devi : (F, 8) or, with `atomic`, (F, 8 + N); see `calc_model_devi`
    header : a line of comment above the names of the columns

    Raises
    ------
    InputError
        For a table with other columns.
    """
    n, least = len(COLUMNS) + 1, len(COLUMNS) + 1 + bool(atomic)
    if devi.ndim != 2 or (devi.shape[1] < least if atomic else devi.shape[1] != n):
        expected = f"(nframes, {n} + natoms)" if atomic else f"(nframes, {n})"
        raise InputError(f"devi: expected shape {expected}, got {devi.shape}")
    with open(fname, "a", encoding="utf-8") as file:
        print(deviation_header(header, atomic=atomic), file=file)
        for line in deviation_lines(devi):
            print(line, file=file)
    return devi
