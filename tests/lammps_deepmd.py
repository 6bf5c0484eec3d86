"""Scripts of pair_style deepmd that the plugin runs unchanged.

Like lammps_runs, this needs no more than NumPy.
"""

from __future__ import annotations

from pathlib import Path

from lammps_runs import DATA, DRIVING, DYNAMICS, GOLDEN_MODELS, OTHER, start, thermo

FRAME = GOLDEN_MODELS / "fparam.pb"  # two frame parameters
BOTH = GOLDEN_MODELS / "lone_parameters.pb"  # two frame parameters, one atomic
TABLE = thermo("step atoms pe pxx pyy pzz pxy")
NVE = f"{DYNAMICS}{TABLE}"
ARGON = "argon.data"
CHARGED = "charged.data"
BOHR = "bohr.data"
IN_BOHR = 1 / 0.529177249  # of 1 Å, as LAMMPS has it


def write_data(folder: Path) -> None:
    """The water with four atoms of argon, with charges, and in units of Bohr."""
    head, rows = DATA.read_text().split("Atoms # atomic\n\n")
    atoms = [row.split() for row in rows.splitlines()]
    argon = head.replace("192 atoms", "196 atoms").replace(
        "2 atom types", "3 atom types"
    )
    argon = argon.replace("2 1.008 # H\n", "2 1.008 # H\n3 40 # Ar\n")
    argon = argon.replace("12.42000 zlo", "18.0 zlo")
    more = [[str(193 + k), "3", f"{3 * k + 1}.5", "6.1", "15.2"] for k in range(4)]
    _write(folder / ARGON, argon, "atomic", [*atoms, *more])
    charges = {"1": "-0.8", "2": "0.4"}
    charged = [[i, t, charges[t], *x] for i, t, *x in atoms]
    _write(folder / CHARGED, head, "charge", charged)
    bohr = head.replace("12.42000", repr(12.42 * IN_BOHR))
    scaled = [[i, t, *(repr(float(c) * IN_BOHR) for c in x)] for i, t, *x in atoms]
    _write(folder / BOHR, bohr, "atomic", scaled)


def _write(path: Path, head: str, style: str, atoms: list[list[str]]) -> None:
    rows = "\n".join(" ".join(atom) for atom in atoms)
    path.write_text(f"{head}Atoms # {style}\n\n{rows}\n")


LJ = "pair_coeff 3 3 lj/cut 0.01 3.4\npair_coeff 1*2 3 lj/cut 0.008 3.0"
VARYING = "variable factor equal 0.5+0.125*step"

SCRIPTS = {
    "overlay": f"""
{start(ARGON)}
pair_style hybrid/overlay lj/cut 5.0 deepmd {DRIVING}
{LJ}
pair_coeff * * deepmd O H NULL
{VARYING}
fix scaled all adapt 1 pair deepmd scale 1*2 1*2 v_factor
compute part all pair deepmd
{DYNAMICS}
{thermo("step pe pxx pyy pzz pxy c_part")}
run 2
""",
    "scaled": f"""
{start()}
pair_style hybrid/scaled 0.25 deepmd {DRIVING} 0.75 deepmd {OTHER}
pair_coeff * * deepmd 1 O H
pair_coeff * * deepmd 2 O H
{NVE}
run 2
""",
    "adapted": f"""
{start()}
pair_style deepmd {DRIVING} {OTHER} out_freq 1 out_file adapted.out relative 0.5
pair_coeff * * O H
{VARYING}
fix scaled all adapt/fep 1 pair deepmd scale * * v_factor
variable change equal 0.125
compute fep all fep 300 pair deepmd scale * * v_change
{DYNAMICS}
{thermo("step pe pxx pyy pzz pxy c_fep[1]")}
run 2
""",
    "fparam_from_compute": f"""
{start()}
pair_style deepmd {FRAME} fparam_from_compute motion
pair_coeff * *
{DYNAMICS}
compute motion all temp
{TABLE}
run 3
""",
    "fparam_from_fix": f"""
{start()}
variable rising equal 0.3+0.05*step
fix one all ave/time 1 1 1 v_rising
pair_style deepmd {FRAME} fparam_from_fix one
pair_coeff * * O H
{NVE}
run 3
""",
    "fparam_of_vector": f"""
{start()}
variable rising equal 0.3+0.05*step
variable falling equal 0.2-0.05*step
fix three all ave/time 1 1 1 v_rising v_falling v_rising
pair_style deepmd {FRAME} fparam_from_fix three 2
pair_coeff * * O H
{NVE}
run 3
""",
    "aparam_from_compute": f"""
{start()}
pair_style deepmd {BOTH} fparam 0.2 0.1 aparam_from_compute kinetic
pair_coeff * * O H
{DYNAMICS}
compute kinetic all ke/atom
{TABLE}
run 3
""",
    "real": f"""
{start(units="real")}
pair_style deepmd {DRIVING} {OTHER} out_freq 1 out_file real.out atomic
pair_coeff * * O H
{DYNAMICS.replace("0.0005", "0.5")}
{TABLE}
run 2
""",
    "electron": f"""
{start(BOHR, units="electron")}
neighbor 2.0 bin
pair_style deepmd {DRIVING} {OTHER} out_freq 1 out_file electron.out
pair_coeff * * O H
{DYNAMICS.replace("0.0005", "0.2")}
{TABLE}
run 2
""",
    "pppm": f"""
{start(CHARGED).replace("atom_style atomic", "atom_style charge")}
pair_style deepmd {DRIVING}
pair_coeff * *
kspace_style pppm 1.0e-5
kspace_modify gewald 0.45
{NVE}
run 2
""",
}

# Atoms that come and go: random numbers of LAMMPS alone decide, and the energies.
CHANGING = f"""
{start().replace("read_data", "atom_modify map yes" + chr(10) + "read_data")}
pair_style deepmd {DRIVING}
pair_coeff * * O H
{NVE}
thermo_modify lost ignore
region upper block 0 12 0 12 9 12
region top block INF INF INF INF 6 INF
delete_atoms region upper
fix put all deposit 3 2 1 4321 region upper near 1.0 attempt 50 vz -1 -1
run 3
unfix put
fix off all evaporate 1 2 top 987
run 2
unfix off
fix exchange all atom/swap 1 4 77 900 ke yes types 1 2
run 2
unfix exchange
unfix run
fix grand all gcmc 1 4 0 1 555 5000 -0.5 0.0 full_energy
run 3
"""
