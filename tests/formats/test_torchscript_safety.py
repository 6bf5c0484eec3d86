"""TorchScript archives: nothing of them runs, and damage gives one clear error."""

from __future__ import annotations

import os
import pickle
import re
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
from formats.damage import CHANGES, quickly, read_damaged, read_many_damaged
from formats.native_dict import version3_model
from formats.refusal import assert_refused
from formats.scripted import Pickler, Raw, current_tree, early_tree, save
from hypothesis import given
from hypothesis import strategies as st
from traced_memory import traced_peak

from dpse_fast.errors import ModelFileError
from dpse_fast.formats import read_model
from dpse_fast.formats.torchscript.unpickler import unpickle

GOLDEN = Path(__file__).parents[1] / "golden"


class Malicious:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return (Path.touch, (self.marker,))


class Evaluated:
    def __reduce__(self) -> Any:
        return (eval, ("__import__('os').abort()",))


class Imported:
    """Not called by itself: what it names is built with a state."""

    def __reduce__(self) -> Any:
        return (os.system, ("false",), {"a": 1})


class Subclass(dict[str, Any]):
    """Named as a class of this module, made anew and filled."""


def archived(data: bytes, file: Path, scripted: bool) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/data.pkl", data)
        archive.writestr("m/data/0", bytes(8))
        if scripted:
            archive.writestr("m/code/x.py", "")
    return file


@pytest.mark.parametrize("scripted", [True, False], ids=["pth", "pt"])
@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("kind", ["call", "eval", "system", "subclass", "nested"])
def test_a_malicious_pickle_executes_nothing(
    kind: str, protocol: int, scripted: bool, tmp_path: Path
) -> None:
    marker = tmp_path / "executed"
    value: Any = {
        "call": Malicious(marker),
        "eval": Evaluated(),
        "system": Imported(),
        "subclass": Subclass(a=1),
        "nested": {"model": {"_extra_state": [Malicious(marker)]}},
    }[kind]
    file = archived(pickle.dumps(value, protocol), tmp_path / "model", scripted)
    with pytest.raises(ModelFileError, match=r"could run code|is unknown") as caught:
        read_model(file)
    assert "\n" not in str(caught.value)
    assert not marker.exists()


def test_a_malicious_persistent_id_executes_nothing(tmp_path: Path) -> None:
    for code in (
        b"(X\x07\x00\x00\x00storagecos\nsystem\nX\x02\x00\x00\x00lsNK\x01tQ.",
        b"((((NtQtQtQtQ.",
        b"(X\x06\x00\x00\x00modulecos\nsystem\ntQ.",
        b"Pos.system\n.",
        b"cos\nsystem\nX\x02\x00\x00\x00ls\x85Q.",
        b"(X\x02\x00\x00\x00lsios\nsystem\n.",
        b"cos\nsystem\n(X\x02\x00\x00\x00lso.",
        b"\x82\x01.",
        b"X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93X\x02\x00\x00\x00ls\x85R.",
        b"c__torch__\nx\n)\x81X\x08\x00\x00\x00__dict__Nb.",
    ):
        for scripted in (True, False):
            file = archived(b"\x80\x02" + code, tmp_path / "model", scripted)
            assert_refused(file, "")


def peak_growth(data: bytes) -> int:
    """Bytes that Python holds at most while it reads a pickle, beyond the pickle."""
    with traced_peak() as peak, pytest.raises(ModelFileError):
        unpickle(data, 2**12)
    return peak()


@pytest.mark.parametrize(
    "data",
    [
        b"]" * 2**20,
        b"(" * 2**20,
        b"}" * 2**20,
        b"(" * 2**20 + b"t" * 2**20,
        b"]q\x00" + b"(" + b"h\x00" * 2**18 + b"e",
        b"N" + b"\x85" * 2**20,
        b"]q\x00" + b"h\x00h\x00\x86q\x00" * 2**18,
        b"]" + b"]a" * 2**19,
        b"K\x01" * 2**19,
        b"J\xff\xff\xff\x7f" * 2**18,
    ],
    ids=["lists", "marks", "dicts", "tuples", "extend", "nested", "memo", "deep",
         "small", "numbers"],
)  # fmt: skip
def test_pickles_that_build_much_are_stopped(data: bytes) -> None:
    assert peak_growth(b"\x80\x02" + data) < 2**20


def test_deep_nesting_is_harmless(tmp_path: Path) -> None:
    deep = b"\x80\x02" + b"N" + b"\x85" * 2**17 + b"."
    unpickle(deep)
    lists = b"\x80\x02}X\x05\x00\x00\x00model" + b"]" * 2**16 + b"a" * 65535 + b"s."
    for data in (deep, lists):
        for scripted in (True, False):
            assert_refused(archived(data, tmp_path / "model", scripted), "holds no")


@pytest.mark.parametrize(
    "key", [b"G" + struct.pack(">d", 1.0), b"\x8a\x08" + b"\x7f" * 8, b"N", b")"]
)
def test_keys_that_could_collide_are_refused(key: bytes) -> None:
    with pytest.raises(ModelFileError, match="no text and no small number"):
        unpickle(b"\x80\x02}" + key + b"Ns.")


def long_number(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "little")
    return b"\x8a" + bytes([len(data)]) + data


@pytest.mark.parametrize("size", [(2**40, 2**40), (2**2000,), (1,) * 10**4])
def test_tensors_of_absurd_size_cost_nothing(
    size: tuple[int, ...], tmp_path: Path
) -> None:
    tree = current_tree(version3_model())
    code = b"(" + b"".join(map(long_number, size)) + b"t"
    storage = (
        b"(X\x07\x00\x00\x00storagectorch\nDoubleStorage\nX\x01\x00\x00\x000"
        b"X\x03\x00\x00\x00cpuK\x01tQ"
    )
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00" + code + code
    tree.members["atomic_model"].members["out_bias"] = Raw(tensor + b"tR")
    with pytest.raises(ModelFileError) as caught:
        read_model(save(tree, tmp_path / "model.pth"))
    assert len(str(caught.value)) < len(str(tmp_path)) + 500


def numpy_number(value: bytes, name: bytes = b"f8", order: bytes = b"<") -> bytes:
    dtype = b"cnumpy\ndtype\nX\x02\x00\x00\x00" + name + b"\x89\x88\x87R"
    state = b"(K\x03X\x01\x00\x00\x00" + order + b"NNNtb"
    text = value.decode("latin1").encode()
    encoded = b"X" + struct.pack("<I", len(text)) + text + b"X\x06\x00\x00\x00latin1"
    data = b"c_codecs\nencode\n" + encoded + b"\x86R"
    return b"cnumpy.core.multiarray\nscalar\n" + dtype + state + data + b"\x86R"


def test_numbers_of_numpy_are_read() -> None:
    for order in ("<", ">"):
        data = numpy_number(struct.pack(f"{order}d", -0.375), b"f8", order.encode())
        assert unpickle(b"\x80\x02" + data + b".") == -0.375
    for odd in (numpy_number(b"1234"), numpy_number(b"12345678", b"O8")):
        with pytest.raises(ModelFileError, match="is called with odd arguments"):
            unpickle(b"\x80\x02" + odd + b".")


def test_an_endless_list_of_members_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    with zipfile.ZipFile(file, "w") as archive:
        for k in range(3):
            archive.writestr("x" * 2**15 + str(k), b"")
    data = bytearray(bytes(5 * 2**20) + file.read_bytes())
    end = data.rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<I", 5 * 2**20)
    file.write_bytes(b"PK\x03\x04" + data)
    assert_refused(file, "whose list of members has more than")


@pytest.mark.parametrize(
    "name",
    ["os.system", "builtins.eval", "torch.load", "torch.FooStorage", "__torch__x.y"],
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
    assert_refused(file, "data.pkl' is compressed")


@pytest.mark.parametrize("source", ["plain.pth", "early"])
def test_damaged_archives(source: str, tmp_path: Path) -> None:
    file = tmp_path / "model.pth"
    if source == "early":
        save(early_tree(version3_model(one_sided=True)), file)
    else:
        file.write_bytes((GOLDEN / source).read_bytes())
    read_many_damaged(file)


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
