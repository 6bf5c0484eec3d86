"""The report of a GPU as Markdown, and as one small picture: speed by size, stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..plot import pyplot, save, stacked
from ..table import bullets, percent, ratio_text, table
from .nsight import OPERATIONS as FLOPS
from .nsight import PEAKS

Report = Mapping[str, Any]
STAGES = ("neighbours", "environment", "moments", "fitting", "gradients", "forces")
LONGEST = 12  # kernels in a table


def gpu_name(report: Report) -> str:
    """The device, or what stands in for it."""
    device = (report.get("describe") or {}).get("device") or {}
    return str(device.get("name") or f"device {report['device']}")


def markdown(report: Report) -> str:
    """The whole report; what was not measured is named with its reason."""
    outcomes = [
        [name, outcome["status"], outcome.get("seconds"), outcome.get("why", "")]
        for name, outcome in report["steps"].items()
    ]
    parts = [f"# dpse-fast on {gpu_name(report)}", _head(report)]
    parts.append(table(["step", "", "seconds", "why"], outcomes))
    for key, title, text in SECTIONS:
        body = text(report[key]) if report.get(key) else ""
        parts += [f"## {title}", body] if body else []
    return "\n\n".join(parts) + "\n"


def _head(report: Report) -> str:
    described = report.get("describe") or {}
    ours = report["host"]["versions"] | (described.get("versions") or {})
    versions = {k: v or "missing" for k, v in ours.items() if not isinstance(v, list)}
    said = {k: v for k, v in (described.get("nvidia_smi") or {}).items() if k != "name"}
    lines = [f"`{report['command']}`, {report['date']}"]
    for title, facts in (("versions", versions), ("driver", said)):
        if facts:
            lines.append(f"{title}: " + ", ".join(f"{k} {v}" for k, v in facts.items()))
    return bullets(lines)


def compile_text(found: Report) -> str:
    facts = []
    for name, meaning in (("cold", "nothing compiled"), ("warm", "all in the cache")):
        if f"{name}_process_seconds" in found:
            seconds = found[f"{name}_process_seconds"]
            facts.append(f"{meaning}: {seconds:.1f} s for the process")
            facts += [
                f"… {r['subject']}, {r['kind']}: first evaluation "
                f"{r['first_seconds']:.2f} s"
                for r in found.get(name, [])
            ]
    return bullets(facts)


def sanitizer_text(found: Report) -> str:
    return bullets(
        f"{kind}: {entry['summary']} ({entry['seconds']:.0f} s)"
        for kind, entry in found.items()
    )


def tests_text(found: Report) -> str:
    return bullets([*found["said"], f"{found['seconds']:.0f} s"])


def ceilings_text(found: Report) -> str:
    rates = [
        [name.replace("_", " "), found[name] / 1e12]
        for name in sorted(found)
        if isinstance(found[name], int | float) and not name.startswith("seconds")
    ]
    shapes = [
        [name, *(x / 1e12 for x in both)]
        for name, both in (found.get("fitting_shapes") or {}).items()
    ]
    text = table(["ceiling", "TB/s or TFLOP/s"], rates)
    if shapes:
        header = ["products of fitting nets", "x·W, TFLOP/s", "y·Wᵀ, TFLOP/s"]
        text += "\n\n" + table(header, shapes)
    return text


def timings_text(found: Report) -> str:
    runs = found.get("runs") or []
    timed = [run for run in runs if "ns_per_atom" in run]
    parts = [found.get("how", "")]
    for subject in dict.fromkeys(run["subject"] for run in timed):
        own = [run for run in timed if run["subject"] == subject]
        header = [subject, "atoms", "ns/atom", "10⁶ atom-steps/s", "step, ms"]
        header += ["step with a new list, ms", "first, s", "memory, B/atom"]
        parts.append(table(header, [_timing(run) for run in own]))
        staged = [run for run in own if "stages" in run]
        if staged:
            header = [f"{staged[0]['atoms']:,} atoms, ns/atom", *STAGES, "other"]
            header += ["products alone", "of fitting", "of the step"]
            parts.append(table(header, [_stages(run) for run in staged]))
    notes = [f"{r['subject']}, {r['kind']}: {r['note']}" for r in timed if "note" in r]
    notes += [
        f"{r['subject']}, {r['kind']}, {r['asked_for']:,} atoms: {r['left_out']}"
        for r in runs
        if "left_out" in r
    ]
    return "\n\n".join(p for p in [*parts, bullets(notes)] if p)


def _timing(run: Report) -> Sequence[Any]:
    milliseconds = (1e3 * run["step_seconds"], 1e3 * run["build_seconds"])
    rates = (run["ns_per_atom"], run["atom_steps_per_s"] / 1e6)
    memory = run.get("memory_bytes_per_atom")
    start = (run["kind"], run["atoms"], *rates)
    return [*start, *milliseconds, run["first_seconds"], memory]


def _stages(run: Report) -> Sequence[Any]:
    ns, products = run["stages"]["ns_per_atom"], run.get("products") or {}
    parts = (percent(products.get(key)) for key in ("of_fitting", "of_step"))
    times = (*(ns.get(stage) for stage in STAGES), run["stages"]["other_ns_per_atom"])
    return [run["kind"], *times, products.get("ns_per_atom"), *parts]


def kernels_text(found: Report) -> str:
    parts = [
        "Percent of the card's peaks by Nsight Compute; FLOP outside tensor cores."
    ]
    for run in found.get("runs") or []:
        header = [f"{run['subject']}, {run['kind']}, {run['atoms']:,} atoms"]
        header += ["launches", "ms", *PEAKS, "TB/s", *(f"TFLOP/s {k}" for k in FLOPS)]
        rows = []
        for kernel in run["kernels"][:LONGEST]:
            peaks, flops = kernel["percent_of_peak"], kernel["flops"]
            rates = [kernel["bytes_per_s"], *(flops.get(real) for real in FLOPS)]
            cells = [kernel["kernel"], kernel["launches"], 1e3 * kernel["seconds"]]
            cells += [peaks.get(name) for name in PEAKS]
            rows.append([*cells, *(x if x is None else x / 1e12 for x in rates)])
        rest = run["kernels"][LONGEST:]
        if rest:
            seconds = sum(kernel["seconds"] for kernel in rest)
            launches = sum(kernel["launches"] for kernel in rest)
            blank = [None] * (len(header) - 3)
            rows.append([f"{len(rest)} others", launches, 1e3 * seconds, *blank])
        parts.append(table(header, rows))
    return "\n\n".join(parts)


def capacity_text(found: Report) -> str:
    lines = []
    for trial in found["runs"]:
        if "error" in trial:
            lines.append(f"{trial['kind']}: {trial['tried']:,} atoms: {trial['error']}")
            continue
        text = f"{trial['kind']}: {trial['atoms']:,} atoms ran, "
        text += f"{trial['step_seconds']:.2f} s a step"
        used = trial.get("used_bytes")
        if used:
            text += f"; {used / trial['atoms']:.0f} B an atom in use afterwards, "
            text += f"{trial['stated']['bytes_per_atom']} stated before"
        lines.append(text)
    return bullets(lines)


def peer_text(found: Report) -> str:
    rows = []
    for name, entry in found["contenders"].items():
        ratio = entry["times_faster_than"][found["reference"]]["wall"]
        off = found["agreement"].get(name, {})
        force = off.get("force_max_ev_per_angstrom", "reference")
        us = entry["wall_us_per_atom"]["median"]
        rows.append([name, us, ratio_text(ratio), force])
    header = ["from host arrays to host arrays", "µs/atom (wall)"]
    header += [f"times faster than {found['reference']}", "forces, eV/Å"]
    versions = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    first = f"{found['atoms']} atoms, a new list in every evaluation."
    notes = bullets([versions, *found["notes"]])
    return f"{first}\n\n{table(header, rows)}\n\n{notes}"


SECTIONS = (
    ("compile", "Compilation", compile_text),
    ("sanitizer", "compute-sanitizer", sanitizer_text),
    ("tests", "Tests on the device", tests_text),
    ("ceilings", "Ceilings, measured", ceilings_text),
    ("timings", "Steps and stages", timings_text),
    ("kernels", "Kernels", kernels_text),
    ("capacity", "Largest box", capacity_text),
    ("peer", "deepmd-kit on the same GPU", peer_text),
)


def draw(report: Report, path: Path) -> bool:
    """Write a PNG; False if there is no matplotlib or nothing to draw."""
    plt = pyplot()
    runs = (report.get("timings") or {}).get("runs") or []
    timed = [run for run in runs if "ns_per_atom" in run]
    subjects = list(dict.fromkeys(run["subject"] for run in timed))
    if plt is None or not subjects:
        return False
    shape = (len(subjects), 2)
    figure, axes = plt.subplots(*shape, figsize=(10, 3.6 * shape[0]), squeeze=False)
    for (left, right), subject in zip(axes, subjects, strict=True):
        own = [run for run in timed if run["subject"] == subject]
        _speeds(left, own)
        left.set_title(subject, fontsize=8)
        staged = {r["kind"]: r["stages"]["ns_per_atom"] for r in own if "stages" in r}
        if staged:
            columns = [kind.replace(", ", "\n") for kind in staged]
            names = next(iter(staged.values()))
            stages = {n: [each[n] for each in staged.values()] for n in names}
            stacked(right, columns, stages, 0.6)
            right.set(ylabel="ns/atom")
            right.tick_params(axis="x", labelsize=7)
        else:
            right.set_axis_off()
    return save(figure, path, f"{report['name']}, {report['date']}")


def _speeds(ax: Any, runs: Sequence[Report]) -> None:
    for kind in dict.fromkeys(run["kind"] for run in runs):
        own = sorted(
            (run["atoms"], run["atom_steps_per_s"] / 1e6)
            for run in runs
            if run["kind"] == kind
        )
        ax.plot(*zip(*own, strict=True), "o-", label=kind, markersize=3)
    ax.set(xscale="log", yscale="log", xlabel="atoms", ylabel="10⁶ atom-steps/s")
    ax.grid(alpha=0.3)
    ax.legend(fontsize=7)
