"""What bench/ computes from its measurements; nothing is timed here."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import dpse_fast
from bench import comparison, gemm, machine, other_work, ratios, scaling, stages
from bench.__main__ import main
from bench.peers import COMPRESSED, UNCOMPRESSED, PeerError, versions_of
from bench.system import first_frame, shortest_distance, system_named, system_of
from bench.worker import Worker, WorkerError


def test_ratio_is_the_median_of_the_rounds_not_the_ratio_of_medians() -> None:
    base, other = [10.0, 100.0, 12.0], [1.0, 50.0, 3.0]
    ratio = ratios.ratio_by_round(base, other)
    assert ratio == {"median": 4.0, "lowest": 2.0, "highest": 10.0}
    assert ratios.ratio_by_round(other, base)["median"] == pytest.approx(0.25)
    with pytest.raises(ValueError, match="3 and 2"):
        ratios.ratio_by_round(base, other[:2])
    assert ratios.per_atom([3.0, 1.0, 2.0], 1000) == {"median": 2e3, "lowest": 1e3}


@pytest.mark.parametrize("exponent", [0.5, 1.0, 1.5])
def test_laws_of_exact_powers(exponent: float) -> None:
    sizes = [10**k for k in range(3, 7)]
    law = ratios.power_law(sizes, [2e-5 * n**exponent for n in sizes])
    assert law is not None
    assert law["exponent"] == pytest.approx(exponent)
    assert law["prefactor"] == pytest.approx(2e-5)
    assert law["largest_relative_deviation"] < 1e-9
    # The growth leaves the constant out.
    assert ratios.growth(sizes, [1e8 + 900 * n for n in sizes]) == pytest.approx(900)
    assert ratios.power_law([1000], [1.0]) is None
    assert ratios.growth([1000, 1000], [1.0, 2.0]) is None


def test_differences_are_the_largest_of_every_component() -> None:
    ours = {"energy": 5.0, "forces": np.zeros((4, 3)), "virial": np.zeros((3, 3))}
    other = {"energy": 7.0, "forces": np.zeros((4, 3)), "virial": np.eye(3) * -8}
    other["forces"][2, 1] = -0.6
    found = comparison.differences(ours, other)
    assert found["energy_ev_per_atom"] == 0.5
    assert found["force_max_ev_per_angstrom"] == 0.6
    assert found["force_rms_ev_per_angstrom"] == pytest.approx(0.6 / 12**0.5)
    assert found["virial_max_ev_per_atom"] == 2.0


@pytest.mark.parametrize("precision", dpse_fast.plan.PRECISIONS)
def test_a_disagreement_stops_the_run(precision: str) -> None:
    limit = comparison.HARD_STOP[precision]

    def check(name: str, force: float) -> None:
        off = {name: {"force_max_ev_per_angstrom": force}}
        comparison.check_agreement(off, UNCOMPRESSED)

    check(f"dpse-fast, {precision}", 0.9 * limit)
    check(COMPRESSED, 1.0)
    for wrong in (1.1 * limit, np.nan):
        with pytest.raises(comparison.Disagreement, match=f"{precision}.*nothing was"):
            check(f"dpse-fast, {precision}", wrong)


def test_summary_compares_round_by_round() -> None:
    times = {
        COMPRESSED: [{"wall": 4.0, "cpu": 6.0}, {"wall": 8.0, "cpu": 6.0}],
        "dpse-fast, double": [{"wall": 2.0, "cpu": 2.0}, {"wall": 2.0, "cpu": 3.0}],
    }
    found = comparison.summary(times, 2, [COMPRESSED])["dpse-fast, double"]
    assert found["wall_us_per_atom"] == {"median": 1e6, "lowest": 1e6}
    assert found["times_faster_than"][COMPRESSED]["wall"]["median"] == 3.0
    assert found["times_faster_than"][COMPRESSED]["cpu"]["highest"] == 3.0
    # Busy cores show here: ratios of 2/3, 4/3, 1 and 2/3.
    assert comparison.wall_over_cpu(times) == pytest.approx(5 / 6)


def test_flops_of_a_net() -> None:
    x, w = np.ones((1, 7)), np.ones((7, 5))
    both_ways = 2 * (x @ w).size * 7 + 2 * x.size * 5  # a multiply and an add each
    assert gemm.layer_flops([(7, 5)]) == both_ways
    assert gemm.layer_flops([(7, 5), (5, 1)]) == both_ways + 4 * 5


def test_chain_rates_name_the_best_of_the_blocks() -> None:
    found = gemm.chain_rates([(24, 16), (16, 1)], np.float32, blocks=(4, 8))
    assert set(found["by_block"]) == {4, 8}
    assert found["gflops"] == found["by_block"][found["block"]]
    assert found["gflops"] == max(found["by_block"].values())
    assert [layer["shape"] for layer in found["layers"]] == [[24, 16], [16, 1]]
    assert all(layer["backward_gflops"] > 0 for layer in found["layers"])


def test_fitting_rate_of_two_types_with_nets_of_their_own() -> None:
    shapes = {0: ((100, 10),), 1: ((50, 10),)}
    peaks = {((100, 10),): 2.0, ((50, 10),): 1.0}
    found = stages.fitting_rate(shapes, {0: 1000, 1: 1000}, 0.01, peaks)
    assert found["flops_per_atom"] == 3000
    assert found["gflops"] == pytest.approx(6e6 / 0.01 / 1e9)
    # 4e6 FLOP at 2 GFLOP/s and 2e6 at 1 take 4 ms of the 10.
    assert found["fraction_of_peak"] == pytest.approx(0.4)
    assert found["peak_gflops_same_shapes"] == pytest.approx(1.5)


def test_profile_accounts_for_the_whole_time() -> None:
    potential, system = dpse_fast.load(threads=1), system_named(None, None, 1)
    session = potential.session(0.0, profile=True)
    found = stages.profile(session, system, 2)
    assert len(found["rounds"]) == 2
    assert session.list_builds == 3
    for entry in found["rounds"]:
        parts = sum(v for name, v in entry.items() if name not in ("total", "wall"))
        assert parts == pytest.approx(entry["total"])
        assert min(v for name, v in entry.items() if name != "other") > 0
    for name, seconds in found["seconds"].items():
        assert seconds == min(entry[name] for entry in found["rounds"])
    shapes, model = stages.fitting_shapes(potential), potential.model
    assert set(shapes) == set(np.unique(system.types).tolist())
    for species, layers in shapes.items():
        assert len(layers) == len(model.fitting[species].layers)
        assert 0 < layers[0][0] <= model.n_descriptor


def run(atoms: int, seconds: float, peak: int | None) -> dict[str, object]:
    """What bench/workers/one_size.py answers, with numbers of our own."""
    return {
        "atoms": atoms,
        "step_seconds": [seconds, 3 * seconds, 2 * seconds],
        "step_cpu_seconds": [4 * seconds],
        "first_seconds": 1.0,
        "rss_before_load_bytes": None if peak is None else 10**8,
        "rss_peak_bytes": peak,
    }


def test_sizes_and_steps() -> None:
    assert scaling.sizes_up_to(1e6) == [1000, 10_000, 100_000, 1_000_000]
    assert scaling.sizes_up_to(3e4) == [1000, 10_000, 30_000]
    assert scaling.sizes_up_to(500) == [500]
    counts = [scaling.steps_for(n) for n in scaling.sizes_up_to(1e6)]
    assert counts == sorted(counts, reverse=True)
    assert min(counts) >= 2


def test_scaling_summary_takes_memory_of_the_run_alone() -> None:
    runs = [run(n, 1e-5 * n, 10**8 + 10**7 + 800 * n) for n in (1000, 10_000)]
    found = scaling.summarise(runs)
    assert found["time"]["exponent"] == pytest.approx(1)
    assert found["time"]["prefactor"] == pytest.approx(2e-5)
    assert found["cpu_time"]["prefactor"] == pytest.approx(4e-5)
    assert found["bytes_per_added_atom"] == pytest.approx(800)
    assert found["sizes"][0]["us_per_atom"] == pytest.approx(20)
    assert found["sizes"][0]["own_bytes_per_atom"] == 10_800
    assert scaling.summarise([run(1000, 1.0, None)])["bytes_per_added_atom"] is None
    assert scaling.summarise([])["time"] is None


def test_a_size_that_fails_is_named_and_left_out(contest: comparison.Contest) -> None:
    contest.model = "/no/such/model.pb"
    options = {"steps": 2, "threads": 1, "structure": None}
    found = scaling.run_one(contest, 1000, "double", **options)
    assert found["atoms_asked_for"] == 1000
    assert "model.pb" in found["error"]


def test_a_size_in_its_own_process(contest: comparison.Contest) -> None:
    options = {"steps": 2, "threads": 1, "structure": None}
    found = scaling.run_one(contest, 192, "mixed", **options)
    assert found["atoms"] == 192
    assert len(found["step_seconds"]) == len(found["step_cpu_seconds"]) == 2
    assert found["list_builds"] == 1
    if sys.platform == "linux":
        assert found["rss_peak_bytes"] > found["rss_before_load_bytes"]


def test_names_for_files_and_commands() -> None:
    for name, expected in (
        ("Intel(R) Xeon(R) Gold 6430 CPU @ 2.10GHz", "intel-xeon-gold-6430-cpu"),
        ("AMD EPYC 7B13", "amd-epyc-7b13"),
        ("  ", "unknown"),
    ):
        assert machine.slug(name) == expected
    given = ["python -m bench", "--model", "/a/b/m.pb", "--output=/c/d", "x/y.xyz"]
    expected = "python -m bench --model m.pb --output=d x/y.xyz"
    assert machine.without_folders(given) == expected
    text = "model name\t: A: B\nflags\t: avx2 fma\n\nmodel name\t: C\n"
    assert machine.processor_fields(text) == {"model name": "A: B", "flags": "avx2 fma"}


def test_machine_is_ready_for_json() -> None:
    found = machine.describe_machine()
    assert json.loads(json.dumps(found)) == found
    assert found["cores"] >= 1
    assert found["versions"]["dpse-fast"] == dpse_fast.__version__


def test_own_work_is_not_that_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Idle and waiting are no work."""
    stat = tmp_path / "stat"
    stat.write_text("cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0\ncpu1 0\nintr 5\n")
    monkeypatch.setattr(other_work, "STAT", stat)
    monkeypatch.setattr(other_work, "_own_seconds", iter([1.0, 3.0]).__next__)
    monkeypatch.setattr(other_work.time, "perf_counter", iter([0.0, 4.0]).__next__)
    monkeypatch.setattr(other_work.os, "sysconf", lambda _: 10)
    with other_work.OtherWork() as others:
        stat.write_text("cpu  40 10 10 999 800 10 5 5 0 0\ncpu0 0\ncpu1 0\nintr 5\n")
    assert others.cores == (80 / 10 - 2) / 4
    assert others.of == 2


def test_structure_is_whole_copies_in_the_models_types() -> None:
    potential = dpse_fast.load(threads=1)
    frame = first_frame(None, potential)
    system = system_of(frame, potential, 8 * frame.n_atoms)
    assert system.positions.shape == (8 * frame.n_atoms, 3)
    np.testing.assert_allclose(system.cell, 2 * np.asarray(frame.cell))
    oxygen = potential.type_map.index("O")
    assert (system.types == oxygen).mean() == pytest.approx(1 / 3)
    # An O-H bond is the shortest distance in water.
    assert 0.8 < shortest_distance(system) < 1.1
    with pytest.raises(dpse_fast.InputError, match="Cu, Zr with --structure"):
        first_frame(None, potential.renamed(["Cu", "Zr"]))


@pytest.fixture
def contest(tmp_path: Path) -> comparison.Contest:
    return comparison.Contest(system_named(None, None, 1), None, 1e-5, tmp_path)


def test_worker_gives_the_numbers_that_compute_gives(
    contest: comparison.Contest,
) -> None:
    with contest.ours("double") as worker:
        seconds = [worker.evaluate() for _ in range(2)]
        found = worker.numbers()
    assert all(s["wall"] > 0 and s["cpu"] > 0 for s in seconds)
    result = dpse_fast.load(threads=1).compute(*contest.system)
    same = {"energy": result.energy, "forces": result.forces, "virial": result.virial}
    assert comparison.differences(found, same)["force_max_ev_per_angstrom"] < 1e-12
    assert comparison.differences(found, same)["virial_max_ev_per_atom"] < 1e-12


def test_worker_that_fails_says_why(tmp_path: Path) -> None:
    options = {"structure": str(tmp_path / "absent.npz")}
    with (
        Worker("ours", "ours.py", options, tmp_path) as worker,
        pytest.raises(WorkerError, match=r"ours ended \(code 1\): .*absent.npz"),
    ):
        worker.evaluate()


def test_worker_that_takes_too_long_is_ended(contest: comparison.Contest) -> None:
    with (
        contest.ours("double") as worker,
        pytest.raises(WorkerError, match="no answer within 0 s"),
    ):
        worker.evaluate(timeout=1e-3)


def test_an_environment_without_the_peer_is_said() -> None:
    with pytest.raises(PeerError, match="python-that-is-not"):
        versions_of("/no/python-that-is-not")


def test_a_run_that_disagrees_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(comparison.HARD_STOP, "mixed", 1e-12)
    options = ["--quick", "--only", "comparison", "--copies", "1", "--rounds", "1"]
    done = CliRunner().invoke(main, [*options, "--output", str(tmp_path)])
    assert done.exit_code != 0
    assert "forces of dpse-fast, mixed differ" in done.output
    assert not list(tmp_path.iterdir())
