"""How deepmd-kit's Python interface opens a model, and what it embeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from ..array_types import Doubles, Floats
from ..errors import InputError, UnusedArgumentWarning, warn
from ..inputs.environment import VARIABLES, with_environment
from ..inputs.plain_numbers import shown
from ..inputs.structure import check_flag
from ..md.potentials import ModelLike, potential_of
from ..potential import Potential
from ..results import Features
from .frames import Frames, check_frames, naming_frames, refuse_other_inputs
from .model_facts import ModelFacts

if TYPE_CHECKING:
    from typing import Self

OPTIONS = frozenset(VARIABLES.values()) - {
    "skin",
    "deviation_tol",
}  # of `dpse_fast.load`
ATOMS_OF_A_BATCH = 4096  # frames of 192 atoms take a fifth less time than one by one


class DeepEval(ModelFacts):
    """A model with the methods that all kinds of deepmd-kit's models have.

    ``DeepEval(model_file)`` is a `DeepPot`: dpse-fast evaluates no other kind.

    Parameters
    ----------
    model_file : a model file of any readable format; also a `Potential` or `Model`
    auto_batch_size : how many atoms are evaluated together
        True: as many as is fast; False: those of all frames. Results depend on it by
        rounding only.
    neighbor_list, nlist_backend, no_jit, skip_modifier : accepted, see below
        How deepmd-kit makes neighbour lists and programs does not change results. A
        warning says that they have no effect, if they are given.
    head : branch of a multi-task checkpoint
    options : of `dpse_fast.load`: precision, tol, threads, sel_overflow, device …
        What is not given is taken from the environment, see
        `dpse_fast.inputs.environment`.

    Raises
    ------
    ModelFileError, InputError
        As `dpse_fast.load`; `InputError` also for arguments of deepmd-kit that
        dpse-fast does not have.
    """

    batch_atoms: int | None  # that are evaluated together; None: all
    _kind: ClassVar[type[DeepEval]]  # what a DeepEval is made as

    def __init_subclass__(cls) -> None:
        if DeepEval in cls.__bases__:
            DeepEval._kind = cls

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        made = DeepEval._kind if cls is DeepEval else cls
        return object.__new__(made)  # type: ignore[return-value]

    def __init__(
        self,
        model_file: ModelLike,
        *,
        auto_batch_size: bool | int = True,
        neighbor_list: Any = None,
        head: str | None = None,
        nlist_backend: str = "auto",
        no_jit: bool = False,
        skip_modifier: bool = False,
        **options: Any,
    ) -> None:
        _refuse_graph_options(options)
        refuse_unknown(options, OPTIONS)
        warn_of_unused(neighbor_list=neighbor_list, nlist_backend=nlist_backend)
        warn_of_unused(no_jit=no_jit, skip_modifier=skip_modifier)
        self.batch_atoms = _atoms_of_a_batch(auto_batch_size)
        self.model_file = model_file
        if isinstance(model_file, Potential):
            given = options if head is None else options | {"head": head}
        else:
            given = with_environment({**options, "head": head})
        self.potential = potential_of(model_file, given)
        self._head = given.get("head")
        self._session = self.potential.session(0.0)
        self._batch = self.potential.batch_session(0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held that has to be closed."""

    def eval_descriptor(
        self,
        coords: ArrayLike,
        cells: ArrayLike | None,
        atom_types: ArrayLike | Sequence[int],
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
        mixed_type: bool = False,
        dtype: str = "native",
        **kwargs: Any,
    ) -> Floats:
        """(F, N, M) descriptors of the atoms, without loss whatever `tol` is.

        Parameters
        ----------
        coords, cells, atom_types, fparam, aparam, mixed_type, kwargs : as in `eval`
        dtype : "fp64", "fp32" or "native", which is float64

        Raises
        ------
        InputError
            As `eval`.
        """
        refuse_other_inputs(kwargs)
        frames = self.frames(coords, cells, atom_types, fparam, aparam, mixed_type)
        return as_dtype([one.descriptor for one in self._features(frames)], dtype)

    def eval_fitting_last_layer(
        self,
        coords: ArrayLike,
        cells: ArrayLike | None,
        atom_types: ArrayLike | Sequence[int],
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
        mixed_type: bool = False,
        dtype: str = "native",
        **kwargs: Any,
    ) -> Floats:
        """(F, N, W) what the last layers of the fitting nets take.

        Parameters
        ----------
        coords, cells, atom_types, fparam, aparam, mixed_type, kwargs : as in `eval`
        dtype : "fp64", "fp32" or "native", which is float64

        Raises
        ------
        InputError
            As `eval`.
        """
        refuse_other_inputs(kwargs)
        frames = self.frames(coords, cells, atom_types, fparam, aparam, mixed_type)
        found = [one.atomic_feature for one in self._features(frames, last_layer=True)]
        return as_dtype(found, dtype)

    def eval_embedding(
        self,
        coords: ArrayLike,
        cells: ArrayLike | None,
        atom_types: ArrayLike | Sequence[int],
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
        mixed_type: bool = False,
        dtype: str = "fp32",
        **kwargs: Any,
    ) -> tuple[Floats, Floats, Floats]:
        """Descriptors, last layers, and the sums of these over the atoms.

        Parameters
        ----------
        coords, cells, atom_types, fparam, aparam, mixed_type, kwargs : as in `eval`
        dtype : "fp32", "fp64" or "native", which is float64

        Returns
        -------
        descriptor : (F, N, M)
        atomic_feature : (F, N, W)
        structural_feature : (F, W)

        Raises
        ------
        InputError
            As `eval`.
        """
        refuse_other_inputs(kwargs)
        frames = self.frames(coords, cells, atom_types, fparam, aparam, mixed_type)
        found = self._features(frames, last_layer=True)
        return (
            as_dtype([one.descriptor for one in found], dtype),
            as_dtype([one.atomic_feature for one in found], dtype),
            as_dtype([one.structural_feature for one in found], dtype),
        )

    def eval_typeebd(self) -> Doubles:
        """(n_types + 1, k) or (n_types, k) what the networks for types give.

        deepmd-kit's row of an empty slot is the last one, where it has such a row.

        Raises
        ------
        InputError
            If the model has no type embedding.
        """
        return self.potential.type_embedding()

    def _features(self, frames: Frames, last_layer: bool = False) -> list[Features]:
        found = []
        for k in range(frames.n_frames):
            given = frames.structure(k)._asdict()
            with naming_frames(k):
                found.append(self.potential.features(**given, last_layer=last_layer))
        return found

    def frames(
        self,
        coords: ArrayLike,
        cells: ArrayLike | None,
        atom_types: ArrayLike | Sequence[int],
        fparam: ArrayLike | None = None,
        aparam: ArrayLike | None = None,
        mixed_type: bool = False,
    ) -> Frames:
        """The frames that `eval` is given, checked."""
        mixed = check_flag(mixed_type, "mixed_type")
        model = self.potential.model
        return check_frames(model, coords, cells, atom_types, fparam, aparam, mixed)


def warn_of_unused(**given: Any) -> None:
    """Warn of arguments of deepmd-kit that are not at their defaults."""
    for name, value in given.items():
        if value is None or value is False:
            continue
        if not (isinstance(value, str) and value == "auto"):
            warn(
                f"{name}: has no effect on the results of dpse-fast",
                UnusedArgumentWarning,
            )


def refuse_unknown(options: Iterable[str], known: Iterable[str]) -> None:
    """Refuse options that do not exist, which deepmd-kit would ignore."""
    for name in options:
        if name not in known:
            raise InputError(
                f"{name}: there is no such option; expected one of "
                f"{', '.join(sorted(known))}"
            )


def _atoms_of_a_batch(given: Any) -> int | None:
    """None: all."""
    if isinstance(given, bool):
        return ATOMS_OF_A_BATCH if given else None
    if isinstance(given, int | np.integer) and given >= 1:
        return int(given)
    raise InputError(
        "auto_batch_size: expected True, False or a number of atoms, got "
        f"{shown(given)}"
    )


def _refuse_graph_options(options: dict[str, Any]) -> None:
    """Take deepmd-kit's options of TensorFlow graphs out, if they say nothing."""
    harmless = {"load_prefix": "load", "default_tf_graph": False, "input_map": None}
    for name, value in harmless.items():
        if name in options and options.pop(name) != value:
            raise InputError(
                f"{name}: expected {value!r}, dpse-fast makes no TensorFlow graph"
            )


DTYPES = {"fp32": np.float32, "fp64": np.float64, "native": np.float64}


def as_dtype(frames: Sequence[Any], dtype: str) -> Floats:
    """Arrays of all frames in one, in a precision of deepmd-kit's name."""
    if dtype not in DTYPES:
        raise InputError(
            f"dtype: expected one of {', '.join(DTYPES)}, got {shown(dtype)}"
        )
    found: Floats = np.array(frames, DTYPES[dtype])
    return found
