"""A report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .peers import COMPRESSED, UNCOMPRESSED

Cells = Sequence[str]
OTHERS = 0.1  # processors that others may use before it is said


def table(header: Cells, rows: Iterable[Cells]) -> str:
    """A Markdown table; the first column is text, the others numbers."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


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
        f"model: {report['model']}; structure: {report['structure']}",
        f"`{report['command']}`, {report['date']}",
    ]
    load = m["load_average_at_start"]
    if load is not None:
        parts.append(f"load average at the start: {load[0]} of {m['cores']}")
    peers = report["peers"]
    if peers["versions"]:
        names = ", ".join(f"{k} {v}" for k, v in peers["versions"].items())
        parts.insert(2, f"peers: {names}")
    parts += peers["notes"]
    return "\n".join(f"- {part}" for part in parts)


def comparison_table(found: Mapping[str, Any]) -> str:
    bases = [n for n in (COMPRESSED, UNCOMPRESSED) if n in found["contenders"]]
    short = {COMPRESSED: "compressed", UNCOMPRESSED: "uncompressed"}
    header = ["one thread", "µs/atom (CPU)", "µs/atom (wall)"]
    header += [f"times faster than {short[b]} (range)" for b in bases]
    header += ["energy, eV/atom", "forces, eV/Å", "virial, eV/atom", "peak, MB"]
    rows = []
    for name, entry in found["contenders"].items():
        clocks = (entry[f"{c}_us_per_atom"]["median"] for c in ("cpu", "wall"))
        row = [name, *(number(x) for x in clocks)]
        for base in bases:
            ratio = entry["times_faster_than"][base]["cpu"]
            values = (ratio[key] for key in ("median", "lowest", "highest"))
            row.append("{:.2f} ({:.2f}–{:.2f})".format(*values))
        off = found["agreement"].get(name)
        row += (
            ["reference"] * 3
            if off is None
            else [
                number(off["energy_ev_per_atom"]),
                number(off["force_max_ev_per_angstrom"]),
                number(off["virial_max_ev_per_atom"]),
            ]
        )
        peak = entry["peak_bytes"]
        rows.append([*row, "–" if peak is None else f"{peak / 1e6:,.0f}"])
    failed = "".join(f"\n\n{message}" for message in found["failed"].values())
    return (
        f"{found['atoms']} atoms; medians of {_rounds(found)} rounds in turns, ratios "
        f"of CPU time by round; largest differences from {found['reference']}. "
        f"Wall over CPU time: {found['wall_over_cpu']:.2f}.\n\n"
        + table(header, rows)
        + failed
    )


def _rounds(found: Mapping[str, Any]) -> int:
    return len(next(iter(found["rounds"].values())))


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
        times = (f"{x:.2f}" for x in (*faster, *others))
        rows.append([precision, *(number(x) for x in clocks), *times])
    text = (
        "Processes at once: evaluations by processes of one thread that share nothing "
        "but the machine, in the time of one alone. Threads cannot be faster."
    )
    return f"{table(header, rows)}\n\n{text}"


def stages_table(found: Mapping[str, Any]) -> str:
    precisions = found["precisions"]
    names = list(next(iter(precisions.values()))["us_per_atom"])
    stages = table(
        ["stage, µs/atom (one thread, shortest)", *precisions],
        [
            [name, *(number(p["us_per_atom"][name]) for p in precisions.values())]
            for name in names
        ],
    )
    nets = table(
        ["fitting nets", *precisions],
        [
            [title, *(show(p["fitting"][key]) for p in precisions.values())]
            for title, key, show in (
                ("MFLOP/atom", "flops_per_atom", lambda x: number(x / 1e6)),
                ("GFLOP/s of the stage", "gflops", number),
                ("GFLOP/s of its products alone", "peak_gflops_same_shapes", number),
                ("part of that peak", "fraction_of_peak", lambda x: f"{100 * x:.0f} %"),
            )
        ],
    )
    peak = ", ".join(f"{k} {number(v)}" for k, v in found["gemm_square_gflops"].items())
    return f"{stages}\n\n{nets}\n\nLarge square GEMM, GFLOP/s: {peak}."


def scaling_table(found: Mapping[str, Any]) -> str:
    header = ["precision", "atoms", "first, s", "s/step", "µs/atom"]
    header += ["µs/atom (CPU)", "peak, MB", "own, bytes/atom"]
    rows, laws = [], []
    for precision, entry in found["precisions"].items():
        for row in entry["sizes"]:
            peak = row.get("peak_bytes")
            rows.append(
                [
                    precision,
                    f"{row['atoms']:,}",
                    number(row["first_seconds"]),
                    number(row["seconds_per_step"]),
                    number(row["us_per_atom"]),
                    number(row["cpu_us_per_atom"]),
                    "–" if peak is None else f"{peak / 1e6:,.0f}",
                    number(row.get("own_bytes_per_atom")),
                ]
            )
        if entry["time"]:
            law = f"{precision}: time grows as N^{entry['time']['exponent']:.3f}"
            law += f" (CPU time N^{entry['cpu_time']['exponent']:.3f})"
            if entry["bytes_per_added_atom"]:
                law += f", memory by {entry['bytes_per_added_atom']:.0f} bytes an atom"
            laws.append(law)
    text = f"Molecular dynamics with a skin of 1 Å, {found['threads']} threads, each "
    text += (
        "size in a fresh process; medians of the steps. First: list, buffers and the "
    )
    text += "first evaluation. Own: peak less what was resident before load.\n\n"
    notes = [*laws, *found["notes"]]
    return text + table(header, rows) + "\n\n" + "\n".join(f"- {n}" for n in notes)


def startup_table(found: Mapping[str, Any]) -> str:
    rows = [[name, number(x)] for name, x in found["warm_seconds"].items()]
    for precision, x in found["first_ever_seconds"].items():
        rows.append([f"dpse-fast, {precision}, first ever (compiles)", number(x)])
    return table(["first energy of a process", "seconds (wall)"], rows)


def neighbour_text(found: Mapping[str, Any]) -> str:
    """What bench/neighbour_list.py reports: one entry a list, and plain facts."""
    if "error" in found:
        return str(found["error"])
    facts = [
        f"{key.replace('_', ' ')} {value}"
        for key, value in found.items()
        if isinstance(value, int | float) and key not in ("cutoff", "other_work_cores")
    ]
    rows = [
        [
            name,
            number(entry["cpu_us_per_atom"]),
            f"{entry['times_faster']:.2f}" if "times_faster" in entry else "–",
            entry.get("than", "–"),
        ]
        for name, entry in found.items()
        if isinstance(entry, Mapping)
    ]
    listed = f"Cutoff {found['cutoff']} Å; {', '.join(facts)}."
    header = ["list, one thread", "µs/atom (CPU)", "times faster", "than"]
    return f"{listed}\n\n{table(header, rows)}"


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
