"""Thermal conductivity of water by Green-Kubo, from the heat flux at constant energy.

python green_kubo.py -o gk.png                     runs ASE with the embedded model
python green_kubo.py --flux flux.dat -o gk.png     of lammps/water/in.green_kubo

The integral of the autocorrelation oscillates with the vibrations of the molecules.
Its mean over upper limits in the range of --plateau (ps) is taken.
docs/transport.md says more.
"""

import argparse
from pathlib import Path

import numpy as np
from ase import units
from ase.constraints import FixCom
from ase.io import read
from ase.md.langevin import Langevin
from ase.md.verlet import VelocityVerlet

import dpse_fast
from dpse_fast.ase import DeepPotential

WATER = Path(__file__).parents[1] / "water.xyz"
KELVIN, STEP = 330.0, 0.5  # K, fs
PS = 1000 * units.fs  # ASE's units of time in 1 ps
W_PER_M_K = 1602.176634  # of 1 eV/(Å ps K)


def run(steps: int, settling: int, every: int) -> np.ndarray:
    """Dynamics with ASE; rows as LAMMPS writes them, see `conductivity`."""
    potential = dpse_fast.load(precision="mixed")
    atoms = read(WATER, index=0)
    atoms.calc = DeepPotential(potential)
    atoms.set_constraint(FixCom())
    random = np.random.default_rng(1)
    spread = np.sqrt(atoms.get_masses() * units.kB * KELVIN)
    atoms.set_momenta(spread[:, None] * random.normal(size=(len(atoms), 3)))
    Langevin(
        atoms,
        STEP * units.fs,
        temperature_K=KELVIN,
        friction=0.02 / units.fs,
        rng=random,
        fixcm=False,
    ).run(settling)

    session = potential.session(skin=1.0)
    species, masses = list(atoms.symbols), atoms.get_masses()
    oxygen, volume = atoms.numbers == 8, atoms.get_volume()
    rows = []

    def sample() -> None:
        r = session.compute(atoms.positions, species, atoms.cell.array, atomic=True)
        v = atoms.get_velocities()
        flux = r.heat_flux(v, 0.5 * masses * (v**2).sum(axis=1)).total
        time = dynamics.nsteps * STEP / 1000
        temperature = atoms.get_temperature()
        of_oxygen = v[oxygen].sum(axis=0)
        rows.append([time, temperature, volume, *(flux * PS), *(of_oxygen * PS)])

    dynamics = VelocityVerlet(atoms, STEP * units.fs)
    dynamics.attach(sample, interval=every)
    dynamics.run(steps)
    return np.array(rows)


def autocorrelation(flux: np.ndarray, lags: int) -> np.ndarray:
    """(lags, 3) of a flux (n, 3): means of J(t) J(t + lag) over t, by components."""
    n = len(flux)
    wave = np.fft.rfft(flux, 2 * n, axis=0)
    sums = np.fft.irfft(np.abs(wave) ** 2, axis=0)[:lags]
    return sums / (n - np.arange(lags))[:, None]


def conductivity(
    rows: np.ndarray, longest: float = 0.5, n_blocks: int = 5
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The integral of the autocorrelation up to each time.

    Parameters
    ----------
    rows : (n, 9) time in ps, temperature in K, volume in Å³, heat flux in eV Å/ps and
        sum of the velocities of oxygen in Å/ps, in equal steps of time
    longest : ps, of the integral
    n_blocks : equal parts of the run, which are averaged

    Returns
    -------
    times (lags,) in ps, the autocorrelation (lags,) over that at time 0, and the
    integrals (lags, 3 n_blocks) in W/(m K) of each block and component
    """
    times, kelvin, volume = rows[:, 0], rows[:, 1].mean(), rows[:, 2].mean()
    flux, current = rows[:, 3:6], rows[:, 6:9]
    # The energies of the types are on no common scale, which gives the flux a part
    # that goes with the current of oxygen, and back again.
    flux = flux - (flux * current).sum() / (current**2).sum() * current
    every = (times[-1] - times[0]) / (len(times) - 1)
    lags = round(longest / every) + 1
    size = len(flux) // n_blocks
    if size < 2 * lags:
        raise SystemExit(
            f"expected a run of {2 * n_blocks * longest:g} ps or more, got "
            f"{times[-1] - times[0]:g} ps"
        )
    blocks = flux[: n_blocks * size].reshape(n_blocks, size, 3)
    found = np.concatenate([autocorrelation(one, lags) for one in blocks], axis=1)
    areas = np.cumsum((found[1:] + found[:-1]) / 2, axis=0) * every
    areas = np.concatenate([np.zeros((1, areas.shape[1])), areas])
    areas *= W_PER_M_K / (units.kB * kelvin**2 * volume)
    shape = found.mean(axis=1)
    return every * np.arange(lags), shape / shape[0], areas


def mean_and_error(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Over the last axis, with the standard error."""
    n = samples.shape[-1]
    return samples.mean(axis=-1), samples.std(axis=-1, ddof=1) / np.sqrt(n)


def draw(
    path: str,
    found: tuple[np.ndarray, np.ndarray, np.ndarray],
    plateau: tuple[float, float],
) -> None:
    """The autocorrelation, and its integral with the standard error."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    times, shape, areas = found
    area, error = mean_and_error(areas)
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 2.8))
    left.plot(times, shape, lw=0.8)
    left.set(xlabel="ps", ylabel="⟨J(0) J(t)⟩ / ⟨J²⟩", xlim=(0, times[-1]))
    right.fill_between(times, area - error, area + error, alpha=0.3, lw=0)
    right.plot(times, area, lw=0.8)
    right.axvspan(*plateau, color="0.9", zorder=0)
    right.set(xlabel="upper limit, ps", ylabel="integral, W/(m K)", xlim=(0, times[-1]))
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


def main(
    flux: str | None = None,
    steps: int = 20000,
    settling: int = 2000,
    every: int = 4,
    plateau: tuple[float, float] = (0.2, 0.4),
    picture: str | None = None,
) -> tuple[float, float]:
    """Conductivity and its standard error, W/(m K)."""
    rows = np.loadtxt(flux) if flux else run(steps, settling, every)
    found = conductivity(rows, 1.25 * plateau[1])
    times, _, areas = found
    inside = (times >= plateau[0]) & (times <= plateau[1])
    value, error = mean_and_error(areas[inside].mean(axis=0))
    print(
        f"{rows[-1, 0]:.1f} ps at {rows[:, 1].mean():.0f} K: thermal conductivity "
        f"{value:.2f} ± {error:.2f} W/(m K), the mean of integrals to "
        f"{plateau[0]:g} ... {plateau[1]:g} ps"
    )
    if picture:
        draw(picture, found, plateau)
    return float(value), float(error)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flux", help="what LAMMPS wrote; otherwise ASE is run")
    parser.add_argument("--steps", type=int, default=20000)
    parser.add_argument("--settling", type=int, default=2000)
    parser.add_argument("--every", type=int, default=4)
    parser.add_argument(
        "--plateau", type=float, nargs=2, default=(0.2, 0.4), help="upper limits, ps"
    )
    parser.add_argument("-o", "--picture")
    given = parser.parse_args()
    main(**vars(given))
