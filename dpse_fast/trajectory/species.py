"""Names of a trajectory's species as types of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..array_types import Integers
from ..errors import InputError, NumberedTypesWarning, warn
from ..model import UNKNOWN_TYPE_PREFIX
from .elements import species_name
from .frame import Frame

ABSENT = -1
ARROW = "="  # in a name of --type-map such as OW=O
ALIKE = {"D": "H", "T": "H"}


def is_mapping(given: Sequence[str]) -> bool:
    """Whether names are given as ``OW=O, HW=H``, and not as a list."""
    return any(ARROW in name for name in given)


def mapping_of(given: Sequence[str], type_map: Sequence[str]) -> dict[str, str]:
    """``OW=O, HW=H`` as a table from the trajectory's names to the model's.

    Raises
    ------
    InputError
        If it names something that the model does not have, or renames what it has.
    """
    table: dict[str, str] = {}
    for entry in given:
        name, _, target = (part.strip() for part in entry.partition(ARROW))
        if not name or target not in type_map:
            raise InputError(
                f"type map: expected NAME=TYPE with a type of the model "
                f"({', '.join(type_map)}), got {entry!r}"
            )
        if name in type_map and name != target:
            raise InputError(
                f"type map: {entry!r} has no effect, since the model has a type {name}"
            )
        if table.setdefault(name, target) != target:
            raise InputError(f"type map: {name!r} is named twice")
    return table


def model_types(
    frame: Frame, type_map: Sequence[str], given: Sequence[str] | None = None
) -> Integers:
    """(N,) indices into the type map of a model, what `compute` takes.

    Names are looked up in the type map, then as elements (``CL`` is Cl), then in
    `given`.

    Parameters
    ----------
    type_map : the model's
    given : the user's names
        ``OW=O, HW=H`` maps names of the trajectory to types of the model; type
        numbers, as the file has them, are names too (``1=O, 2=H``). A list ``O, H``
        names the types of trajectories that have only numbers: 0, 1, … of npy
        systems, 1, 2, … of LAMMPS and POSCAR, and numbers as names of species from
        1. By default these are the model's types in their order, with a warning.

    Raises
    ------
    InputError
        If an atom's name is not found, or `given` is too short, or of no use.
    """
    if frame.names is None:
        return _of_numbers(frame, type_map, given)
    known = {name: t for t, name in enumerate(type_map)}
    table = mapping_of(given, type_map) if given and is_mapping(given) else {}
    types = np.full(len(frame.names), ABSENT, np.int32)
    for k, name in enumerate(frame.names):
        found = name if name in known else species_name(name, tuple(type_map))
        types[k] = known.get(found, known.get(table.get(name, ""), ABSENT))
    if given and not table:
        _use_list(types, frame, type_map, given)
    present = types[frame.types]
    if (present == ABSENT).any():
        _refuse(int(np.argmax(present == ABSENT)), frame, type_map)
    return present


def _use_list(
    types: Integers, frame: Frame, type_map: Sequence[str], given: Sequence[str]
) -> None:
    """Species called 1, 2, … have the names of the list."""
    names = frame.names or ()
    missing = [k for k in range(len(names)) if types[k] == ABSENT]
    numbered = [k for k in missing if names[k].isdecimal()]
    if not numbered and tuple(given) != tuple(type_map):
        raise InputError(
            f"{frame.name}: names its species and so does the model "
            f"({','.join(type_map)}); leave --type-map out, or map names as in "
            f"{names[0] if names else 'OW'}={type_map[0]}"
        )
    for k in numbered:
        number = int(names[k])
        if not 1 <= number <= len(given):
            raise InputError(
                f"{frame.name}: has a species {names[k]}, but the type map "
                f"{','.join(given)} names 1 to {len(given)}; 0={type_map[0]} maps "
                f"numbers from 0"
            )
        if given[number - 1] in type_map:
            types[k] = list(type_map).index(given[number - 1])


def _of_numbers(
    frame: Frame, type_map: Sequence[str], given: Sequence[str] | None
) -> Integers:
    most = int(frame.types.max(initial=0))
    if given is None:
        if len(type_map) > 1:
            warn(
                f"the trajectory only numbers its types, taken as "
                f"{', '.join(type_map)} in the model's order; name them with "
                "--type-map",
                NumberedTypesWarning,
            )
        return frame.types
    names: Mapping[int, str]
    if is_mapping(given):
        names = _numbered(mapping_of(given, type_map), frame)
    else:
        names = dict(enumerate(given))
    missing = sorted(set(np.unique(frame.types).tolist()) - set(names))
    if missing:
        first = frame.first_type
        raise InputError(
            f"{frame.name}: has a type {missing[0] + first}, but the type map "
            f"{','.join(given)} names {_range(first, given)}"
        )
    known = {name: t for t, name in enumerate(type_map)}
    unknown = [name for name in names.values() if name not in known]
    if (
        unknown
        and (np.isin(frame.types, [k for k in names if names[k] in unknown])).any()
    ):
        raise InputError(
            f"{frame.name}: the type map names {unknown[0]!r}, but the model has "
            f"{_listed(type_map)}"
        )
    table = np.full(most + 1, ABSENT, np.int32)
    for number, name in names.items():
        if number <= most:
            table[number] = known.get(name, ABSENT)
    return table[frame.types]


def _numbered(table: Mapping[str, str], frame: Frame) -> dict[int, str]:
    """``1=O`` by the number of the type in `frame`."""
    first = frame.first_type
    strange = [name for name in table if not name.isdecimal() or int(name) < first]
    if strange:
        raise InputError(
            f"{frame.name}: has only type numbers, from {first}; expected them in the "
            f"type map, as in {first}=O,{first + 1}=H, got {strange[0]!r}"
        )
    return {int(name) - first: target for name, target in table.items()}


def _range(first: int, given: Sequence[str]) -> str:
    """The types that a type map names."""
    if is_mapping(given):
        return "others"
    return f"{first} to {first + len(given) - 1}"


def _refuse(atom: int, frame: Frame, type_map: Sequence[str]) -> None:
    name = (frame.names or ())[frame.types[atom]]
    if all(name.startswith(UNKNOWN_TYPE_PREFIX) for name in type_map):
        raise InputError(
            f"{frame.name}: atom {atom} is called {name!r}, and the model does not "
            f"name its types: name them in order with --type-map, as in O,H"
        )
    raise InputError(
        f"{frame.name}: atom {atom} is called {name!r}, and the model has "
        f"{_listed(type_map)}; --type-map {_hint(name, type_map)}"
    )


def _hint(name: str, type_map: Sequence[str]) -> str:
    """What to write, if the name begins as a type does."""
    letters = name.rstrip("0123456789_+-*'")
    for meant in (ALIKE.get(name, ""), letters, letters[:2].capitalize(), letters[:1]):
        if meant in type_map:
            return f"{name}={meant} would take it as {meant}"
    return f"{name}=TYPE takes it as a type of the model"


def _listed(type_map: Sequence[str]) -> str:
    return ", ".join(f"{t} {name}" for t, name in enumerate(type_map))
