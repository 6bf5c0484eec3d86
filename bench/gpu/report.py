"""The report of a GPU: JSON with every number, tables, a picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..machine import slug
from ..report_files import significant
from ..table import number, table
from .models import label_of
from .nsight import OPERATIONS as FLOPS
from .nsight import PEAKS
from .plot import draw

Report = Mapping[str, Any]
STAGES = ("neighbours", "environment", "moments", "fitting", "gradients", "forces")
LONGEST = 12  # kernels in a table


def write(report: Report, folder: Path) -> list[Path]:
    """Write the files, named by GPU and date; gives their paths."""
    data = write_numbers(report, folder)
    text, picture = data.with_suffix(".md"), data.with_suffix(".png")
    text.write_text(markdown(report))
    return [data, text, picture] if draw(report, picture) else [data, text]


def write_numbers(report: Report, folder: Path) -> Path:
    """The JSON file alone, whole at every moment."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{slug(gpu_name(report))}-{report['date']}.json"
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(significant(report), indent=1) + "\n")
    unfinished.replace(path)
    return path


def gpu_name(report: Report) -> str:
    """The device, or what stands in for it."""
    device = (report.get("describe") or {}).get("device") or {}
    return str(device.get("name") or f"device {report['device']}")


def markdown(report: Report) -> str:
    """The whole report; what was not measured is named with its reason."""
    parts = [f"# dpse-fast on {gpu_name(report)}", _head(report), _outcomes(report)]
    for key, title, text in SECTIONS:
        if report.get(key):
            body = text(report[key])
            parts += [f"## {title}", body] if body else []
    return "\n\n".join(parts) + "\n"


def _head(report: Report) -> str:
    described = report.get("describe") or {}
    ours = (report["host"].get("versions") or {}) | (described.get("versions") or {})
    versions = {k: v for k, v in ours.items() if not isinstance(v, list)}
    said = described.get("nvidia_smi") or {}
    lines = [f"`{report['command']}`, {report['date']}"]
    named = ", ".join(f"{k} {v or 'missing'}" for k, v in versions.items())
    lines += [f"versions: {named}"] if named else []
    told = ", ".join(f"{k} {v}" for k, v in said.items() if k != "name")
    lines += [f"driver: {told}"] if told else []
    return "\n".join(f"- {line}" for line in lines)


def _outcomes(report: Report) -> str:
    rows = [
        [
            name,
            outcome["status"],
            number(outcome.get("seconds")),
            outcome.get("why", ""),
        ]
        for name, outcome in report["steps"].items()
    ]
    return table(["step", "", "seconds", "why"], rows)


def compile_text(found: Report) -> str:
    facts = []
    for name, meaning in (("cold", "nothing compiled"), ("warm", "all in the cache")):
        if f"{name}_process_seconds" in found:
            seconds = found[f"{name}_process_seconds"]
            facts.append(f"{meaning}: {seconds:.1f} s for the process")
            facts += [
                f"… {r['subject']}, {label_of(*r['kind'])}: first evaluation "
                f"{r['first_seconds']:.2f} s"
                for r in found.get(name, [])
            ]
    return _bullets(facts)


def sanitizer_text(found: Report) -> str:
    return _bullets(
        f"{kind}: {entry['summary']} ({entry['seconds']:.0f} s)"
        for kind, entry in found.items()
    )


def tests_text(found: Report) -> str:
    return _bullets([*found["said"], f"{found['seconds']:.0f} s"])


def ceilings_text(found: Report) -> str:
    rates = [
        [name.replace("_", " "), number(found[name] / 1e12)]
        for name in sorted(found)
        if isinstance(found[name], int | float) and not name.startswith("seconds")
    ]
    shapes = [
        [name, *(number(x / 1e12) for x in both)]
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
        rows = [
            [
                _kind(run),
                f"{run['atoms']:,}",
                number(run["ns_per_atom"]),
                number(run["atom_steps_per_s"] / 1e6),
                number(1e3 * run["step_seconds"]),
                number(1e3 * run["build_seconds"]),
                number(run["first_seconds"]),
                number(run.get("memory_bytes_per_atom")),
            ]
            for run in timed
            if run["subject"] == subject
        ]
        header = [subject, "atoms", "ns/atom", "10⁶ atom-steps/s", "step, ms"]
        header += ["step with a new list, ms", "first, s", "memory, B/atom"]
        parts.append(table(header, rows))
        staged = [r for r in timed if r["subject"] == subject and "stages" in r]
        if staged:
            parts.append(_stages(staged))
    notes = [f"{r['subject']}, {_kind(r)}: {r['note']}" for r in timed if "note" in r]
    notes += [
        f"{r['subject']}, {_kind(r)}, {r['asked_for']:,} atoms: {r['left_out']}"
        for r in runs
        if "left_out" in r
    ]
    return "\n\n".join(p for p in [*parts, _bullets(notes)] if p)


def _stages(runs: list[Report]) -> str:
    header = [f"{runs[0]['atoms']:,} atoms, ns/atom", *STAGES, "other"]
    header += ["products alone", "of fitting", "of the step"]
    rows = []
    for run in runs:
        ns, products = run["stages"]["ns_per_atom"], run.get("products") or {}
        cells = [number(ns.get(stage)) for stage in STAGES]
        cells += [number(run["stages"]["other_ns_per_atom"])]
        cells += [number(products.get("ns_per_atom"))]
        cells += [_percent(products.get(key)) for key in ("of_fitting", "of_step")]
        rows.append([_kind(run), *cells])
    return table(header, rows)


def _percent(part: float | None) -> str:
    return "–" if part is None else f"{100 * part:.0f} %"


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
            tera = [kernel["bytes_per_s"], *(flops.get(real) for real in FLOPS)]
            cells = [str(kernel["launches"]), number(1e3 * kernel["seconds"])]
            cells += [number(peaks.get(name)) for name in PEAKS]
            cells += [number(x if x is None else x / 1e12) for x in tera]
            rows.append([kernel["kernel"], *cells])
        rest = run["kernels"][LONGEST:]
        if rest:
            seconds = sum(kernel["seconds"] for kernel in rest)
            launches = sum(kernel["launches"] for kernel in rest)
            blank = ["–"] * (len(PEAKS) + 1 + len(FLOPS))
            last = [f"{len(rest)} others", str(launches), number(1e3 * seconds)]
            rows.append([*last, *blank])
        parts.append(table(header, rows))
    return "\n\n".join(parts)


def capacity_text(found: Report) -> str:
    lines = []
    for trial in found["runs"]:
        kind = _kind(trial)
        if "error" in trial:
            lines.append(f"{kind}: {trial['tried']:,} atoms: {trial['error']}")
            continue
        text = f"{kind}: {trial['atoms']:,} atoms ran, "
        text += f"{trial['step_seconds']:.2f} s a step"
        used = trial.get("used_bytes")
        if used:
            text += f"; {used / trial['atoms']:.0f} B an atom in use afterwards, "
            text += f"{trial['stated']['bytes_per_atom']} stated before"
        lines.append(text)
    return _bullets(lines)


def peer_text(found: Report) -> str:
    rows = []
    for name, entry in found["contenders"].items():
        ratio = entry["times_faster"]
        values = (ratio[key] for key in ("median", "lowest", "highest"))
        off = found["agreement"].get(name)
        rows.append(
            [
                name,
                number(entry["wall_us_per_atom"]["median"]),
                "{:.2f} ({:.2f}–{:.2f})".format(*values),
                number(off["force_max_ev_per_angstrom"]) if off else "reference",
            ]
        )
    header = ["from host arrays to host arrays", "µs/atom (wall)"]
    header += [f"times faster than {found['reference']}", "forces, eV/Å"]
    versions = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    notes = [versions, *found["notes"]]
    first = f"{found['atoms']} atoms, a new list in every evaluation."
    return f"{first}\n\n{table(header, rows)}\n\n{_bullets(notes)}"


def _kind(run: Report) -> str:
    return label_of(run["precision"], run["gemm"], run["deterministic"])


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


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
