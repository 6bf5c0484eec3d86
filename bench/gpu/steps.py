"""The steps of ``make gpu``: each says what it found, or why not, and the next runs."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import click

from ..comparison import Contest
from ..progress import say
from ..system import system_named
from .models import WATER, Kind
from .motion import HOW
from .nsight import NOT_ALLOWED, kernels_of, profiling_command
from .peer import compare_with_peer
from .running import Finished, Process, Records, worker_command

ALL_SECONDS = 470.0
SANITIZER_CODE = 9
NO_TESTS, MOST_FAILED = 5, 10  # pytest's code; then it stops
KINDS = (
    Kind("double"),
    Kind("mixed"),
    Kind("mixed", "tf32x3"),
    Kind("mixed", "tf32"),
    Kind("mixed", "tf32x3", False),
    Kind("single", "tf32x3"),
)
SIZES = (1_000_000, 100_000, 10_000, 8_000_000)
STAGES_AT = 1_000_000
PROFILED_ATOMS, PROFILED_KINDS = 100_000, (KINDS[1], KINDS[0])
PROFILE_SECONDS = 10.0  # what a run under ncu takes at least
FOLDERS = (  # of CUDA's tools, besides the PATH
    *("/usr/local/cuda/bin", "/usr/local/cuda/compute-sanitizer"),
    *map(str, sorted(Path("/opt/nvidia/nsight-compute").glob("*"), reverse=True)),
)

Found = dict[str, Any]


class Failed(click.ClickException):
    """What a step ran into."""


class Skipped(Exception):
    """Why a step was left out."""


@dataclass
class Run:
    """What the steps share.

    Parameters
    ----------
    options : of the command line
    folder : for files
    ends : of `time.monotonic`
    report, outcomes : what the steps found, and what became of them
    save : writes both down
    planning : a worker that plans the models while the GPU compiles and is tested
    """

    options: Mapping[str, Any]
    folder: Path
    ends: float
    report: Found = field(default_factory=dict)
    outcomes: dict[str, Found] = field(default_factory=dict)
    save: Callable[[], object] = lambda: None
    planning: Process | None = None

    @property
    def on_gpu(self) -> bool:
        return bool(self.options["device"] != "cpu")

    @property
    def environment(self) -> dict[str, str | None]:
        """Of the workers: caches of their own, no simulator."""
        cache: dict[str, str | None] = {"XDG_CACHE_HOME": str(self.folder / "cache")}
        return cache | ({"NUMBA_ENABLE_CUDASIM": None} if self.on_gpu else {})

    def tool(self, name: str, of: str = "") -> str:
        """Where a tool of CUDA is; raises Skipped where it is of no use."""
        if not self.on_gpu:
            raise Skipped("no GPU was asked for")
        for folder in (None, *FOLDERS):
            path = shutil.which(name, path=folder)
            if path:
                return path
        raise Skipped(f"{name}{of} is not on the PATH")

    def command(self, command: list[str], seconds: float) -> Finished:
        return Process(command, self.environment).wait(seconds)

    def worker(
        self, name: str, limit: float, found: Found | None = None, **options: Any
    ) -> Finished:
        """Run a worker for so many seconds at most.

        Parameters
        ----------
        found : where its records go as ``runs``; they are saved as they come
        """

        def keep(records: Records) -> None:
            if found is not None:
                found["runs"] = records
                self.save()

        return self.start(name, **options).wait(limit, keep)

    def start(self, name: str, **options: Any) -> Process:
        command = worker_command(name, {**self.options, **options})
        return Process(command, self.environment)

    def left(self) -> float:
        """Seconds."""
        return self.ends - time.monotonic()


class Step(NamedTuple):
    """Something to do; it fills what it finds into the report."""

    name: str
    title: str
    least: float  # seconds, kept for it by those before
    most: float
    work: Callable[[Run, Found, float], None]


def _check(done: Finished, merged: Found | None = None) -> None:
    """Raise Failed with the problem that there was.

    Parameters
    ----------
    merged : gets all records, where they are different facts about one thing
    """
    if merged is not None:
        for record in done.records:
            merged |= record
    problem = done.problem()
    if problem:
        raise Failed(problem)


def describe(run: Run, found: Found, seconds: float) -> None:
    _check(run.worker("describe", seconds), found)
    run.planning = run.start("planning")


def compile_kernels(run: Run, found: Found, seconds: float) -> None:
    """Tiny systems in a process without compiled kernels, and in one with them.

    The second compares them with the processors, too.
    """
    for name in ("cold", "warm"):
        done = run.worker("tiny", seconds, compare=name == "warm", pool=True)
        seconds -= done.seconds
        found[f"{name}_process_seconds"] = done.seconds
        found[name] = done.records
        _check(done)


def sanitize(run: Run, found: Found, seconds: float) -> None:
    tool = run.tool("compute-sanitizer")
    options = {**run.options, "compare": False, "pool": False}
    for kind in run.options["sanitize"]:
        command = [tool, "--tool", kind, "--error-exitcode", str(SANITIZER_CODE)]
        done = run.command([*command, *worker_command("tiny", options)], seconds)
        seconds -= done.seconds
        summary = [x for x in done.said.splitlines() if "ERROR SUMMARY" in x]
        found[kind] = {
            "seconds": done.seconds,
            "summary": summary[-1:] or done.last_words,
            "ran": done.records,
        }
        _check(done)


def test(run: Run, found: Found, seconds: float) -> None:
    """The tests whose names have "cuda" in them, on the device."""
    if find_spec("pytest") is None:
        raise Skipped("pytest is not installed")
    command = [sys.executable, "-m", "pytest", "tests", "-k", "cuda", "-q"]
    command += [f"--maxfail={MOST_FAILED}", *run.options["pytest"]]
    environment = {**run.environment, "NUMBA_ENABLE_CUDASIM": None}
    environment["DPSE_FAST_TEST_DEVICE"] = "gpu" if run.on_gpu else None
    done = Process(command, environment).wait(seconds)
    lines = [x for x in done.said.strip().splitlines() if x]
    failed = [x for x in lines if x.startswith(("FAILED", "ERROR"))]
    found |= {"seconds": done.seconds, "said": [*failed, *lines[-1:]]}
    if done.code == NO_TESTS:
        raise Failed("no test has cuda in its name")
    _check(done)


def ceilings(run: Run, found: Found, seconds: float) -> None:
    _check(run.worker("ceilings", seconds), found)


def timings(run: Run, found: Found, seconds: float) -> None:
    found["how"] = HOW
    if run.planning is not None:
        planned = run.planning.wait(seconds / 2)
        run.planning = None
        found["planning"] = planned.records
        found["planning_problem"] = planned.problem()
        seconds = min(seconds, run.left())
    # The worker stops by itself, a little earlier.
    options = {
        "seconds": 0.92 * seconds - 5,
        "ceilings": run.report.get("ceilings", {}),
    }
    _check(run.worker("timings", seconds, found, **options))
    if not any("ns_per_atom" in record for record in found["runs"]):
        raise Failed("nothing was timed")


def kernels(run: Run, found: Found, seconds: float) -> None:
    """A step with a new list under Nsight Compute: every model, mixed and double."""
    ncu = run.tool("ncu", " (Nsight Compute)")
    ends, page = time.monotonic() + seconds, run.folder / "kernels.csv"
    runs = found["runs"] = []
    for subject in run.options["subjects"]:
        for kind in PROFILED_KINDS:
            left = ends - time.monotonic()
            if runs and left < PROFILE_SECONDS:
                return
            options = {**run.options, "subjects": [subject], "kind": kind}
            worker = worker_command("one_step", {**options, "atoms": PROFILED_ATOMS})
            done = run.command(profiling_command(ncu, page, worker), left)
            text = page.read_text() if page.exists() else ""
            if NOT_ALLOWED in text + done.said:
                raise Skipped(f"ncu may not read the card's counters ({NOT_ALLOWED})")
            entry = {
                "subject": subject,
                "kind": kind.label,
                "kernels": kernels_of(text),
            }
            _check(done, entry)
            if not entry["kernels"]:
                raise Failed("ncu saw no kernel")
            runs.append(entry)
            run.save()


def capacity(run: Run, found: Found, seconds: float) -> None:
    kind = run.options["capacity_kind"]
    _check(run.worker("capacity", seconds, found, kind=kind))
    if not any("atoms" in record for record in found["runs"]):
        raise Failed("no size ran")


def peer(run: Run, found: Found, seconds: float) -> None:
    python = run.options["peer_python"]
    if python is None and find_spec("deepmd") is None:
        raise Skipped("deepmd-kit is not installed here, and no --peer-python named")
    system = system_named(None, None, run.options["peer_atoms"])
    contest = Contest(system, None, WATER.tol, run.folder)
    given, device = run.options["peer_model"], run.options["device"]
    found |= compare_with_peer(
        contest, python or sys.executable, given, device, seconds / 2
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


def perform(run: Run, steps: tuple[Step, ...] = STEPS) -> None:
    """Run the steps one after another into ``report``, saved after each of them."""
    try:
        for k, step in enumerate(steps):
            later = sum(other.least for other in steps[k + 1 :])
            seconds = min(step.most, run.left() - min(later, run.left() / 2))
            begun = time.monotonic()
            say(f"{step.name}: {step.title} ({max(seconds, 0):.0f} s at most)")
            outcome = run.outcomes[step.name] = {"status": "running"}
            outcome |= _outcome(run, step, seconds)
            outcome["seconds"] = time.monotonic() - begun
            why = f": {outcome['why']}" if "why" in outcome else ""
            say(f"{step.name} {outcome['status']}{why}")
            run.save()
    finally:
        if run.planning is not None:
            run.planning.stop()


def _outcome(run: Run, step: Step, seconds: float) -> dict[str, str]:
    if seconds <= 1:
        return {"status": "skipped", "why": "no time is left"}
    found = run.report[step.name] = {}
    try:
        step.work(run, found, seconds)
    except Skipped as reason:
        return {"status": "skipped", "why": str(reason)}
    except click.ClickException as error:
        return {"status": "failed", "why": error.message}
    except Exception as error:
        # A step that breaks must not take the others with it.
        return {"status": "failed", "why": f"{type(error).__name__}: {error}"}
    finally:
        if not found:
            del run.report[step.name]
    return {"status": "ok"}
