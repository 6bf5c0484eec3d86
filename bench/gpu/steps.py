"""The steps of ``make gpu``: each says what it found, or why not, and the next runs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from ..comparison import Disagreement
from ..peers import PeerError
from ..progress import say
from ..worker import WorkerError
from .ceilings import card_named, measured_ceilings
from .hardware import driver_says, sanitizer
from .motion import HOW
from .peer import compare_with_peer, peer_python
from .running import Finished, Process, run, worker_command

ALL_SECONDS = 470.0
SANITIZER_CODE = 9
NO_TESTS, MOST_FAILED = 5, 10  # pytest's code; then it stops
MEMORY = ("copy", "copy_kernel", "memory_read")
KINDS = (
    ("double", "float32", True),
    ("mixed", "float32", True),
    ("mixed", "tf32x3", True),
    ("mixed", "tf32", True),
    ("mixed", "tf32x3", False),
    ("single", "tf32x3", True),
)
SIZES = (1_000_000, 100_000, 10_000, 8_000_000)
STAGES_AT = 1_000_000

Found = dict[str, Any]


class Failed(Exception):
    """What a step ran into; its message, with what it found before."""

    def __init__(self, why: str, found: Found | None = None) -> None:
        super().__init__(why)
        self.found = found or {}


class Skipped(Exception):
    """Why a step was left out."""


@dataclass
class Run:
    """What the steps share.

    Parameters
    ----------
    options : of the command line
    folder : for files
    environment : of the workers
    ends : of `time.monotonic`
    """

    options: Mapping[str, Any]
    folder: Path
    environment: dict[str, str | None]
    ends: float
    report: Found = field(default_factory=dict)
    planning: Process | None = None

    @property
    def device(self) -> str:
        return str(self.options["device"])

    def worker(self, name: str, limit: float, **options: Any) -> Finished:
        """Run a worker for so many seconds at most."""
        given = {**self.options, **options}
        return run(worker_command(name, given), limit, self.environment)

    def left(self) -> float:
        """Seconds."""
        return self.ends - time.monotonic()


class Step(NamedTuple):
    """Something to do."""

    name: str
    title: str
    least: float  # seconds, kept for it by those before
    most: float
    work: Callable[[Run, float], Found]


def _merged(done: Finished) -> Found:
    """Records that are different facts about one thing."""
    merged: Found = {}
    for record in done.records:
        merged |= record
    return merged


def _checked(done: Finished, found: Found) -> Found:
    problem = done.problem()
    if problem:
        raise Failed(problem, found)
    return found


def describe(run_: Run, seconds: float) -> Found:
    done = run_.worker("describe", seconds)
    found = {**_merged(done), "nvidia_smi": driver_says()}
    _checked(done, found)
    # The processors plan while the GPU compiles and is tested.
    options = {**run_.options, "precisions": _precisions(run_)}
    command = worker_command("prepare", options)
    run_.planning = Process(command, run_.environment)
    return found


def _precisions(run_: Run) -> list[str]:
    return list(dict.fromkeys(kind[0] for kind in run_.options["kinds"]))


def compile_kernels(run_: Run, seconds: float) -> Found:
    """Tiny systems in a process without compiled kernels, and in one with them.

    The second compares them with the processors, too.
    """
    found: Found = {}
    for name in ("cold", "warm"):
        done = run_.worker("tiny", seconds, compare=name == "warm", pool=True)
        seconds -= done.seconds
        found[f"{name}_process_seconds"] = done.seconds
        found[name] = done.records
        _checked(done, found)
    return found


def sanitize(run_: Run, seconds: float) -> Found:
    if run_.device == "cpu":
        raise Skipped("no GPU was asked for")
    tool = sanitizer()
    if tool is None:
        raise Skipped("compute-sanitizer is not on the PATH")
    found: Found = {}
    for kind in run_.options["sanitize"]:
        options = {**run_.options, "compare": False, "pool": False}
        command = [tool, "--tool", kind, "--error-exitcode", str(SANITIZER_CODE)]
        done = run(
            [*command, *worker_command("tiny", options)], seconds, run_.environment
        )
        seconds -= done.seconds
        summary = [x for x in done.said.splitlines() if "ERROR SUMMARY" in x]
        found[kind] = {
            "seconds": done.seconds,
            "summary": summary[-1:] or done.last_words,
            "ran": done.records,
        }
        _checked(done, found)
    return found


def test(run_: Run, seconds: float) -> Found:
    """The tests whose names have "cuda" in them, on the device."""
    if find_spec("pytest") is None:
        raise Skipped("pytest is not installed")
    command = [sys.executable, "-m", "pytest", "tests", "-k", "cuda", "-q"]
    command.append(f"--maxfail={MOST_FAILED}")
    environment = {**run_.environment, "NUMBA_ENABLE_CUDASIM": None}
    environment["DPSE_FAST_TEST_DEVICE"] = "gpu" if run_.device != "cpu" else None
    done = run([*command, *run_.options["pytest"]], seconds, environment)
    lines = [x for x in done.said.strip().splitlines() if x]
    failed = [x for x in lines if x.startswith(("FAILED", "ERROR"))]
    found = {"seconds": done.seconds, "said": [*failed, *lines[-1:]]}
    if done.code == NO_TESTS:
        raise Failed("no test has cuda in its name", found)
    return _checked(done, found)


def ceilings(run_: Run, seconds: float) -> Found:
    done = run_.worker("ceilings", seconds)
    return _checked(done, _merged(done))


def known_ceilings(report: Mapping[str, Any]) -> dict[str, float]:
    """Measured ceilings, and what the data sheet knows of the others."""
    measured = dict(report.get("ceilings") or {})
    rates = [float(measured[name]) for name in MEMORY if measured.get(name)]
    if rates:
        measured["memory"] = max(rates)
    described = (report.get("describe") or {}).get("device") or {}
    card = card_named(str(described.get("name", "")))
    merged = measured_ceilings(measured, card.ceilings() if card else None)
    return asdict(merged)


def timings(run_: Run, seconds: float) -> Found:
    found: Found = {"how": HOW}
    if run_.planning is not None:
        planned = run_.planning.wait(seconds / 2)
        run_.planning = None
        found["planning"] = planned.records
        found["planning_problem"] = planned.problem()
        seconds = min(seconds, run_.left())
    found["ceilings"] = known_ceilings(run_.report)
    # The worker stops by itself, a little earlier.
    done = run_.worker(
        "timings", seconds, seconds=0.92 * seconds - 5, ceilings=found["ceilings"]
    )
    found["runs"] = done.records
    _checked(done, found)
    if not any("ns_per_atom" in record for record in done.records):
        raise Failed("nothing was timed", found)
    return found


def capacity(run_: Run, seconds: float) -> Found:
    kind = run_.options["capacity_kind"]
    options = {"kind": kind, "subjects": ["water"]}
    done = run_.worker("capacity", seconds, **options)
    found = {"trials": done.records}
    _checked(done, found)
    if not any("atoms" in record for record in done.records):
        raise Failed("no size ran", found)
    return found


def peer(run_: Run, seconds: float) -> Found:
    python = peer_python(run_.options["peer_python"])
    if python is None:
        raise Skipped("deepmd-kit is not installed here, and no --peer-python named")
    from ..system import system_of
    from .models import water

    subject = water()
    potential = subject.load("cpu", "double")
    size = run_.options["peer_atoms"]
    system = system_of(subject.frame(potential), potential, size)
    saved = system.save(run_.folder / "peer.npz")
    return compare_with_peer(
        python,
        None,
        run_.options["peer_model"],
        saved,
        len(system.types),
        run_.device,
        seconds / 2,
        run_.folder,
    )


STEPS = (
    Step("describe", "versions, device, driver, clocks, memory", 5, 40, describe),
    Step("compile", "kernels compiled; tiny systems agree", 30, 150, compile_kernels),
    Step("sanitizer", "compute-sanitizer over tiny systems", 20, 80, sanitize),
    Step("tests", "the test suite on the device", 40, 150, test),
    Step("ceilings", "bandwidths and products of this device", 20, 40, ceilings),
    Step("timings", "steps and stages", 100, 170, timings),
    Step("capacity", "memory and the largest box", 30, 60, capacity),
    Step("peer", "deepmd-kit on the same device", 0, 80, peer),
)


def perform(run_: Run, steps: tuple[Step, ...] = STEPS) -> dict[str, dict[str, Any]]:
    """Run the steps one after another into ``report``; what became of each."""
    outcomes: dict[str, dict[str, Any]] = {}
    for k, step in enumerate(steps):
        later = sum(other.least for other in steps[k + 1 :])
        seconds = min(step.most, run_.left() - min(later, run_.left() / 2))
        begun = time.monotonic()
        say(f"{step.name}: {step.title} ({max(seconds, 0):.0f} s at most)")
        outcome: dict[str, Any] = {"status": "ok"}
        try:
            if seconds <= 1:
                raise Skipped("no time is left")
            run_.report[step.name] = step.work(run_, seconds)
        except Skipped as reason:
            outcome = {"status": "skipped", "why": str(reason)}
        except Failed as error:
            run_.report[step.name] = error.found
            outcome = {"status": "failed", "why": str(error)}
        except (PeerError, WorkerError, Disagreement) as error:
            outcome = {"status": "failed", "why": str(error)}
        except Exception as error:
            # A step that breaks must not take the others with it.
            why = f"{type(error).__name__}: {error}"
            outcome = {"status": "failed", "why": why}
        outcome["seconds"] = time.monotonic() - begun
        outcomes[step.name] = outcome
        why = f": {outcome['why']}" if "why" in outcome else ""
        say(f"{step.name} {outcome['status']}{why}")
    if run_.planning is not None:
        run_.planning.stop()
    return outcomes


def environment_of(folder: Path, device: str) -> dict[str, str | None]:
    """Of the workers: caches of their own, no simulator."""
    found: dict[str, str | None] = {"XDG_CACHE_HOME": str(folder / "cache")}
    if device != "cpu":
        found["NUMBA_ENABLE_CUDASIM"] = None
    (folder / "cache").mkdir(exist_ok=True)
    path = os.environ.get("PYTHONPATH")
    return found | ({"PYTHONPATH": path} if path else {})
