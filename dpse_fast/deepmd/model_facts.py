"""What deepmd-kit's Python interface says of a model."""

from __future__ import annotations

import os
from typing import Any

from ..errors import InputError
from ..md.potentials import ModelLike
from ..potential import Potential


class ModelFacts:
    """Methods that all kinds of deepmd-kit's models have.

    Attributes
    ----------
    potential : Potential
    model_file : as it was given
    """

    potential: Potential
    model_file: ModelLike
    _head: str | None

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
        """The types that have an energy: all but ``atom_exclude_types``."""
        from ..formats.native_writer.fitting import excluded_types

        excluded = excluded_types(self.potential.model)
        return [t for t in range(self.get_ntypes()) if t not in excluded]

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
        """The ``model`` section of the training input, as the file has it.

        If it has none, one that deepmd-kit 3 would make such a model of.

        Raises
        ------
        InputError
            If there is neither.
        """
        from ..formats.native_writer import training_options
        from ..formats.training_script import training_script

        found = None
        if isinstance(self.model_file, str | os.PathLike):
            found = training_script(self.model_file, self._head)
        return training_options(self.potential.model) if found is None else found

    def get_model_size(self) -> dict[str, int]:
        """The numbers of weights of the descriptor, of the fitting net, and of both.

        Of compressed models, those of their tables; a pair table is a part of its own.
        """
        parts = self.potential.model.weights_of_parts()
        found = {name.replace("_", "-"): number for name, number in parts.items()}
        return found | {"total": sum(found.values())}

    def get_observed_types(self) -> dict[str, Any]:
        """Refused."""
        raise _absent(
            "get_observed_types",
            "dpse-fast info names the types that were not trained",
        )

    def get_model(self) -> Any:
        """Refused."""
        raise _absent(
            "get_model", "there is no graph or module; see potential.model for the nets"
        )

    def serialize(self) -> dict[str, Any]:
        """Refused."""
        raise _absent("serialize", "dpse-fast convert writes deepmd-kit's .dp files")


def _absent(method: str, instead: str) -> InputError:
    return InputError(f"{method}: not available in dpse-fast; {instead}")
