"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .peers import COMPRESSED, UNCOMPRESSED

Cell = str | float | None
OTHERS = 0.1  # processors that others may use before it is said


def table(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A Markdown table; the first column is text, the others are numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)]]
    lines += [[shown(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def shown(cell: Cell) -> str:
    """Texts as they are, whole numbers with separators, others by `number`."""
    if isinstance(cell, str):
        return cell
    return f"{cell:,}" if isinstance(cell, int) else number(cell)


def number(value: float | None, digits: int = 3) -> str:
    """So many significant digits, never an exponent from 0.001 to 10⁶."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{max(digits - 2, 0)}e}"
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e" in text else text


def percent(part: float | None) -> str:
    return "–" if part is None else f"{100 * part:.0f} %"


def ratio_text(ratio: Mapping[str, float]) -> str:
    """Of `ratios.ratio_by_round`."""
    return "{median:.2f} ({lowest:.2f}–{highest:.2f})".format(**ratio)


def megabytes(n_bytes: float | None) -> str:
    return "–" if n_bytes is None else f"{n_bytes / 1e6:,.0f}"


def _machine(report: Mapping[str, Any]) -> str:
    m, versions = report["machine"], report["machine"]["versions"]
    blas = ", ".join(
        f"{b['internal_api']} {b['version']} ({b['architecture']})"
        for b in versions["blas"]
    )
    parts = [
        f"{m['processor']}"
        + (" (virtual machine)" if m["virtual"] else "")
        + f", {m['cores']} cores, {', '.join(m['registers']) or 'registers unknown'}",
        f"dpse-fast {versions['dpse-fast']} ({versions['commit'] or 'no git'}), "
        f"Python {versions['python']}, NumPy {versions['numpy']}, "
        f"Numba {versions['numba']}, {blas}",
    ]
    peers = report["peers"]
    if peers["versions"]:
        names = ", ".join(f"{k} {v}" for k, v in peers["versions"].items())
        parts.append(f"peers: {names}")
    parts.append(f"model: {report['model']}; structure: {report['structure']}")
    parts.append(f"`{report['command']}`, {report['date']}")
    load = m["load_average_at_start"]
    if load is not None:
        parts.append(f"load average at the start: {load[0]} of {m['cores']}")
    return bullets([*parts, *peers["notes"]])


def comparison_table(found: Mapping[str, Any]) -> str:
    bases = [n for n in (COMPRESSED, UNCOMPRESSED) if n in found["contenders"]]
    short = {COMPRESSED: "compressed", UNCOMPRESSED: "uncompressed"}
    header = ["one thread", "µs/atom (CPU)", "µs/atom (wall)"]
    header += [f"times faster than {short[b]} (range)" for b in bases]
    header += ["energy, eV/atom", "forces, eV/Å", "virial, eV/atom", "peak, MB"]
    compared = ("energy_ev_per_atom", "force_max_ev_per_angstrom")
    rows = []
    for name, entry in found["contenders"].items():
        row = [name, *(entry[f"{c}_us_per_atom"]["median"] for c in ("cpu", "wall"))]
        row += [ratio_text(entry["times_faster_than"][base]["cpu"]) for base in bases]
        off = found["agreement"].get(name, {})
        row += [
            off.get(key, "reference") for key in (*compared, "virial_max_ev_per_atom")
        ]
        rows.append([*row, megabytes(entry["peak_bytes"])])
    rounds = len(next(iter(found["rounds"].values())))
    text = (
        f"{found['atoms']} atoms; medians of {rounds} rounds in turns, ratios "
        f"of CPU time by round; largest differences from {found['reference']}. "
        f"Wall over CPU time: {found['wall_over_cpu']:.2f}."
    )
    return "\n\n".join([text, table(header, rows), *found["failed"].values()])


def threads_table(found: Mapping[str, Any]) -> str:
    many = str(found["threads"])
    header = ["wall", "1 thread, µs/atom", f"{many} threads, µs/atom"]
    header += ["times faster", "of the shortest"]
    header += [f"{many} processes at once", f"processor time, {many} threads / 1"]
    rows = []
    for precision, entry in found["precisions"].items():
        clocks = (entry["wall_us_per_atom"][n]["median"] for n in ("1", many))
        faster = (entry["times_faster"]["median"], entry["times_faster_shortest"])
        others = (entry["machine_allows"], entry["cpu_ratio"]["median"])
        rows.append([precision, *clocks, *(f"{x:.2f}" for x in (*faster, *others))])
    text = (
        "Processes at once: evaluations by processes of one thread that share nothing "
        "but the machine, in the time of one alone. Threads cannot be faster."
    )
    return f"{table(header, rows)}\n\n{text}"


def stages_table(found: Mapping[str, Any]) -> str:
    precisions = found["precisions"]
    times = [entry["us_per_atom"] for entry in precisions.values()]
    nets = [entry["fitting"] for entry in precisions.values()]
    stages = table(
        ["stage, µs/atom (one thread, shortest)", *precisions],
        [[name, *(own[name] for own in times)] for name in times[0]],
    )
    rates = (
        ("GFLOP/s of the stage", "gflops"),
        ("GFLOP/s of its products alone", "peak_gflops_same_shapes"),
    )
    products = table(
        ["fitting nets", *precisions],
        [
            ["MFLOP/atom", *(net["flops_per_atom"] / 1e6 for net in nets)],
            *([title, *(net[key] for net in nets)] for title, key in rates),
            ["part of that peak", *(percent(net["fraction_of_peak"]) for net in nets)],
        ],
    )
    peak = ", ".join(f"{k} {number(v)}" for k, v in found["gemm_square_gflops"].items())
    return f"{stages}\n\n{products}\n\nLarge square GEMM, GFLOP/s: {peak}."


def scaling_table(found: Mapping[str, Any]) -> str:
    header = ["precision", "atoms", "first, s", "s/step", "µs/atom"]
    header += ["µs/atom (CPU)", "peak, MB", "own, bytes/atom"]
    keys = ("first_seconds", "seconds_per_step", "us_per_atom", "cpu_us_per_atom")
    rows, laws = [], []
    for precision, entry in found["precisions"].items():
        for row in entry["sizes"]:
            cells = [precision, row["atoms"], *(row[key] for key in keys)]
            cells += [megabytes(row.get("peak_bytes")), row.get("own_bytes_per_atom")]
            rows.append(cells)
        if entry["time"]:
            law = f"{precision}: time grows as N^{entry['time']['exponent']:.3f}"
            law += f" (CPU time N^{entry['cpu_time']['exponent']:.3f})"
            if entry["bytes_per_added_atom"]:
                law += f", memory by {entry['bytes_per_added_atom']:.0f} bytes an atom"
            laws.append(law)
    text = (
        f"Molecular dynamics with a skin of 1 Å, {found['threads']} threads, each size "
        "in a fresh process; medians of the steps. First: list, buffers and the first "
        "evaluation. Own: peak less what was resident before load."
    )
    notes = bullets([*laws, *found["notes"]])
    return f"{text}\n\n{table(header, rows)}\n\n{notes}"


def startup_table(found: Mapping[str, Any]) -> str:
    rows = [*found["warm_seconds"].items()]
    for precision, seconds in found["first_ever_seconds"].items():
        rows.append((f"dpse-fast, {precision}, first ever (compiles)", seconds))
    return table(["first energy of a process", "seconds (wall)"], rows)


def neighbour_text(found: Mapping[str, Any]) -> str:
    """What bench/neighbour_list.py reports: one entry a list, and plain facts."""
    facts = [
        f"{key.replace('_', ' ')} {value}"
        for key, value in found.items()
        if isinstance(value, int | float) and key not in ("cutoff", "other_work_cores")
    ]
    rows = []
    for name, entry in found.items():
        if isinstance(entry, Mapping):
            faster = entry.get("times_faster")
            ratio = "–" if faster is None else f"{faster:.2f}"
            rows.append([name, entry["cpu_us_per_atom"], ratio, entry.get("than", "–")])
    header = ["list, one thread", "µs/atom (CPU)", "times faster", "than"]
    first = f"Cutoff {found['cutoff']} Å; {', '.join(facts)}."
    return f"{first}\n\n{table(header, rows)}"


def _others(report: Mapping[str, Any], key: str) -> list[str]:
    """What else ran, if it was enough to stretch the times."""
    cores = report[key].get("other_work_cores")
    if cores is None or cores < OTHERS:
        return []
    return [
        f"Meanwhile other work kept {cores:.1f} of {report['machine']['processors']} "
        "processors busy: wall times are too long."
    ]


SECTIONS = {
    "comparison": ("Against deepmd-kit", comparison_table),
    "threads": ("Threads", threads_table),
    "stages": ("Stages", stages_table),
    "scaling": ("Scaling", scaling_table),
    "startup": ("Start-up", startup_table),
    "neighbour_list": ("Neighbour list", neighbour_text),
}


def markdown(report: Mapping[str, Any]) -> str:
    """The whole report; sections that were not measured are left out."""
    parts = ["# dpse-fast, measured", _machine(report)]
    for key, (title, write) in SECTIONS.items():
        if report.get(key):
            parts += [f"## {title}", write(report[key]), *_others(report, key)]
    return "\n\n".join(parts) + "\n"
