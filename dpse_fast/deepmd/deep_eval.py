"""What deepmd-kit's Python interface says of a model, and how it opens one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..errors import InputError, UnusedArgumentWarning, warn
from ..inputs.environment import with_environment
from ..inputs.plain_numbers import shown
from ..inputs.structure import check_flag
from ..md.potentials import ModelLike, potential_of
from ..potential import Potential
from .frames import Frames, check_frames

if TYPE_CHECKING:
    from typing import Self

ATOMS_OF_A_BATCH = 4096  # frames of 192 atoms take a fifth less time than one by one


class DeepEval:
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

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if cls is DeepEval:
            from .deep_pot import DeepPot

            return object.__new__(DeepPot)  # type: ignore[return-value]
        return object.__new__(cls)

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
        warn_of_unused(neighbor_list=neighbor_list, nlist_backend=nlist_backend)
        warn_of_unused(no_jit=no_jit, skip_modifier=skip_modifier)
        self._batch_atoms = _atoms_of_a_batch(auto_batch_size)
        self.model_file = model_file
        if isinstance(model_file, Potential):
            given = options if head is None else options | {"head": head}
        else:
            given = with_environment({**options, "head": head})
        self.potential = potential_of(model_file, given)
        self._session = self.potential.session(0.0)
        self._batch = self.potential.batch_session(0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held that has to be closed."""

    def get_rcut(self) -> float:
        """The cutoff, Å."""
        return self.potential.rcut

    def get_ntypes(self) -> int:
        """The number of types."""
        return len(self.potential.type_map)

    def get_type_map(self) -> list[str]:
        """The names of the types."""
        return list(self.potential.type_map)

    def get_dim_fparam(self) -> int:
        """The number of frame parameters."""
        fparam = self.potential.model.fparam
        return 0 if fparam is None else fparam.count

    def get_dim_aparam(self) -> int:
        """The number of parameters of each atom."""
        aparam = self.potential.model.aparam
        return 0 if aparam is None else aparam.count

    def has_default_fparam(self) -> bool:
        """Whether the model has frame parameters for a caller who gives none."""
        fparam = self.potential.model.fparam
        return fparam is not None and fparam.default is not None

    def get_sel_type(self) -> list[int]:
        """The types that contribute to the result; empty: all."""
        return []

    def get_ntypes_spin(self) -> int:
        """The number of types with a spin: none."""
        return 0

    def has_chg_spin_ebd(self) -> bool:
        """Whether the model has an embedding of charge and spin: no."""
        return False

    def has_default_chg_spin(self) -> bool:
        """Whether the model has a default of charge and spin: no."""
        return False

    @property
    def has_efield(self) -> bool:
        """Whether the model takes an electric field: no."""
        return False

    @property
    def has_spin(self) -> bool:
        """Whether the model takes spins: no."""
        return False

    @property
    def use_spin(self) -> list[bool]:
        """The types with a spin: none."""
        return []

    @property
    def has_hessian(self) -> bool:
        """Whether `eval` returns a Hessian: no."""
        return False

    def get_model_def_script(self) -> dict[str, Any]:
        """The ``model`` section of a training input of deepmd-kit, as a dictionary.

        Made from the model, not from the text in the file: it has the type map and
        the descriptor's and the fitting net's options, but no seeds or comments.

        Raises
        ------
        InputError
            If deepmd-kit 3 has no options for such a model.
        """
        from ..formats.native_writer import training_options

        return training_options(self.potential.model)

    def get_model_size(self) -> dict[str, int]:
        """Refused."""
        raise _absent("get_model_size", "dpse-fast info prints the sizes of the nets")

    def get_observed_types(self) -> dict[str, Any]:
        """Refused."""
        raise _absent("get_observed_types", "model files do not hold them")

    def get_model(self) -> Any:
        """Refused."""
        raise _absent(
            "get_model", "there is no graph or module; see potential.model for the nets"
        )

    def serialize(self) -> dict[str, Any]:
        """Refused."""
        raise _absent("serialize", "dpse-fast convert writes deepmd-kit's .dp files")

    def _frames(
        self,
        coords: ArrayLike,
        cells: ArrayLike | None,
        atom_types: ArrayLike | Sequence[int],
        fparam: ArrayLike | None,
        aparam: ArrayLike | None,
        mixed_type: bool,
    ) -> Frames:
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


def _absent(method: str, instead: str) -> InputError:
    return InputError(f"{method}: not available in dpse-fast; {instead}")
