"""A driver of dpdata: ``System.predict(driver="dpse", model="model.pb")``.

dpdata finds it by its entry points ``dpdata.plugins``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..array_types import Int64s
from ..errors import InputError
from ..runtime.missing import package

if TYPE_CHECKING:
    from ..md.potentials import ModelLike
    from .deep_pot import DeepPot

_driver: Any = package("dpdata.driver", "dpdata")
NAME = "dpse"


@_driver.Driver.register(NAME)
class DpseDriver(_driver.Driver):  # type: ignore[misc]
    """Labels systems of dpdata with energies, forces and virials.

    Parameters
    ----------
    model : a model file of any readable format, a `Potential` or a `DeepPot`
    options : of `DeepPot`, unless `model` is one

    Raises
    ------
    ModelFileError, InputError
        As `DeepPot`.
    """

    def __init__(self, model: ModelLike | DeepPot, **options: Any) -> None:
        from .deep_pot import DeepPot

        if isinstance(model, DeepPot):
            if options:
                raise InputError(
                    f"model: a DeepPot takes no more options, got {', '.join(options)}"
                )
            self.dp = model
        else:
            self.dp = DeepPot(model, **options)

    def label(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """The data of a system with ``energies``, ``forces`` and ``virials``.

        Parameters
        ----------
        data : of a system of F frames and N atoms, as dpdata has it: Å
            Its ``fparam`` (F, k) and ``aparam`` (F, N, k) are used by a model that
            takes them.

        Returns
        -------
        the same, with energies (F,) eV, forces (F, N, 3) eV/Å and virials (F, 3, 3) eV

        Raises
        ------
        InputError
            If the model does not have all types, or a frame cannot be evaluated.
        """
        taken = {
            name: data[name]
            for name, count in (
                ("fparam", self.dp.get_dim_fparam()),
                ("aparam", self.dp.get_dim_aparam()),
            )
            if count and name in data
        }
        energies, forces, virials = self.dp.eval(
            data["coords"],
            None if data.get("nopbc", False) else data["cells"],
            self._types(data),
            **taken,
        )
        return {
            **data,
            "energies": energies[:, 0],
            "forces": forces,
            "virials": virials.reshape(-1, 3, 3),
        }

    def _types(self, data: Mapping[str, Any]) -> Int64s:
        """(N,) the model's types of the atoms."""
        names = list(map(str, data["atom_names"]))
        type_map = self.dp.get_type_map()
        present = np.unique(data["atom_types"])
        unknown = [names[t] for t in present if names[t] not in type_map]
        if unknown:
            raise InputError(
                f"atom_names: expected types of the model, {', '.join(type_map)}, got "
                f"{', '.join(unknown)}"
            )
        where = np.array([type_map.index(n) if n in type_map else -1 for n in names])
        types: Int64s = where[data["atom_types"]]
        return types
