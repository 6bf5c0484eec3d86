"""Draws dynamics: total energy and temperature, or volume and temperature in NPT.

python plot_md.py log.lammps -o nve.png     of lammps/water/in.nve or in.npt
python plot_md.py npt.txt -o npt.png        of ase/nve_npt.py
"""

import argparse
from pathlib import Path

import numpy as np

COLUMNS = "Step Time PotEng KinEng TotEng Temp Press Volume"  # ps, eV, K, bar, Å³


def read_table(path: str | Path) -> dict[str, np.ndarray]:
    """The last table with these columns."""
    rows: list[list[float]] = []
    inside = False
    for line in Path(path).read_text().splitlines():
        words = line.split()
        if words == COLUMNS.split():
            rows, inside = [], True
        elif line.startswith("Loop time"):
            inside = False
        elif inside and len(words) == len(COLUMNS.split()) and words[0].isdigit():
            rows.append([float(word) for word in words])
    if len(rows) < 2:
        raise SystemExit(f"{path}: expected rows of {COLUMNS}, got {len(rows)}")
    return dict(zip(COLUMNS.split(), np.array(rows).T, strict=True))


def drift(
    times: np.ndarray, values: np.ndarray, n_blocks: int = 10
) -> tuple[float, float]:
    """Slope of a line through the means of blocks, and its standard error."""
    blocks = np.array_split(np.arange(len(times)), min(n_blocks, len(times) // 2))
    if len(blocks) < 3:
        return float(np.polyfit(times, values, 1)[0]), float("nan")
    t = np.array([times[b].mean() for b in blocks])
    means = np.array([values[b].mean() for b in blocks])
    slope, start = np.polyfit(t, means, 1)
    left = means - slope * t - start
    error = np.sqrt(left @ left / (len(t) - 2) / ((t - t.mean()) ** 2).sum())
    return float(slope), float(error)


def main(table: str | Path, picture: str | None = None) -> dict[str, float]:
    """The drift of the energy (meV/ps, with its standard error), or means in NPT."""
    found = read_table(table)
    t, volume = found["Time"], found["Volume"]
    constant = np.ptp(volume) < 1e-6 * volume.mean()
    if constant:
        upper = 1000 * (found["TotEng"] - found["TotEng"][0])
        slope, error = drift(t, upper)
        numbers = {"drift": slope, "error": error, "rms": float(upper.std())}
        title = f"{slope:+.2f} ± {error:.2f} meV/ps, rms {upper.std():.2f} meV"
        label = "total energy, meV"
    else:
        late = slice(len(t) // 2, None)
        upper, label = volume, "volume, Å³"
        numbers = {name: float(found[name][late].mean()) for name in COLUMNS.split()}
        title = (
            f"second half: {numbers['Volume']:.0f} Å³, {numbers['Temp']:.0f} K, "
            f"{numbers['Press']:.0f} bar"
        )
    print(title)
    if picture:
        draw(picture, t, [(upper, label), (found["Temp"], "temperature, K")], title)
    return numbers


def draw(
    path: str, t: np.ndarray, curves: list[tuple[np.ndarray, str]], title: str
) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(curves), 1, figsize=(6.0, 3.6), sharex=True)
    for ax, (values, label) in zip(axes, curves, strict=True):
        ax.plot(t, values, lw=0.7)
        ax.set_ylabel(label, fontsize=8)
        ax.tick_params(labelsize=8)
    axes[0].set_title(title, fontsize=9, loc="left")
    axes[-1].set_xlabel("ps", fontsize=8)
    figure.align_ylabels()
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    plt.close(figure)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("table")
    parser.add_argument("-o", "--picture")
    given = parser.parse_args()
    main(given.table, given.picture)
