"""Cached plans are void when code changes that they come from, and only then."""

from __future__ import annotations

from pathlib import Path

import grimp
import pytest

from dpse_fast.planning.sources import PACKAGE, PATTERNS, plan_sources

# What planning imports without a plan depending on it, and why.
WITHOUT_INFLUENCE = {
    "array_types": "names for annotations",
    "errors": "the classes of errors",
    "evaluation.domain_counts": "reports, which planning does not read",
    "formats.hdf5": "refuses damaged files; numbers are read as they were written",
    "formats.hdf5_output": "writes files, whose numbers are those of stored_plan",
    "formats.hdf5_texts": "refuses damaged files",
    "formats.stored_bytes": "refuses files that cannot be read as a whole",
    "formats.tree": "refuses attributes of another kind",
    "formats.exchange.place": "refuses what is not part of the format",
    "heat_flux": "computed from results, which planning does not read",
    "inputs.plain_numbers": "refuses arrays of callers",
    "results": "reports, which planning does not read",
    "runtime.atomic_file": "gives files their names",
    "runtime.cached_property": "computes what its function says, once",
    "runtime.forks": "locks and children of forks",
    "runtime.interrupts": "passes interrupts on",
    "runtime.numba_start": "loads Numba's own registries sooner",
    "runtime.process_state": "pauses the garbage collection",
}


def imported() -> dict[str, Path]:
    """The modules that making a plan imports, directly or not, and their files."""
    graph = grimp.build_graph(
        "dpse_fast", exclude_type_checking_imports=True, cache_dir=None
    )
    start = "dpse_fast.planning.make_plan"
    names = {
        name.removeprefix("dpse_fast.")
        for name in graph.find_upstream_modules(start) | {start}
        if not name.startswith("dpse_fast.kernels")
    }
    found = {}
    for name in names:
        path = PACKAGE / name.replace(".", "/")
        found[name] = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return found


def test_all_that_planning_imports_is_a_source_or_without_influence() -> None:
    modules, sources = imported(), set(plan_sources())
    assert {"planning.forms", "plan.tables", "model.nets"} <= modules.keys()
    unclassified = {
        name
        for name, path in modules.items()
        if path not in sources and name not in WITHOUT_INFLUENCE
    }
    assert not unclassified, (
        "add these to PATTERNS in dpse_fast/planning/sources.py, or above with the "
        f"reason why no plan depends on them: {sorted(unclassified)}"
    )


def test_what_is_without_influence_is_imported_and_no_source() -> None:
    modules, sources = imported(), set(plan_sources())
    assert WITHOUT_INFLUENCE.keys() <= modules.keys()
    assert not sources & {modules[name] for name in WITHOUT_INFLUENCE}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_pattern_finds_sources_that_planning_imports(pattern: str) -> None:
    assert set(PACKAGE.glob(pattern)) & set(imported().values())


def test_what_users_touch_is_no_source() -> None:
    sources = set(plan_sources())
    for name in ("ase.py", "potential.py", "cli/info_command.py", "library/build.py"):
        assert (PACKAGE / name).exists()
        assert PACKAGE / name not in sources
