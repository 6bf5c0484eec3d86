"""What the interface refuses: texts of its check functions, and the environment."""

from __future__ import annotations

import ctypes as c
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from library.binding import Binding
from library.deepmd_binding import Deepmd, pointer
from other_process import run
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast.formats.exchange.writer import write
from dpse_fast.inputs.environment import VARIABLES
from dpse_fast.library.deepmd import placement
from dpse_fast.library.deepmd.environment import asked

NAMES = Path(__file__).parent / "deepmd_names.txt"  # of deepmd-kit 3.2.0's library

OURS = {
    "coord": "positions",
    "force": "forces",
    "atomic_energy": "atomic_energies",
    "atomic_virial": "atomic_virials",
}


@pytest.fixture
def deepmd(deepmd_library: Path, monkeypatch: pytest.MonkeyPatch) -> Deepmd:
    monkeypatch.setenv("DPSE_THREADS", "1")
    return Deepmd(deepmd_library)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(random_model(), tmp_path / "model.h5")
    return tmp_path / "model.h5"


def test_the_library_exports_the_interface_and_nothing_else(
    deepmd_library: Path,
) -> None:
    library = deepmd_library / "libdeepmd_c.so"
    listed = run("nm", "-D", "--defined-only", library)
    if listed.returncode:
        pytest.skip("nm is not installed; on Debian it is in binutils")
    found = sorted(line.split()[-1] for line in listed.stdout.splitlines())
    assert found == NAMES.read_text().split()
    assert b"libdeepmd_c.so\0" in library.read_bytes()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("DeepSpin", "DeepSpin (models with spins"),
        ("DeepTensor", "DeepTensor (dipoles"),
        ("DipoleChargeModifier", "DipoleChargeModifier (charges of dipoles"),
    ],
)
def test_other_kinds_say_that_they_are_not_evaluated(
    kind: str, text: str, deepmd: Deepmd
) -> None:
    made = c.c_void_p(getattr(deepmd.c, f"DP_New{kind}")(b"model.pb"))
    for function in (name for name in NAMES.read_text().split() if kind in name):
        if (
            "New" not in function
            and "Delete" not in function
            and "Devi" not in function
        ):
            nothing = (None,) * 20
            getattr(deepmd.c, function)(made, *nothing)
    said = deepmd.error(made, kind)
    assert said.startswith(text)
    assert "dpse-fast does not evaluate them" in said
    getattr(deepmd.c, f"DP_Delete{kind}")(made)


def test_files_that_are_no_models(deepmd: Deepmd, tmp_path: Path) -> None:
    (tmp_path / "text.pb").write_text("no model")
    for name, text in (
        ("nowhere.pb", "nowhere.pb: no such file"),
        ("text.pb", "text.pb: "),
    ):
        with deepmd.model(tmp_path / name) as model:
            assert text in deepmd.error(model)
            assert deepmd.c.DP_DeepPotGetNumbTypes(model) == 0
            assert deepmd.text("DeepPotGetTypeMap", model) == ""
            deepmd.compute(model, np.zeros((1, 1, 3)), [0])
            assert text in deepmd.error(model)


def test_no_object(deepmd: Deepmd) -> None:
    nothing = c.c_void_p(None)
    assert "got NULL" in deepmd.error(nothing)
    deepmd.compute(nothing, np.zeros((1, 1, 3)), [0])
    deepmd.c.DP_DeleteDeepPot(nothing)
    deepmd.c.DP_DeleteNlist(nothing)
    assert deepmd.c.DP_DeepPotGetCutoff(nothing) == 0.0


def test_what_is_no_object_is_not_looked_into(deepmd: Deepmd, file: Path) -> None:
    made = c.c_void_p(deepmd.c.DP_NewDeepPot(str(file).encode()))
    # CP2K deletes the place of the pointer.
    deepmd.c.DP_DeleteDeepPot(c.byref(made))
    assert deepmd.error(made) == ""
    assert deepmd.c.DP_DeepPotGetNumbTypes(made) == 2
    for _ in range(2):
        deepmd.c.DP_DeleteDeepPot(made)
        assert deepmd.error(made) == "object: expected one of this library, got another"
        assert deepmd.c.DP_DeepPotGetNumbTypes(made) == 0
        assert deepmd.text("DeepPotGetTypeMap", made) == ""
        found = deepmd.compute(made, np.zeros((1, 1, 3)), [0])
        assert np.isnan(found.energy[0])


def test_errors_that_nobody_reads_are_said(
    deepmd: Deepmd, file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with deepmd.model(tmp_path / "nowhere.pb") as model:
        for _ in range(2):
            deepmd.compute(model, np.zeros((1, 1, 3)), [0])
    said = capfd.readouterr().err
    assert said.count("nowhere.pb: no such file") == 1
    assert said.startswith("dpse-fast: error: ")
    with deepmd.model(file) as model:
        deepmd.compute(model, np.full((1, 2, 3), np.nan), [0, 1])
    said = capfd.readouterr().err
    assert said.startswith("dpse-fast: error: positions: expected finite")
    with deepmd.model(file) as model:
        deepmd.compute(model, np.full((1, 2, 3), np.nan), [0, 1])
        assert "positions: expected finite" in deepmd.error(model)
    assert "error" not in capfd.readouterr().err


def test_errors_stay_until_they_are_read(deepmd: Deepmd, file: Path) -> None:
    structure = random_structure("cubic")
    good = (structure.positions[None], structure.types, structure.cell)
    with deepmd.model(file) as model:
        deepmd.compute(model, np.full((1, 2, 3), np.nan), [0, 1])
        found = deepmd.compute(model, *good)
        assert np.isfinite(found.energy[0])
        assert deepmd.error(model).startswith("positions: expected finite")
        deepmd.compute(model, *good)
        assert deepmd.error(model) == ""
        deepmd.compute(model, np.empty((0, 2, 3)), [0, 1])
        assert "nframes: expected at least 1, got 0" in deepmd.error(model)
        deepmd.c.DP_DeepPotCompute(model, 2, *(None,) * 8)
        assert "coord, atype: expected those of 2 atoms" in deepmd.error(model)
        deepmd.c.DP_DeepPotComputeEdgesGPU(model)
        assert "does not take arrays of a GPU" in deepmd.error(model)


@pytest.mark.parametrize("real", [np.float64, np.float32])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6, 7, 8])
def test_memory_that_is_not_there(
    k: int, real: Any, deepmd: Deepmd, file: Path
) -> None:
    structure = random_structure("cubic")
    n, zeros = len(structure.positions), partial(np.zeros, dtype=real)
    given: list[Any] = [
        *(structure.positions.astype(real), structure.types.astype(np.int32)),
        *(structure.cell.astype(real), np.zeros(1), zeros((n, 3)), zeros((3, 3))),
        *(zeros(n), zeros((n, 3, 3))),
    ]
    names = (
        *("coord", "atype", "cell", "energy", "force", "virial"),
        *("atomic_energy", "atomic_virial"),
    )
    pointers = [pointer(array) for array in given]
    pointers[k - 1] = c.c_void_p(4096 * 3)
    called = f"DP_DeepPotCompute{'f' if real is np.float32 else ''}"
    with deepmd.model(file) as model:
        getattr(deepmd.c, called)(model, n, *pointers)
        said = deepmd.error(model)
    # Some are checked by dpse.h, which has other names for them.
    assert "address 0x3000" in said
    assert said.split(":")[0] in (names[k - 1], OURS.get(names[k - 1]))


def test_models_in_memory(deepmd: Deepmd, file: Path) -> None:
    structure = random_structure("cubic")
    content = file.read_bytes()
    want = dpse_fast.load(file, threads=1).compute(*structure[:3]).energy
    for name in (str(file), "/nowhere/of/this/rank.h5"):
        made = deepmd.c.DP_NewDeepPotWithParam2(name.encode(), 0, content, len(content))
        model = c.c_void_p(made)
        assert deepmd.error(model) == ""
        found = deepmd.compute(
            model, structure.positions[None], structure.types, structure.cell
        )
        assert found.energy[0] == pytest.approx(want, rel=1e-12)
        deepmd.c.DP_DeleteDeepPot(model)
    new = deepmd.c.DP_NewDeepPotWithParam2
    for arguments, text in (
        ((b"a/b.pb", 0, b"junk", 4), "a/b.pb (in memory): "),
        ((b"", 0, None, 0), "model path: expected the name of a file"),
        ((None, 0, None, 0), "model: expected the name of a file, got NULL"),
        ((str(file).encode(), 0, content, -3), "size_file_content: expected 0 or"),
    ):
        model = c.c_void_p(new(*arguments))
        assert text in deepmd.error(model)
        deepmd.c.DP_DeleteDeepPot(model)
    model = c.c_void_p(deepmd.c.DP_NewDeepPotWithParam(b"model.pb", 0, b"text"))
    assert "DP_NewDeepPotWithParam2 takes the size" in deepmd.error(model)


def test_both_libraries_in_one_process(
    deepmd: Deepmd, library: Path, file: Path
) -> None:
    other = Binding(library)
    structure = random_structure("cubic")
    potential = other.init(file, "threads=1")
    with deepmd.model(file) as model:
        for _ in range(2):
            found = deepmd.compute(
                model, structure.positions[None], structure.types, structure.cell
            )
            energy = other.compute(potential, *structure)[0]
            assert found.energy[0] == pytest.approx(energy, rel=1e-12)
        assert deepmd.error(model) == ""


def test_files_in_memory(deepmd: Deepmd, tmp_path: Path) -> None:
    content = b"a\0b \n" * 40000
    (tmp_path / "file").write_bytes(content)
    size = c.c_int()
    read = deepmd.c.DP_ReadFileToChar2
    place = read(str(tmp_path / "file").encode(), c.byref(size))
    assert c.string_at(place, size.value) == content
    deepmd.c.DP_DeleteChar(c.c_void_p(place))
    place = read(str(tmp_path / "none").encode(), c.byref(size))
    said = c.string_at(place).decode()
    assert "none: cannot be read: No such file" in said
    assert size.value == -len(said)
    deepmd.c.DP_DeleteChar(c.c_void_p(place))
    assert deepmd.text("ReadFileToChar", str(tmp_path).encode()) == ""


def test_selections(deepmd: Deepmd) -> None:
    types, selected = np.array([2, 0, 1, 2, 5], np.int32), np.array([5, 2], np.int32)
    forward, backward = np.full(5, 9, np.int32), np.full(5, 9, np.int32)
    real, ghosts = c.c_int(), c.c_int()
    deepmd.c.DP_SelectByType(
        *(5, pointer(types), 2, 2, pointer(selected), pointer(forward)),
        *(c.byref(real), pointer(backward), c.byref(ghosts)),
    )
    assert forward.tolist() == [0, -1, -1, 1, 2]
    assert backward.tolist() == [0, 3, 4, 9, 9]
    assert (real.value, ghosts.value) == (3, 2)
    numbers, out = np.arange(10, dtype=np.int32), np.full(6, 9, np.int32)
    deepmd.c.DP_SelectMapInt(pointer(numbers), pointer(forward), 2, 5, 3, pointer(out))
    assert out.tolist() == [0, 1, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("DPSE_PRECISION", "half", "DPSE_PRECISION: expected one of"),
        ("DPSE_TOL", "tiny", "DPSE_TOL: expected a number, got 'tiny'"),
        ("DPSE_TOL", "-1", "DPSE_TOL: "),
        ("DPSE_SEL_OVERFLOW", "stop", "DPSE_SEL_OVERFLOW: expected one of"),
        ("DPSE_DEVICE", "gpu", "DPSE_DEVICE: expected auto"),
        ("DPSE_SKIN", "-1", "DPSE_SKIN: expected a length"),
        ("DPSE_DETERMINISTIC", "maybe", "DPSE_DETERMINISTIC: expected yes or no"),
        ("DPSE_HEAD", "", "DPSE_HEAD: expected a value, got an empty text"),
        ("DPSE_TOLL", "1", "there is no such variable (do you mean DPSE_TOL?)"),
    ],
)
def test_wrong_variables_are_named(
    variable: str,
    value: str,
    text: str,
    deepmd: Deepmd,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(variable, value)
    with deepmd.model(file) as model:
        assert text in deepmd.error(model)
        assert variable in deepmd.error(model)


def test_variables_of_a_committee(
    deepmd: Deepmd,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    kind = "DeepPotModelDevi"
    monkeypatch.setenv("DPSE_PRECISION", "half")
    with deepmd.model(file, file, kind=kind) as model:
        assert deepmd.error(model, kind).startswith("DPSE_PRECISION: expected one of")
    monkeypatch.setenv("DPSE_PRECISION", "double")
    monkeypatch.setenv("DPSE_DEVIATION_TOL", "1e-9")
    with deepmd.model(file, file, kind=kind) as model:
        said = deepmd.error(model, kind)
        assert said.startswith("DPSE_DEVIATION_TOL: expected 0, or at least tol")
    monkeypatch.setenv("DPSE_TOL", "0")
    monkeypatch.setenv("DPSE_DEVIATION_TOL", "0.01")
    with deepmd.model(file, file, kind=kind) as model, deepmd.model(file) as single:
        assert deepmd.error(model, kind) == deepmd.error(single) == ""
        deepmd.c.DP_PrintSummary(b"> ")
    lines = capfd.readouterr().out.splitlines()
    assert "> DPSE_DEVIATION_TOL: 0.01" in lines
    (several,) = (k for k, line in enumerate(lines) if line.startswith("> 2 models:"))
    assert lines[several + 1].startswith(
        "> deviation:          others planned for 0.01 eV/Å; certificate "
    )
    assert lines[several + 1].endswith(" eV/Å of forces")


def test_variables_that_the_program_sets_while_it_runs(
    deepmd: Deepmd, file: Path
) -> None:
    libc = c.CDLL(None)
    assert libc.setenv(b"DPSE_TOLL", b"1", 1) == 0
    try:
        with deepmd.model(file) as model:
            assert deepmd.error(model).startswith("DPSE_TOLL: there is no such")
    finally:
        libc.unsetenv(b"DPSE_TOLL")
    with deepmd.model(file) as model:
        assert deepmd.error(model) == ""


def test_variables_are_options() -> None:
    given: dict[str, Any] = {
        "DPSE_PRECISION": "mixed",
        "DPSE_TOL": "1e-5",
        "DPSE_THREADS": "3",
        "DPSE_SEL_OVERFLOW": "error",
        "DPSE_DEVICE": "cpu",
        "DPSE_GEMM": "tf32",
        "DPSE_DETERMINISTIC": "no",
        "DPSE_HEAD": "water",
        "DPSE_SKIN": "0.5",
        "DPSE_TYPE_MAP": "O,H",
        "DPSE_DEVIATION_TOL": "0.01",
    }
    assert set(given) == set(VARIABLES)
    found = asked(given | {"DPSE_FAST_PLAN_CACHE": "0", "HOME": "/"}, 1)
    assert found.options == {
        "precision": "mixed",
        "tol": 1e-5,
        "threads": 3,
        "sel_overflow": "error",
        "device": "cpu",
        "gemm": "tf32",
        "deterministic": False,
        "head": "water",
        "skin": 0.5,
        "type_map": ["O", "H"],
        "deviation_tol": 0.01,
    }


def test_threads_of_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    own, above = set(range(8)), 8
    monkeypatch.setattr(placement, "_processors", lambda process: own)
    monkeypatch.setattr(placement, "_processors_of_ancestors", lambda: above)
    threads = placement.threads_of_rank
    assert threads({}) == (8, "8 processors")
    assert threads({"MPI_LOCALNRANKS": "4"}) == (2, "8 processors, MPI_LOCALNRANKS=4")
    assert threads({"SLURM_STEP_TASKS_PER_NODE": "16(x3)"})[0] == 1
    assert threads({"OMP_NUM_THREADS": "3", "MPI_LOCALNRANKS": "4"})[0] == 3
    above = 32  # the launcher has bound each rank to 8 of them
    assert threads({"OMPI_COMM_WORLD_LOCAL_SIZE": "4"})[0] == 8


def test_gpus_of_ranks() -> None:
    device = placement.device_of_rank
    three = {"CUDA_VISIBLE_DEVICES": "4,5,6"}
    assert [device("cuda", rank, three) for rank in (-1, 0, 1, 4)] == [
        *("cuda", "cuda:0", "cuda:1", "cuda:1")
    ]
    assert device("cuda:2", 1, three) == "cuda:2"
    assert device("cuda", 1, {"CUDA_VISIBLE_DEVICES": ""}) == "cuda"
    assert device("cpu", 1, three) == "cpu"
