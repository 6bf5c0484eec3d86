"""The report of a GPU: JSON with every number, tables, a picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..machine import slug
from ..report_files import significant
from ..table import number, table
from .estimate import label_of
from .plot import draw

Report = Mapping[str, Any]
STAGES = ("neighbours", "environment", "moments", "fitting", "gradients", "forces")


def write(report: Report, folder: Path) -> list[Path]:
    """Write the files, named by GPU and date; gives their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{slug(gpu_name(report))}-{report['date']}"
    data, text, picture = (folder / (stem + s) for s in (".json", ".md", ".png"))
    data.write_text(json.dumps(significant(report), indent=1) + "\n")
    text.write_text(markdown(report))
    return [data, text, picture] if draw(report, picture) else [data, text]


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
        [name, outcome["status"], number(outcome["seconds"]), outcome.get("why", "")]
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
                f"… {r['subject']}, {', '.join(map(str, r['kind']))}: first evaluation "
                f"{r['first_seconds']:.2f} s"
                for r in found.get(name, [])
            ]
    return _listed(facts)


def sanitizer_text(found: Report) -> str:
    return _listed(
        f"{kind}: {entry['summary']} ({entry['seconds']:.0f} s)"
        for kind, entry in found.items()
    )


def tests_text(found: Report) -> str:
    return _listed([*found["said"], f"{found['seconds']:.0f} s"])


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
                number(run.get("held_bytes_per_atom")),
            ]
            for run in timed
            if run["subject"] == subject
        ]
        header = [subject, "atoms", "ns/atom", "10⁶ atom-steps/s", "step, ms"]
        header += ["step with a new list, ms", "first, s", "held, B/atom"]
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
    return "\n\n".join(p for p in [*parts, _listed(notes)] if p)


def _stages(runs: list[Report]) -> str:
    header = [f"{runs[0]['atoms']:,} atoms, ns/atom (of the roofline)", *STAGES]
    rows, rates = [], []
    for run in runs:
        against, ns = run["stages"]["against"], run["stages"]["ns_per_atom"]
        cells, speeds = [], []
        for stage in STAGES:
            entry = against.get(stage)
            part = entry["fraction_of_roofline"] if entry else 0.0
            of = f" ({100 * part:.0f} %)" if part else ""
            cells.append(number(ns.get(stage)) + of)
            speeds.append(
                f"{number(entry['memory_bytes_per_s'] / 1e12)}; "
                f"{number(entry['flops'] / 1e12)}"
                if entry
                else "–"
            )
        other = number(run["stages"]["other_ns_per_atom"])
        rows.append([_kind(run), *cells, other])
        rates.append([_kind(run), *speeds, "–"])
    first = table([*header, "other"], rows)
    return f"{first}\n\n{table(['TB/s; TFLOP/s, counted', *STAGES, 'other'], rates)}"


def capacity_text(found: Report) -> str:
    lines = []
    for trial in found["trials"]:
        kind = _kind(trial)
        if "error" in trial:
            lines.append(f"{kind}: {trial['tried']:,} atoms: {trial['error']}")
            continue
        text = f"{kind}: {trial['atoms']:,} atoms ran, "
        text += f"{trial['step_seconds']:.2f} s a step"
        held = trial.get("held_bytes")
        if held:
            text += f"; {held / trial['atoms']:.0f} B an atom held afterwards, "
            text += f"{trial['stated']['bytes_per_atom']} stated before"
        lines.append(text)
    return _listed(lines)


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
    return f"{first}\n\n{table(header, rows)}\n\n{_listed(notes)}"


def _kind(run: Report) -> str:
    label = label_of(run["precision"], run["gemm"])
    return label if run["deterministic"] else f"{label}, atomics"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


SECTIONS = (
    ("compile", "Compilation", compile_text),
    ("sanitizer", "compute-sanitizer", sanitizer_text),
    ("tests", "Tests on the device", tests_text),
    ("ceilings", "Ceilings, measured", ceilings_text),
    ("timings", "Steps and stages", timings_text),
    ("capacity", "Largest box", capacity_text),
    ("peer", "deepmd-kit on the same GPU", peer_text),
)
