"""A driver of i-PI: path integrals with all beads in one batch.

As a file of its own it is what i-PI calls a custom potential::

    <ffdirect name='dpse'>
      <pes>custom</pes>
      <pes_path>dpse.py</pes_path>
      <batch_size>8</batch_size>
      <parameters>{template:start.xyz, model:model.pb}</parameters>
    </ffdirect>

with a file dpse.py of two lines::

    from dpse_fast.md.ipi import __DRIVER_CLASS__, DeepPotentialDriver
    __DRIVER_NAME__ = "dpse"

Over a socket: ``i-pi-driver-py -m custom -P dpse.py -o template=start.xyz -u``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..array_types import Doubles, Int32s
from ..errors import InputError
from ..evaluation.batch_session import Structure
from ..evaluation.session import DEFAULT_SKIN
from ..results import Result
from ..runtime.missing import package
from .potentials import ModelLike, potential_of

Answer = tuple[float, Doubles, Doubles, str]

_Driver: Any = package("ipi.pes.dummy", "ipi").Dummy_driver
_units = package("ipi.utils.units", "ipi")

__DRIVER_NAME__ = "dpse"
__DRIVER_CLASS__ = "DeepPotentialDriver"

# In i-PI's atomic units, one of ours; its constants, so that its output has our digits.
BOHR = 1 / _units.unit_to_internal("length", "angstrom", 1.0)  # Å
HARTREE = 1 / _units.unit_to_internal("energy", "electronvolt", 1.0)  # eV


class DeepPotentialDriver(_Driver):  # type: ignore[misc]
    """Energies, forces and virials of single structures and of batches of beads.

    Parameters
    ----------
    template : a structure file that ASE reads, with the atoms in i-PI's order
        Only its elements are used.
    model : Potential, Model or path of a model file; None for the embedded one
    periodic : whether i-PI's cell repeats; False for molecules and clusters
    skin : Å, of the neighbour lists that are kept from step to step
    verbose : as any driver of i-PI
    options : of `dpse_fast.load`; its ``device`` may be "auto", "cpu" or "cuda:1"

    Raises
    ------
    InputError
        For a template without a file, or with elements that the model lacks; and as
        `dpse_fast.load`.
    """

    def __init__(
        self,
        template: str,
        model: ModelLike = None,
        *,
        periodic: bool = True,
        skin: float = DEFAULT_SKIN,
        verbose: bool = False,
        verbosity: Any = None,  # what <ffdirect> adds to the parameters
        **options: Any,
    ) -> None:
        self.potential = potential_of(model, options)
        self._types = _types(template, self.potential.type_map)
        self._periodic = _flag(periodic)
        self._one = self.potential.session(float(skin))
        self._batch = self.potential.batch_session(float(skin))
        super().__init__(verbose=verbose)

    def compute_structure(self, cell: Doubles, pos: Doubles) -> Answer:
        """As i-PI asks: cell vectors as columns, (N, 3) positions, in bohr.

        Returns
        -------
        energy (hartree), forces (N, 3) in hartree/bohr, virial (3, 3) in hartree,
        and warnings as JSON
        """
        structure = self._structure(cell, pos)
        found = self._one.compute(
            structure.positions, structure.types, structure.cell, pbc=structure.pbc
        )
        return _answer(found)

    def compute(self, cell: Any, pos: Any) -> Answer | list[Answer]:
        """One structure, or lists of cells and positions: those as one batch."""
        if not isinstance(cell, list):
            return self.compute_structure(cell, pos)
        if not isinstance(pos, list) or len(cell) != len(pos):
            raise InputError("pos: expected a list of positions for the list of cells")
        structures = [self._structure(c, p) for c, p in zip(cell, pos, strict=True)]
        return [_answer(found) for found in self._batch.compute(structures)]

    def _structure(self, cell: Doubles, pos: Doubles) -> Structure:
        positions = np.asarray(pos, np.float64).reshape(-1, 3) * BOHR
        if len(positions) != len(self._types):
            raise InputError(
                f"template: expected the {len(positions)} atoms of i-PI's structure, "
                f"got {len(self._types)}"
            )
        box = np.asarray(cell, np.float64).T * BOHR if self._periodic else None
        return Structure(positions, self._types, box, self._periodic)


def _answer(found: Result) -> Answer:
    caveats = found.report.summary() if found.report else {}
    return (
        found.energy / HARTREE,
        found.forces * (BOHR / HARTREE),
        found.virial.T / HARTREE,
        json.dumps({"dpse": caveats}) if caveats else "",
    )


def _types(template: str, type_map: Sequence[str]) -> Int32s:
    from ase.io import read

    from ..inputs.structure import check_types

    try:
        atoms: Any = read(template)
    except OSError as error:
        raise InputError(
            f"template: expected a structure file that ASE reads, got {template!r}: "
            f"{error}"
        ) from error
    return check_types(list(atoms.symbols), len(atoms), tuple(type_map))


def _flag(value: Any) -> bool:
    """A bool, which i-PI's command line hands over as a text."""
    texts = {"true": True, "1": True, "false": False, "0": False}
    flag = texts.get(str(value).lower())
    if flag is None:
        raise InputError(f"periodic: expected True or False, got {value!r}")
    return flag
