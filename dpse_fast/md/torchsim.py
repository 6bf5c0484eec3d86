"""A model of torch-sim: many systems in one batch.

::

    import torch_sim as ts
    from dpse_fast.md.torchsim import DeepPotentialModel
    state = ts.optimize(atoms_list, DeepPotentialModel("model.pb"), ts.Optimizer.fire)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..array_types import AnyArray, Doubles, Int64s
from ..errors import InputError
from ..evaluation.batch_session import Structure
from ..evaluation.session import DEFAULT_SKIN
from ..model import UNKNOWN_TYPE_PREFIX
from ..runtime.missing import package
from .potentials import ModelLike, potential_of

torch = package("torch", "torch")
_Model: Any = package(
    "torch_sim.models.interface", "torch-sim-atomistic"
).ModelInterface
_state = package("torch_sim.state", "torch-sim-atomistic")

ABSENT = -1


class DeepPotentialModel(_Model):  # type: ignore[misc]
    """Energy, forces and stress of all systems of a state.

    Tensors are computed in float64 outside of autograd, and come back with the
    model's device and dtype. The stress is positive under tension, and NaN without
    three periodic directions.

    Parameters
    ----------
    model : Potential, Model or path of a model file; None for the embedded one
    device : where tensors lie; None for the GPU if the potential runs on one
    dtype : of states and results
    skin : Å, of the neighbour lists that are kept from call to call
    compute_forces, compute_stress : whether results have them
    options : of `dpse_fast.load`; what it calls device is ``potential_device``
    """

    def __init__(
        self,
        model: ModelLike = None,
        *,
        device: Any = None,
        dtype: Any = torch.float64,
        skin: float = DEFAULT_SKIN,
        compute_forces: bool = True,
        compute_stress: bool = True,
        potential_device: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if potential_device is not None:
            options["device"] = potential_device
        self.potential = potential_of(model, options)
        on_gpu = self.potential.device != "cpu" and torch.cuda.is_available()
        default = self.potential.device if on_gpu else "cpu"
        self._device = torch.device(default if device is None else device)
        self._dtype = dtype
        self._compute_forces, self._compute_stress = compute_forces, compute_stress
        # What a call takes grows with the pairs: atoms times their density.
        self._memory_scales_with = "n_atoms_x_density"
        self._batch = self.potential.batch_session(skin)
        self._type_of = _types_by_number(self.potential.type_map)

    @_Model.compute_stress.setter  # type: ignore[untyped-decorator]
    def compute_stress(self, value: bool) -> None:
        self._compute_stress = value

    @_Model.compute_forces.setter  # type: ignore[untyped-decorator]
    def compute_forces(self, value: bool) -> None:
        self._compute_forces = value

    def forward(self, state: Any, **_: Any) -> dict[str, Any]:
        """Evaluate each system of a state.

        Parameters
        ----------
        state : SimState, or its attributes as a dictionary, of S systems and N atoms

        Returns
        -------
        energy (S,) eV, forces (N, 3) eV/Å, stress (S, 3, 3) eV/Å³

        Raises
        ------
        InputError
            For elements that the model lacks and structures that it cannot evaluate.
        """
        if isinstance(state, dict):
            masses = torch.ones_like(state["positions"][:, 0])
            state = _state.SimState(**{"masses": masses, **state})
        positions, cells = _array(state.positions), _array(state.row_vector_cell)
        counts = np.bincount(_array(state.system_idx), minlength=len(cells))
        bounds = np.concatenate([[0], np.cumsum(counts)])
        types = self._types(_array(state.atomic_numbers))
        pbc = _boundaries(state.pbc)
        found = self._batch.compute(
            [
                _structure(positions[a:b], types[a:b], cell, pbc)
                for a, b, cell in zip(bounds[:-1], bounds[1:], cells, strict=True)
            ]
        )
        energies = np.array([one.energy for one in found])
        results = {"energy": self._tensor(energies)}
        if self._compute_forces:
            forces = [one.forces for one in found]
            results["forces"] = self._tensor(np.concatenate(forces))
        if self._compute_stress:
            volumes = np.abs(np.linalg.det(cells))[:, None, None]
            virials = np.stack([one.virial for one in found])
            solid = np.where((volumes > 0) & all(pbc), volumes, np.nan)
            results["stress"] = self._tensor(-virials / solid)
        return results

    def _types(self, numbers: AnyArray) -> Int64s:
        types: Int64s = self._type_of[numbers]
        if (types == ABSENT).any():
            from ase.data import chemical_symbols

            names = sorted({chemical_symbols[z] for z in numbers[types == ABSENT]})
            message = (
                f"atomic_numbers: the model has no {', '.join(names)}; its types are "
                f"{', '.join(self.potential.type_map)}"
            )
            if self.potential.type_map[0].startswith(UNKNOWN_TYPE_PREFIX):
                message += "; the file does not name them: pass type_map=[...]"
            raise InputError(message)
        return types

    def _tensor(self, values: Doubles) -> Any:
        return torch.from_numpy(values).to(self._device, self._dtype)


def _structure(
    positions: AnyArray, types: AnyArray, cell: AnyArray, pbc: list[bool]
) -> Structure:
    return Structure(positions, types, cell if any(pbc) else None, pbc)


def _array(tensor: Any) -> AnyArray:
    array: AnyArray = tensor.detach().cpu().numpy()
    return array


def _boundaries(pbc: Any) -> list[bool]:
    """Of three axes, from a bool or, in later versions, a tensor of three."""
    flags = pbc.tolist() if hasattr(pbc, "tolist") else pbc
    return [bool(f) for f in (flags if isinstance(flags, list) else [flags] * 3)]


def _types_by_number(type_map: tuple[str, ...]) -> Int64s:
    from ase.data import chemical_symbols

    where = {name: t for t, name in enumerate(type_map)}
    return np.array([where.get(symbol, ABSENT) for symbol in chemical_symbols])
