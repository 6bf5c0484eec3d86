"""The steps of ``make gpu``: each says what it found, or why not, and the next runs."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from ..comparison import Disagreement
from ..peers import PeerError
from ..progress import say
from ..worker import WorkerError
from .hardware import cuda_tool, driver_says
from .models import label_of
from .motion import HOW
from .nsight import NOT_ALLOWED, kernels_of, profiling_command
from .peer import compare_with_peer, peer_python
from .running import Finished, Process, run, worker_command

ALL_SECONDS = 470.0
SANITIZER_CODE = 9
NO_TESTS, MOST_FAILED = 5, 10  # pytest's code; then it stops
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
PROFILED_ATOMS, PROFILED_KINDS = 100_000, (KINDS[1], KINDS[0])
PROFILE_SECONDS = 10.0  # what a run under ncu takes at least

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
    report, outcomes : what the steps found, and what became of them
    save : writes both down
    """

    options: Mapping[str, Any]
    folder: Path
    environment: dict[str, str | None]
    ends: float
    report: Found = field(default_factory=dict)
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    save: Callable[[], object] = lambda: None
    planning: Process | None = None

    @property
    def device(self) -> str:
        return str(self.options["device"])

    def worker(
        self, name: str, limit: float, found: Found | None = None, **options: Any
    ) -> Finished:
        """Run a worker for so many seconds at most.

        Parameters
        ----------
        found : what the step found before; it is saved with the worker's records as
            ``runs`` while it runs
        """

        def save(records: list[dict[str, Any]]) -> None:
            if found is not None and records != found.get("runs"):
                found["runs"] = records
                self.report[name] = found
                self.save()

        command = worker_command(name, {**self.options, **options})
        done = run(command, limit, self.environment, save)
        if found is not None:
            found["runs"] = done.records
        return done

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
    tool = cuda_tool("compute-sanitizer")
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


def timings(run_: Run, seconds: float) -> Found:
    found: Found = {"how": HOW}
    if run_.planning is not None:
        planned = run_.planning.wait(seconds / 2)
        run_.planning = None
        found["planning"] = planned.records
        found["planning_problem"] = planned.problem()
        seconds = min(seconds, run_.left())
    # The worker stops by itself, a little earlier.
    limits = {"seconds": 0.92 * seconds - 5}
    rates = run_.report.get("ceilings") or {}
    done = run_.worker("timings", seconds, found, **limits, ceilings=rates)
    _checked(done, found)
    if not any("ns_per_atom" in record for record in done.records):
        raise Failed("nothing was timed", found)
    return found


def kernels(run_: Run, seconds: float) -> Found:
    """A step with a new list under Nsight Compute: every model, mixed and double."""
    if run_.device == "cpu":
        raise Skipped("no GPU was asked for")
    ncu = cuda_tool("ncu")
    if ncu is None:
        raise Skipped("ncu (Nsight Compute) is not on the PATH")
    found: Found = {"runs": []}
    ends = time.monotonic() + seconds
    for subject in run_.options["subjects"]:
        for kind in PROFILED_KINDS:
            left = ends - time.monotonic()
            if found["runs"] and left < PROFILE_SECONDS:
                return found
            options = {**run_.options, "subjects": [subject], "kind": kind}
            options["atoms"] = PROFILED_ATOMS
            page = run_.folder / "kernels.csv"
            worker = worker_command("one_step", options)
            done = run(profiling_command(ncu, page, worker), left, run_.environment)
            text = page.read_text() if page.exists() else ""
            if NOT_ALLOWED in text + done.said:
                raise Skipped(f"ncu may not read the card's counters ({NOT_ALLOWED})")
            _checked(done, found)
            launched = kernels_of(text)
            if not launched:
                raise Failed("ncu saw no kernel", found)
            named = {"subject": subject, "kind": label_of(*kind)}
            found["runs"].append({**named, **_merged(done), "kernels": launched})
            run_.report["kernels"] = found
            run_.save()
    return found


def capacity(run_: Run, seconds: float) -> Found:
    kind = run_.options["capacity_kind"]
    found: Found = {}
    done = run_.worker("capacity", seconds, found, kind=kind, subjects=["water"])
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
    Step("kernels", "kernels by Nsight Compute", 20, 60, kernels),
    Step("capacity", "memory and the largest box", 30, 60, capacity),
    Step("peer", "deepmd-kit on the same device", 0, 80, peer),
)


def perform(run_: Run, steps: tuple[Step, ...] = STEPS) -> None:
    """Run the steps one after another into ``report``, saved after each of them."""
    try:
        for k, step in enumerate(steps):
            later = sum(other.least for other in steps[k + 1 :])
            seconds = min(step.most, run_.left() - min(later, run_.left() / 2))
            begun = time.monotonic()
            say(f"{step.name}: {step.title} ({max(seconds, 0):.0f} s at most)")
            outcome = run_.outcomes[step.name] = {"status": "running"}
            outcome |= _outcome(run_, step, seconds)
            outcome["seconds"] = time.monotonic() - begun
            why = f": {outcome['why']}" if "why" in outcome else ""
            say(f"{step.name} {outcome['status']}{why}")
            run_.save()
    finally:
        if run_.planning is not None:
            run_.planning.stop()


def _outcome(run_: Run, step: Step, seconds: float) -> dict[str, Any]:
    if seconds <= 1:
        return {"status": "skipped", "why": "no time is left"}
    try:
        run_.report[step.name] = step.work(run_, seconds)
    except Skipped as reason:
        return {"status": "skipped", "why": str(reason)}
    except Failed as error:
        run_.report[step.name] = error.found
        return {"status": "failed", "why": str(error)}
    except (PeerError, WorkerError, Disagreement) as error:
        return {"status": "failed", "why": str(error)}
    except Exception as error:
        # A step that breaks must not take the others with it.
        return {"status": "failed", "why": f"{type(error).__name__}: {error}"}
    return {"status": "ok"}


def environment_of(folder: Path, device: str) -> dict[str, str | None]:
    """Of the workers: caches of their own, no simulator."""
    found: dict[str, str | None] = {"XDG_CACHE_HOME": str(folder / "cache")}
    if device != "cpu":
        found["NUMBA_ENABLE_CUDASIM"] = None
    (folder / "cache").mkdir(exist_ok=True)
    path = os.environ.get("PYTHONPATH")
    return found | ({"PYTHONPATH": path} if path else {})
