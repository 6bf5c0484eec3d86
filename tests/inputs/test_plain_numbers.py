"""Arrays that mean more than their numbers are refused, whichever argument they are."""

from __future__ import annotations

import enum
from collections import deque
from functools import partial
from typing import Any

import numpy as np
import pytest
from families import family

import dpse_fast
from dpse_fast.errors import InputError
from dpse_fast.inputs.plain_numbers import shown

X = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.3, 0.0]]
GOOD: dict[str, Any] = {
    "positions": X,
    "types": [0, 1, 1],
    "cell": (9.0 * np.eye(3)).tolist(),
    "pbc": [True, True, True],
    "fparam": [0.3],
    "aparam": [0.2, 0.1, 0.4],
}
LISTED: dict[str, Any] = {
    "positions": X,
    "types": [0, 1, 1],
    "first": [0, 2, 4, 6],
    "neighbours": [1, 2, 0, 2, 0, 1],
    "centres": [0, 1, 2],
    "type_map": [0, 1],
    "forces": np.zeros((3, 3)),
    "fparam": [0.3],
    "aparam": [0.2, 0.1, 0.4],
}


class Quantity(np.ndarray[Any, Any]):
    """As astropy's, unyt's and pymatgen's: a subclass of NumPy's arrays."""

    unit = "nm"


class Boxed:
    """As pint's and OpenMM's: an object around an array, with ``units``."""

    units = "nm"

    def __init__(self, value: Any) -> None:
        self._value = np.asarray(value)

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return self._value


class Labelled(Boxed):
    """As xarray's."""

    dims = ("xyz", "atom")
    units = property()  # type: ignore[assignment]


class Frame(Boxed):
    """As those of pandas."""

    iloc = None
    units = property()  # type: ignore[assignment]


class Stored(Boxed):
    """As data sets of HDF5 whose attributes name a unit."""

    units = property()  # type: ignore[assignment]
    attrs = {"units": "nm"}  # noqa: RUF012


class Masking(Boxed):
    """As variables of netCDF: a mask appears where it becomes an array."""

    units = property()  # type: ignore[assignment]

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return np.ma.masked_array(self._value)


class Tensor(Boxed):
    """As PyTorch's that follow a gradient."""

    units = property()  # type: ignore[assignment]
    requires_grad = True


class Columns(Boxed):
    """As those of Polars and Arrow."""

    columns = ["y", "x", "z"]  # noqa: RUF012
    units = property()  # type: ignore[assignment]


class Scaled(Boxed):
    """As data sets that are packed by the conventions of netCDF."""

    units = property()  # type: ignore[assignment]
    attrs = {"scale_factor": 0.1}  # noqa: RUF012


class Filled(Boxed):
    """As data sets that may miss numbers, by the same conventions."""

    units = property()  # type: ignore[assignment]
    attrs = {"_FillValue": -999.0}  # noqa: RUF012


class Described:
    """An array by NumPy's interface, which may have a mask that NumPy ignores."""

    def __init__(self, value: Any) -> None:
        self._value = np.asarray(value)
        self.__array_interface__ = self._value.__array_interface__ | {"mask": 1}


class Sparse:
    """As SciPy's."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def toarray(self) -> Any:
        return self._value


KINDS: dict[str, tuple[Any, str]] = {
    "masked": (lambda v: np.ma.masked_array(v), "MaskedArray with a mask.*filled"),
    "subclass": (lambda v: np.asarray(v).view(Quantity), "Quantity with units"),
    "object": (Boxed, "Boxed with units"),
    "labels": (Labelled, "Labelled with labels.*to_numpy"),
    "frame": (Frame, "Frame with labels"),
    "stored": (Stored, "Stored with units in its attributes"),
    "masking": (Masking, "MaskedArray with a mask"),
    "gradient": (Tensor, r"Tensor with a gradient.*\.detach"),
    "sparse": (Sparse, r"Sparse with a sparse layout.*\.toarray"),
    "list": (lambda v: [*v[:-1], Boxed(v[-1])], "Boxed with units"),
    "list of masked": (lambda v: [*v[:-1], np.ma.masked], "with a mask"),
    "sequence": (lambda v: deque([*v[:-1], np.ma.masked]), "with a mask"),
    "list of masking": (lambda v: [*v[:-1], Masking(v[-1])], "with a mask"),
    "interface": (lambda v: Described(v), "Described with a mask"),
    "columns": (lambda v: Columns(v), "Columns with labels"),
    "scaled": (lambda v: Scaled(v), "Scaled with a scale in its attributes"),
    "filled": (lambda v: Filled(v), "Filled with a mark of missing numbers"),
}


@pytest.fixture(scope="module")
def pot() -> dpse_fast.Potential:
    return dpse_fast.load(family("aparam"), threads=1)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("kind", KINDS)
def test_every_argument(pot: dpse_fast.Potential, name: str, kind: str) -> None:
    make, message = KINDS[kind]
    given = GOOD | {name: make(GOOD[name])}
    for compute in (pot.compute, pot.session().compute):
        with pytest.raises(InputError, match=f"^{name}: expected .*{message}"):
            compute(**given)
    with pytest.raises(InputError, match=rf"^structures\[0\]: {name}: .*{message}"):
        pot.compute_batch([tuple(given[key] for key in GOOD)])


@pytest.mark.parametrize("name", LISTED)
@pytest.mark.parametrize("kind", KINDS)
def test_every_argument_of_a_list(
    pot: dpse_fast.Potential, name: str, kind: str
) -> None:
    make, message = KINDS[kind]
    if name == "forces" and kind.startswith(("list", "masking", "sequence")):
        pytest.skip("forces are added into an array")
    with pytest.raises(InputError, match=f"^{name}: expected .*{message}"):
        pot.listed_session().compute(**LISTED | {name: make(LISTED[name])})


@pytest.mark.parametrize("kind", KINDS)
def test_names_of_types(kind: str) -> None:
    make, message = KINDS[kind]
    with pytest.raises(InputError, match=f"^type_map: expected .*{message}"):
        dpse_fast.load(family("se_e2_a"), type_map=make(["H", "O"]))


@pytest.mark.parametrize("name", ["skin", "tol"], ids=str)
@pytest.mark.parametrize(
    "value",
    [
        np.asarray(0.5).view(Quantity),
        Boxed(0.5),
        np.ma.masked,
        np.array([0.5]),
        True,
        np.timedelta64(1),
        1j,
        "1",
        None,
        np.nan,
        np.inf,
        10**5000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_amounts(pot: dpse_fast.Potential, name: str, value: Any) -> None:
    calls = {"skin": pot.session, "tol": partial(dpse_fast.load, pot.model)}
    with pytest.raises(InputError, match=f"^{name}: expected "):
        calls[name](**{name: value})


@pytest.mark.parametrize("value", ["no", 1, 0, None, np.array([True]), 1.0])
@pytest.mark.parametrize("name", ["atomic", "pair_gradients", "same_list", "profile"])
def test_flags(pot: dpse_fast.Potential, name: str, value: Any) -> None:
    expected = f"{name}: expected True or False"
    if name == "profile":
        with pytest.raises(InputError, match=expected):
            pot.session(profile=value)
        return
    with pytest.raises(InputError, match=expected):
        pot.listed_session().compute(**LISTED, **{name: value})
    if name == "atomic":
        with pytest.raises(InputError, match=expected):
            pot.compute(**GOOD, atomic=value)
        with pytest.raises(InputError, match=expected):
            pot.compute_batch([], atomic=value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"positions": [[0.0, "1", 0.0]] * 3}, "numbers or names, got both"),
        ({"positions": [[0.0, True, 0.0]] * 3}, "got bools among them"),
        ({"positions": np.zeros((3, 3), bool)}, "dtype bool"),
        ({"positions": np.zeros((3, 3), "m8[s]")}, "dtype timedelta64"),
        ({"positions": np.zeros(3, "f8,f8,f8")}, "positions: .*dtype"),
        ({"types": ["O", 1, 1]}, "numbers or names, got both"),
        ({"types": [True, False, True]}, "dtype bool"),
        ({"types": np.array([0, 2**64 - 1, 1], np.uint64)}, f"type {2**64 - 1};"),
        ({"pbc": [1.0, 1.0, 1.0]}, "pbc: expected one bool or three"),
        ({"aparam": np.zeros(3, "M8[s]")}, "aparam: .*dtype datetime64"),
        ({"aparam": [1.7e308] * 3}, "aparam: .*infinite when it is normalised"),
    ],
)
def test_what_is_no_number(
    pot: dpse_fast.Potential, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        pot.compute(**GOOD | change)


class Species(str, enum.Enum):  # noqa: UP042
    """Their str() is "Species.O", of which NumPy would take one character."""

    O = "O"  # noqa: E741
    H = "H"


def test_members_of_an_enumeration(pot: dpse_fast.Potential) -> None:
    types = [Species.O, Species.H, Species.H]
    with pytest.raises(InputError, match=r"types: .*Species 'O'.*give its value"):
        pot.compute(**GOOD | {"types": types})
    found = pot.compute(**GOOD | {"types": np.array(types, object)})
    assert found.energy == pot.compute(**GOOD).energy


def test_many_unknown_names(pot: dpse_fast.Potential) -> None:
    with pytest.raises(InputError, match="no type") as caught:
        pot.compute(np.eye(3).repeat(40, 0), [f"{k:0100}" for k in range(120)])
    assert len(str(caught.value)) < 1000


def test_a_list_within_itself(pot: dpse_fast.Potential) -> None:
    endless: list[Any] = [0.0]
    endless.append(endless)
    with pytest.raises(InputError, match=r"positions: .*list within itself"):
        pot.compute(**GOOD | {"positions": endless})


@pytest.mark.parametrize(
    "first", [[0, 5, 3, 6], [0, 2**64 - 2, 4, 6], [0, 2**63, 2, 6]]
)
def test_unsigned_starts_that_descend(
    pot: dpse_fast.Potential, first: list[int]
) -> None:
    given = LISTED | {"first": np.array(first, np.uint64)}
    with pytest.raises(InputError, match=r"first: .*descending at row 1"):
        pot.listed_session().compute(**given)


def test_starts_whose_differences_overflow(pot: dpse_fast.Potential) -> None:
    given = LISTED | {"first": np.array([0, 2**63 - 1, -2, 6])}
    with pytest.raises(InputError, match=r"first: .*descending at row 1"):
        pot.listed_session().compute(**given)


@pytest.mark.parametrize("structures", [3, None, "water", np.ma.masked])
def test_no_list_of_structures(pot: dpse_fast.Potential, structures: Any) -> None:
    with pytest.raises(InputError, match="structures"):
        pot.compute_batch(structures)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_plain_numbers_of_any_form(pot: dpse_fast.Potential) -> None:
    expected = pot.compute(**GOOD)
    x = np.array(X)
    forms = [
        np.asfortranarray(x), x.astype(">f8"), x[::-1][::-1], x.astype(np.longdouble),
        np.repeat(x, 2, axis=0)[::2], np.matrix(x), list(x), tuple(map(tuple, x)),
    ]  # fmt: skip
    for form in forms:
        found = pot.compute(**GOOD | {"positions": form})
        np.testing.assert_array_equal(found.forces, expected.forces)
    for types in (np.array([0, 1, 1], ">i2"), np.array([0, 1, 1], np.uint64)):
        assert pot.compute(**GOOD | {"types": types}).energy == expected.energy
    names = np.array(["O", "H", "H"], np.dtypes.StringDType())
    assert pot.compute(**GOOD | {"types": names}).energy == expected.energy
    ones = GOOD | {"pbc": [True, 1, np.True_]}
    assert pot.compute(**ones).energy == expected.energy


def test_a_value_in_an_error_is_short() -> None:
    assert len(shown("x" * 1000)) <= 60
    assert shown(10**5000) == "a int"
