"""TorchScript archives: nothing of them runs, and damage gives one clear error."""

from __future__ import annotations

import pickle
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from formats.damage import CHANGES, LENGTHS, quickly, read_damaged
from formats.native_dict import version3_model
from formats.scripted import Pickler, Raw, current_tree, early_tree, save
from hypothesis import given
from hypothesis import strategies as st

from dpse_fast.errors import ModelFileError
from dpse_fast.formats import read_model
from dpse_fast.formats.torchscript.unpickler import unpickle

GOLDEN = Path(__file__).parents[1] / "golden"


class Malicious:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (Path.touch, (self.marker,))


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_malicious_pickle_executes_nothing(protocol: int, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    file = tmp_path / "model.pth"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/data.pkl", pickle.dumps(Malicious(marker), protocol))
        archive.writestr("m/code/x.py", "")
    with pytest.raises(ModelFileError, match=r"could run code|is unknown"):
        read_model(file)
    assert not marker.exists()


@pytest.mark.parametrize(
    "name",
    ["os.system", "builtins.eval", "torch.load", "torch.HalfStorage", "__torch__x.y"],
)
def test_other_names_are_refused(name: str, tmp_path: Path) -> None:
    module, _, attribute = name.rpartition(".")
    tree = current_tree(version3_model())
    call = f"c{module}\n{attribute}\n".encode() + b"X\x02\x00\x00\x00ls\x85R"
    tree.members["model_def_script"] = Raw(call)
    with pytest.raises(ModelFileError, match=re.escape(f"asks for '{name}'")):
        read_model(save(tree, tmp_path / "model.pth"))


@pytest.mark.parametrize(
    "code",
    [
        b"", b".", b"0.", b"(.", b"R.", b"b.", b"Q.", b"e.", b"u.", b"s.", b"t.",
        b"h\x05.", b"j\xff\xff\xff\xff.", b"N)\x81.", b"}Nb.", b"N(e.", b"}(Nu.",
        b"}]Ns.", b"X\xff\xff\xff\xff", b"X\x01\x00\x00\x00\xff.", b"cos",
        b"c__torch__\nx\nNR.", b"ctorch\nDoubleStorage\n)R.", b"(t" * 9,
        b"co\xff\nx\n", b"\x8a\xff\x01",
        b"ctorch._utils\n_rebuild_tensor_v2\n)R.", b"c__torch__\nx\nN\x85\x81.",
        b"ctorch.jit._pickle\nbuild_intlist\n)R.", b"G\x00", b"NQ.", b"(NNtQ.",
    ],
)  # fmt: skip
def test_broken_pickles(code: bytes) -> None:
    with pytest.raises(ModelFileError, match="pickle is damaged"):
        unpickle(b"\x80\x02" + code)


def test_large_memo_numbers_cost_nothing() -> None:
    assert unpickle(b"\x80\x02]r\xff\xff\xff\xffj\xff\xff\xff\xff\x86.") == ([], [])
    big = unpickle(b"\x80\x02\x8a\x08" + struct.pack("<q", -(2**40)) + b".")
    assert big == -(2**40)


def test_compressed_members_are_refused(tmp_path: Path) -> None:
    tree = current_tree(version3_model())
    tree.members["model_def_script"] = "0" * 10**6
    file = save(tree, tmp_path / "model.pth", compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelFileError, match=r"data\.pkl' is compressed"):
        read_model(file)


@pytest.mark.parametrize("source", ["plain.pth", "early"])
def test_damaged_archives(source: str, tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    if source == "early":
        save(early_tree(version3_model(one_sided=True)), file)
    else:
        file.write_bytes((GOLDEN / source).read_bytes())

    @quickly
    @given(LENGTHS, CHANGES)
    def check(length: float, changes: list[tuple[float, int]]) -> None:
        read_damaged(file, length, changes)

    check()


def test_damaged_pickles_with_correct_checksums(tmp_path: Path) -> None:
    pickler = Pickler()
    data = pickler.dump(current_tree(version3_model()))
    file = tmp_path / "model.pth"

    @quickly
    @given(st.floats(0, 1), CHANGES)
    def check(length: float, changes: list[tuple[float, int]]) -> None:
        damaged = bytearray(
            data if length > 0.2 else data[: int(5 * length * len(data))]
        )
        for place, byte in changes if damaged else []:
            damaged[int(place * len(damaged))] = byte
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("m/data.pkl", bytes(damaged))
            archive.writestr("m/code/x.py", "")
            for key, storage in enumerate(pickler.storages):
                archive.writestr(f"m/data/{key}", storage)
        read_damaged(file, 1.0, [])

    check()
