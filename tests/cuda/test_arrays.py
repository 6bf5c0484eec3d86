"""Arrays of the host and of GPUs in, the same kind out."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest
from dpse_fast.kernels.cuda._cuda import SIMULATED
from numpy.typing import NDArray
from random_model import random_model, random_structure

import dpse_fast
from dpse_fast import InputError
from dpse_fast.cuda.arrays import CudaArrays
from dpse_fast.cuda.device import Device
from dpse_fast.inputs.arrays import kind_of
from dpse_fast.inputs.structure import CheckedStructure, check_cell, check_structure
from tests.cuda.foreign import ByDlpack, ByInterface, InNamespace, of

pytestmark = pytest.mark.skipif(
    not SIMULATED, reason="these arrays are in the memory of the host"
)

POSITIONS = np.array([[0.0, 0.1, 0.2], [1.3, 0.0, 0.0], [0.0, 1.5, 0.3]])
TYPES = np.array([0, 1, 1])
CELL = 9.0 * np.eye(3)
TYPE_MAP = ("O", "H")


def check(
    device: Device, positions: Any, species: Any, cell: Any = CELL, pbc: Any = None
) -> CheckedStructure:
    arrays = CudaArrays(device)
    return check_structure(arrays, positions, species, cell, pbc, TYPE_MAP)


KINDS = [
    (POSITIONS, ("numpy", False, None)),
    (POSITIONS.tolist(), ("numpy", False, None)),
    (ByDlpack(POSITIONS, place=1), ("numpy", False, None)),
    (ByDlpack(POSITIONS, place=3), ("numpy", False, None)),
    (ByDlpack(POSITIONS, 2), ("tests", True, 2)),
    (ByDlpack(POSITIONS, place=13), ("tests", True, 0)),
    (ByInterface(POSITIONS), ("tests", True, None)),
    (of("cupy", ByDlpack)(POSITIONS), ("cupy", True, 0)),
    (of("numba_cuda", ByInterface)(POSITIONS), ("numba", True, None)),
    (of("jaxlib", InNamespace)(POSITIONS, 1), ("jax", True, 1)),
    (of("mine", of("torch", ByDlpack))(POSITIONS), ("torch", True, 0)),
]


@pytest.mark.parametrize(("value", "kind"), KINDS)
def test_kinds(value: Any, kind: tuple[str, bool, int | None]) -> None:
    assert tuple(kind_of(value, "positions")) == kind


def test_arrays_are_not_copied_and_the_stream_is_handed_over(device: Device) -> None:
    by_dlpack, by_interface = ByDlpack(POSITIONS), ByInterface(POSITIONS)
    for value in (by_dlpack, by_interface):
        found = device.cast(CudaArrays(device).adopt(value, "positions"), np.float64)
        assert np.shares_memory(found.values, POSITIONS)
    assert by_dlpack.streams == [1]


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.float64])
def test_positions_are_cast_on_the_device(device: Device, dtype: Any) -> None:
    values = np.array([[0, 1, 2], [4, 5, 6], [7, 8, 9], [3, 3, 3]], dtype)[::2]
    found = check(device, ByDlpack(values), [0, 1])
    np.testing.assert_array_equal(device.download(found.system.positions), values)
    assert found.system.positions.dtype == np.float64
    assert found.n_atoms == 2
    assert found.real is None


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
def test_types_of_any_width(device: Device, dtype: Any) -> None:
    found = check(device, POSITIONS, ByDlpack(TYPES.astype(dtype)))
    assert found.system.types.dtype == np.int32
    np.testing.assert_array_equal(device.download(found.system.types), TYPES)


def test_everything_may_be_on_either_side(device: Device) -> None:
    pbc = np.array([True, True, False])
    for wrap in (ByDlpack, ByInterface, np.asarray):
        found = check(device, ByDlpack(POSITIONS), wrap(TYPES), wrap(CELL), wrap(pbc))
        np.testing.assert_array_equal(
            found.system.cell, check_cell(CELL, found.system.pbc)
        )
        assert found.system.pbc == (True, True, False)
    symbols = check(device, ByDlpack(POSITIONS), ["O", "H", "H"], None)
    np.testing.assert_array_equal(device.download(symbols.system.types), TYPES)
    assert symbols.system.pbc == (False, False, False)


@pytest.mark.parametrize("wrap", [ByDlpack, np.asarray])
def test_virtual_atoms_are_left_out(device: Device, wrap: Any) -> None:
    found = check(device, ByDlpack(POSITIONS), wrap(np.array([1, -1, 0])))
    assert found.n_atoms == 3
    np.testing.assert_array_equal(found.real, [0, 2])
    np.testing.assert_array_equal(device.download(found.system.types), [1, 0])
    np.testing.assert_array_equal(
        device.download(found.system.positions), POSITIONS[[0, 2]]
    )
    nothing = check(device, ByDlpack(POSITIONS), wrap(np.array([-1, -1, -1])))
    assert nothing.system.positions.shape == (0, 3)
    assert nothing.system.types.size == 0


def changed(row: int, value: float) -> NDArray[np.float64]:
    values = np.tile(POSITIONS, (15, 1))  # more than a warp of atoms
    values[row:, 1] = value
    return values


BAD: list[tuple[Any, Any, str]] = [
    (POSITIONS[0], TYPES, r"positions: expected shape \(N, 3\) .*got \(3,\)"),
    (POSITIONS[:0], TYPES[:0], "positions: expected at least one atom, got none"),
    (POSITIONS.astype(complex), TYPES, "positions: .*of numbers, got dtype complex128"),
    (changed(40, np.nan), [0] * 45, r"positions: .*nan.* for atom 40 \(5 such"),
    (changed(3, np.inf), [0] * 45, r"positions: .*inf.* for atom 3 \(42 such"),
    (changed(44, -1e7), [0] * 45, r"positions: .*below 1e\+07 Å.*atom 44 \(1 such"),
    (POSITIONS, TYPES[:2], r"types: expected 3 types.*got shape \(2,\)"),
    (POSITIONS, TYPES * 1.0, "types: expected indices .*0 O, 1 H.*got dtype float64"),
    (
        POSITIONS,
        [0, 2, 3],
        "types: atom 1 has type 2; .*0 O, 1 H; -1 is a virtual atom",
    ),
    (POSITIONS, [0, 1, -2], "types: atom 2 has type -2"),
    (POSITIONS, [0, 2**32, 0], "types: atom 1 has type 4294967296"),
    (POSITIONS, np.array([0, 0, 2**64 - 1], np.uint64), "types: atom 2 has type"),
]


@pytest.mark.parametrize(("positions", "species", "message"), BAD)
def test_mistakes_are_found_on_the_device(
    device: Device, positions: Any, species: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check(device, ByDlpack(positions), ByDlpack(species))


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        (
            of("torch", ByDlpack)(POSITIONS, 1),
            "positions: expected an array on GPU 0.*of torch on GPU 1.*'cuda:1'",
        ),
        (
            of("torch", ByDlpack)(POSITIONS, place=8),
            "positions: .*got one of torch on a device of Metal",
        ),
        (ByDlpack(POSITIONS, place=99), "on a device of DLPack's type 99"),
    ],
)
def test_other_devices(device: Device, positions: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(device, positions, TYPES)


class NeedsGradients(ByDlpack):
    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("Can't export tensors that require gradient, use detach()")


def test_arrays_that_cannot_be_read(device: Device) -> None:
    with pytest.raises(InputError, match=r"positions: .*cannot be read: .*detach"):
        check(device, NeedsGradients(POSITIONS), TYPES)


class TestResults:
    """Of a potential on the device."""

    structure = random_structure("wire", 2, 3, 4)

    def compute(self, positions: Any, atomic: bool = True, **more: Any) -> Any:
        model = random_model(embedding=(4, 8), fitting=(6, 6), rcut=3.1, rcut_smth=1.2)
        pot = dpse_fast.load(model, device="cuda", tol=0.0, sel_overflow="truncate")
        s = self.structure
        arguments = {"types": s.types, "cell": s.cell, **more}
        return pot.compute(positions, pbc=s.pbc, atomic=atomic, **arguments)

    def compare(self, found: Any, unwrap: Any, atomic: bool = True) -> None:
        exact = self.compute(self.structure.positions)
        assert found.energy == exact.energy
        np.testing.assert_array_equal(unwrap(found.forces), exact.forces)
        if atomic:
            energies, virials = found.atomic_energies, found.atomic_virials
            np.testing.assert_array_equal(unwrap(energies), exact.atomic_energies)
            np.testing.assert_array_equal(unwrap(virials), exact.atomic_virials)

    def test_cupy(self) -> None:
        s = self.structure
        given = of("cupy", ByDlpack)
        found = self.compute(
            given(s.positions), types=given(s.types), cell=given(s.cell)
        )
        assert isinstance(found.forces, np.ndarray)  # as the simulator's own library
        self.compare(found, np.asarray)

    def test_torch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        came = []

        def from_dlpack(array: Any) -> Any:
            came.append(array.shape)
            return ByDlpack(np.from_dlpack(array))

        library = types.ModuleType("torch")
        monkeypatch.setattr(library, "from_dlpack", from_dlpack, raising=False)
        monkeypatch.setitem(sys.modules, "torch", library)
        found = self.compute(of("torch", ByDlpack)(self.structure.positions), False)
        assert came == [(4, 3)]
        self.compare(found, lambda array: array.values, atomic=False)

    def test_array_api(self) -> None:
        found = self.compute(InNamespace(self.structure.positions))
        assert isinstance(found.forces, InNamespace)
        self.compare(found, lambda array: array.values)

    def test_numba(self) -> None:
        found = self.compute(of("numba", ByInterface)(self.structure.positions))
        assert found.forces.shape == (4, 3)
        self.compare(found, lambda array: array.values)

    def test_virtual_atoms(self) -> None:
        s = self.structure
        positions = np.insert(s.positions, 2, 7.7, axis=0)
        species = np.insert(np.asarray(s.types), 2, -1)
        found = self.compute(ByDlpack(positions), types=ByDlpack(species))
        assert not found.forces[2].any()
        self.compare(found, lambda array: np.delete(np.asarray(array), 2, axis=0))

    def test_results_do_not_share_memory(self) -> None:
        positions = of("cupy", ByDlpack)(self.structure.positions)
        first = self.compute(positions)
        kept = first.forces.copy()
        second = self.compute(of("cupy", ByDlpack)(self.structure.positions + 0.1))
        np.testing.assert_array_equal(first.forces, kept)
        assert not np.shares_memory(first.forces, second.forces)


class TestOnTheProcessors:
    """Arrays of a GPU are refused, those of the host are read."""

    def compute(self, **change: Any) -> Any:
        arguments = {"positions": POSITIONS, "types": TYPES, "cell": CELL, **change}
        return dpse_fast.load(random_model(), device="cpu").compute(**arguments)

    @pytest.mark.parametrize(
        ("name", "value"), [("positions", POSITIONS), ("types", TYPES), ("cell", CELL)]
    )
    @pytest.mark.parametrize("wrap", [of("torch", ByDlpack), ByInterface])
    def test_device_arrays(self, name: str, value: Any, wrap: Any) -> None:
        with pytest.raises(
            InputError, match=rf"{name}: .*(on GPU 0|on a GPU);.*device='cuda'"
        ):
            self.compute(**{name: wrap(value)})

    def test_unreadable_arrays(self) -> None:
        unreadable = ByDlpack(POSITIONS, place=1)
        with pytest.raises(
            InputError, match=r"positions: .*NumPy cannot read: implici"
        ):
            self.compute(positions=unreadable)

    def test_tensors_of_torch(self) -> None:
        torch = pytest.importorskip("torch", reason="PyTorch is not installed")
        exact = self.compute()
        found = self.compute(
            positions=torch.tensor(POSITIONS), types=torch.tensor(TYPES)
        )
        assert isinstance(found.forces, np.ndarray)
        np.testing.assert_array_equal(found.forces, exact.forces)
        with pytest.raises(InputError, match=r"positions: .*requires? grad"):
            self.compute(positions=torch.tensor(POSITIONS, requires_grad=True))


def test_descriptors_are_computed_on_the_processors() -> None:
    model, s = random_model(), random_structure("cubic")
    pot = dpse_fast.load(model, device="cuda", tol=0.0, threads=2)
    expected = dpse_fast.load(model, device="cpu", tol=0.0).descriptors(*s[:3])
    np.testing.assert_array_equal(pot.descriptors(*s[:3]), expected)
    with pytest.raises(InputError, match="computed on the processors, got"):
        pot.descriptors(ByDlpack(s.positions), s.types, s.cell)
