"""What deepmd-kit's LAMMPS plugin is asked to do."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parents[2] / "examples" / "lammps" / "water" / "water.data"
CENTROID = " ".join(f"c_w[{k}]" for k in range(1, 10))
START = f"""
units metal
boundary p p p
atom_style atomic
atom_modify map array
read_data {DATA}
neighbor 1.0 bin
neigh_modify delay 0 every 1 check yes
"""
RUN = """
velocity all create 330.0 23456789
timestep 0.0005
thermo 2
thermo_style custom step pe ke etotal press pxx pyy pzz pxy pxz pyz
thermo_modify format float %20.15g
run {steps}
"""
DUMP = """
dump forces all custom 5 forces.dump id fx fy fz
dump_modify forces sort id format float %20.15g
"""


class Case(NamedTuple):
    """A run of LAMMPS.

    Parameters
    ----------
    middle : the script between the data and the run
    ranks : of MPI
    files : what it leaves beside its log
    in_python : whether a script in Python runs it, not lmp
    """

    middle: str
    ranks: int = 1
    files: tuple[str, ...] = ()
    data: str = START
    steps: int = 10
    in_python: bool = False

    @property
    def script(self) -> str:
        return self.data + self.middle + RUN.format(steps=self.steps)


def cases(first: str, second: str, published: str) -> dict[str, Case]:
    """By name; two small models of water (O, H) and a published one.

    Parameters
    ----------
    first, second, published : files
    """
    pair = f"pair_style deepmd {first}\npair_coeff * * O H\n"
    nve = "fix run all nve\n"
    deviation = (
        f"pair_style deepmd {first} {second} out_freq 2 out_file devi.out atomic\n"
        "pair_coeff * * O H\n"
    )
    scaled = f"""
pair_style hybrid/overlay deepmd {first} lj/cut 4.0
pair_coeff * * deepmd O H
pair_coeff * * lj/cut 0.001 1.5
fix scale all adapt 1 pair deepmd scale * * v_s
variable s equal 0.5+0.02*step
"""
    third = """
mass 3 16.0
set atom 7 type 3
set atom 31 type 3
"""
    wider = START.replace(f"read_data {DATA}", f"read_data {DATA} extra/atom/types 1")
    null = f"""{third}
pair_style hybrid/overlay deepmd {first} lj/cut 4.0
pair_coeff * * deepmd O H NULL
pair_coeff * * lj/cut 0.001 1.5
"""
    atoms = f"""
compute e all pe/atom
compute w all centroid/stress/atom NULL pair
dump atoms all custom 5 atoms.dump id c_e {CENTROID}
dump_modify atoms sort id format float %20.15g
"""
    npt = "fix run all npt temp 330 330 0.1 tri 0 0 1\n"
    triclinic = "change_box all triclinic\nchange_box all xy final 1.5 remap\n"
    real = START.replace("units metal", "units real")
    swaps = "fix swap all atom/swap 1 5 4711 330 types 1 2\n"
    vanish = "fix vanish all evaporate 3 2 everywhere 4711\n"
    vanish = f"region everywhere block {'INF ' * 6}\n{vanish}"
    split = START.replace("read_data", "processors 1 1 2\nread_data")
    vacuum = "change_box all z final 0 60\n"
    forces = ("forces.dump",)
    return {
        "NVE, forces": Case(pair + nve + DUMP, files=forces),
        "NVE, forces, two ranks": Case(pair + nve + DUMP, 2, forces),
        "NVE, forces, in Python": Case(pair + nve + DUMP, files=forces, in_python=True),
        "model deviation": Case(deviation + nve, files=("devi.out",)),
        "model deviation, two ranks": Case(deviation + nve, 2, ("devi.out",)),
        "atomic energy and virial": Case(pair + nve + atoms, files=("atoms.dump",)),
        "atomic energy and virial, two ranks": Case(
            pair + nve + atoms, 2, ("atoms.dump",)
        ),
        "NPT, triclinic": Case(triclinic + pair + npt),
        "hybrid/overlay, fix adapt scale": Case(scaled + nve + DUMP, files=forces),
        "hybrid/overlay, a type NULL": Case(null + nve + DUMP, 1, forces, wider),
        "hybrid/overlay, a type NULL, two ranks": Case(
            null + nve + DUMP, 2, forces, wider
        ),
        "units real": Case(pair + nve + DUMP, files=forces, data=real),
        "fix atom/swap": Case(pair + swaps + nve + DUMP, files=forces),
        "fix evaporate, two ranks": Case(pair + vanish + nve, 2),
        "two ranks, one without atoms": Case(
            vacuum + pair + nve + DUMP, 2, forces, split
        ),
        "published water model": Case(
            f"pair_style deepmd {published}\npair_coeff * * O H\n{nve}{DUMP}",
            files=forces,
            steps=4,
        ),
    }
