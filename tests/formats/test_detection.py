"""Files are recognised by what they hold, and what is not read is named."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from formats.damage import quickly
from formats.native_dict import native_dict, save, version3_model
from formats.refusal import assert_refused
from formats.scripted import current_tree
from formats.scripted import save as save_scripted
from hypothesis import given
from hypothesis import strategies as st

from dpse_fast.errors import InputError, ModelFileError
from dpse_fast.formats import exchange, read_model
from dpse_fast.formats.exchange import write
from dpse_fast.model import Model

GOLDEN = Path(__file__).parents[1] / "golden"
SUFFIXES = [".pb", ".pth", ".dp", ".yaml", ".json", ".h5", ".txt", ""]


def models(folder: Path) -> dict[str, Path]:
    """One file of every kind that is read."""
    model = version3_model(one_sided=True)
    tree = native_dict(model)
    write(model, folder / "exchange")
    return {
        "exchange": folder / "exchange",
        "native": save(tree, folder / "a.dp"),
        "yaml": save(tree, folder / "a.yaml"),
        "json": save(tree, folder / "a.json"),
        "scripted": save_scripted(current_tree(model), folder / "a.pth"),
        "graph": GOLDEN / "plain.pb",
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_name_does_not_matter(suffix: str, tmp_path: Path) -> None:
    for kind, file in models(tmp_path).items():
        renamed = tmp_path / f"{kind} renamed{suffix}"
        renamed.write_bytes(file.read_bytes())
        expected = read_model(file)
        for path in (renamed, str(renamed)):
            found = read_model(path)
            assert found.digest() == expected.digest()
            assert found.provenance == expected.provenance


def test_each_kind_says_what_it_was(tmp_path: Path) -> None:
    formats = {k: read_model(f).provenance for k, f in models(tmp_path).items()}
    assert "TorchScript" in formats["scripted"]["format"]
    assert "native HDF5" in formats["native"]["format"]
    assert "native text" in formats["yaml"]["format"]
    assert "TensorFlow" in formats["graph"]["format"]


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    for kind in ("yaml", "json"):
        file = models(tmp_path)[kind]
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
        assert isinstance(read_model(file), Model)


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"\x80\x02}.")
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.pb"))
    return buffer.getvalue()


def numpy_file(save_array: Callable[..., Any]) -> bytes:
    buffer = io.BytesIO()
    save_array(buffer, np.zeros(3))
    return buffer.getvalue()


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
LEGACY = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
JAX = (
    b"\x80\x04\x95\x50\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x05model\x94"
    b"\x8c\x12deepmd_jax.dpmodel\x94\x8c\x07DPModel\x94\x93\x94)\x81\x94}\x94"
)
JAX_2 = b"\x80\x02}q\x00U\x05modelcdeepmd_jax.dpmodel\nDPModel\n)\x81}u."
META_GRAPH = b"\n\x09\x12\x07\n\x05\n\x03Add\x12\x00"
INDEX = b"\x00\x00\x06\x08\x01\x1a\x02\x08\x01" + bytes(99)
INDEX += b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
NOTE = b'model_checkpoint_path: "model.ckpt"\n'
ONNX = b"\x08\x08\x12\x07pytorch\x1a\x032.1:\x00"


def named(name: str, **members: Any) -> bytes:
    """The archive of a pickle that makes an object of this class."""
    module, _, kind = name.rpartition(".")
    code = f"c{module}\n{kind}\n".encode() + b")\x81}b."
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", b"\x80\x02" + code)
        for key, value in members.items():
            archive.writestr(f"a/{key}/x.py", value)
    return buffer.getvalue()


NVNMD = (1).to_bytes(4, "little") + (128).to_bytes(4, "little") + bytes(1024)
REFUSED = {
    "empty": (b"", "the file is empty"),
    "git-LFS": (LFS, "git lfs pull"),
    "text graph": (b'# a\nnode {\n  name: "o_rmat"\n}\n', "no operation"),
    "pickle": (pickle.dumps({"model": [1.0]}), "a Python pickle is not read"),
    "old pickle": (pickle.dumps({"model": 1.0}, 2), "a Python pickle is not read"),
    "cut pickle": (pickle.dumps({"model": "x" * 99})[:50], "a Python pickle is not"),
    "deepmd-jax": (JAX, "a model of deepmd-jax is not read: its descriptor is another"),
    "deepmd-jax 2": (JAX_2, "evaluate it with deepmd-jax itself"),
    "a word of it": (pickle.dumps("deepmd-jax model"), "a Python pickle is not read"),
    "legacy": (LEGACY, "checkpoint of before 1.6 is not read; freeze"),
    "checkpoint": (zipped("a/data.pkl", "a/data/0"), "no training of deepmd-kit"),
    "pt2": (zipped("m/extra/model.json"), "extra/model.json: the text is not UTF-8"),
    "npz": (numpy_file(np.savez), "a NumPy archive (.npz) holds no model"),
    "npy": (numpy_file(np.save), "a NumPy array (.npy), not a model"),
    "zip": (zipped("model.pb"), "a zip archive without a model"),
    "empty zip": (zipped(), "a zip archive without a model"),
    "zip start": (b"PK\x03\x04" + bytes(100), "a damaged zip archive"),
    "NequIP package": (
        zipped("m/.data/extern_modules", "m/nequip/nn/_atomwise.py"),
        "a package of NequIP is not read",
    ),
    "two roots": (zipped("a/data.pkl", "b/data.pkl"), "a zip archive without a mod"),
    "no tree": (zipped("a/data.pkl", "a/code/x.py"), "no object of deepmd-kit"),
    "gzip": (gzip.compress(b"model"), "packed with gzip; unpack it with gunzip"),
    "tar": (tarred(), "a tar archive; unpack it"),
    "NVNMD": (NVNMD, "an NVNMD model"),
    "structure": (b"2\nwater\nO 0 0 0\nH 0 0 1\n", "a text file without a model"),
    "YAML": (b"units: metal\nsteps: 3\n", "a text file without a model"),
    "JSON": (b'{"units": "metal"}', "model: is missing from the file"),
    "JSON list": (b"[1, 2]", "a text file without a model"),
    "training input": (
        b'{"model": {"type_map": ["O"], "descriptor": {"type": "se_e2_a"}}}',
        "not input.json",
    ),
    "latin text": (b"model: \xe9t\xe9 " + b"x" * 5000, "not a model file of a known"),
    "late latin": (b"model: " + b"x" * 5000 + b"\xe9 ", "the text is not UTF-8"),
    "bytes": (bytes(range(128, 256)) * 9, "not a model file of a known kind (it sta"),
    "zeros": (bytes(4096), "not a model file of a known kind"),
    "HDF5 start": (b"\x89HDF\r\n\x1a\n" + bytes(500), "HDF5 file"),
    "saved model": (b"\x08\x01\x12\x05\n\x03\x12\x01\n", "a SavedModel (a folder"),
    "meta graph": (META_GRAPH, "(.meta) of a TensorFlow checkpoint, not a frozen"),
    "index": (INDEX, "(.index) of a TensorFlow checkpoint, not a frozen model"),
    "checkpoint note": (NOTE, "dp freeze -c FOLDER -o model.pb"),
    "ONNX": (ONNX, "an ONNX model is not read"),
    "Paddle": (
        b'{"base_code":{"magic":"pir","trainable":true},"program":{"regions":[]}}',
        "a program of PaddlePaddle",
    ),
    "NEP": (b"nep4 2 C H\ncutoff 6 5\n", "a NEP model (nep.txt of GPUMD) is not"),
    "NEP with ZBL": (b"nep3_zbl 1 Si\r\nzbl 1 2\n", "a NEP model (nep.txt of GPUMD)"),
    "MACE": (named("mace.modules.models.ScaleShiftMACE"), "a model of MACE ('mace.mod"),
    "CHGNet": (named("chgnet.model.model.CHGNet"), "a model of CHGNet ('chgnet"),
    "module": (named("torch.nn.modules.linear.Linear"), "whole PyTorch modules"),
    "NequIP": (named("__torch__.nequip.nn.Model", code=b""), "scripted model of NequI"),
    "MACE in LAMMPS": (
        named("__torch__.mace.calculators.lammps_mace.LAMMPS_MACE", code=b""),
        "a scripted model of MACE ('LAMMPS_MACE') is not read",
    ),
    "scripted": (named("__torch__.mine.Net", code=b""), "model of another program"),
    "scripted dipole": (
        named("__torch__.deepmd.pt.DipoleModel", code=b""),
        "gives dipoles, no energies and forces; evaluate it with deepmd-kit",
    ),
    "scripted spin": (
        named("__torch__.deepmd.pt.SpinEnergyModel", code=b""),
        "pair_style deepspin",
    ),
    "graph start": (b"\n\x10\n\x06o_rmat", "not a model file of a known kind"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_read_is_named(name: str, tmp_path: Path) -> None:
    data, words = REFUSED[name]
    file = tmp_path / "model.pb"
    file.write_bytes(data)
    assert_refused(file, words)


def test_parts_of_a_tensorflow_training(tmp_path: Path) -> None:
    training, saved = tmp_path / "training", tmp_path / "saved"
    (saved / "variables").mkdir(parents=True)
    training.mkdir()
    (saved / "saved_model.pb").write_bytes(b"x")
    (training / "checkpoint").write_bytes(NOTE)
    frozen, converted = "dp freeze -c FOLDER", "dp convert-backend model.jax model.dp"
    for folder, place, remedy in (
        (training, training, frozen),
        (saved, saved / "variables", converted),
    ):
        stem = "model.ckpt" if folder is training else "variables"
        numbers, table = (
            place / f"{stem}.{s}" for s in ("data-00000-of-00001", "index")
        )
        numbers.write_bytes(np.random.default_rng(1).bytes(400))
        table.write_bytes(INDEX)
        for path in (folder, place, numbers, table):
            assert_refused(path, remedy)


def test_an_hdf5_file_of_another_kind(tmp_path: Path) -> None:
    file = tmp_path / "model.dp"
    with h5py.File(file, "w") as opened:
        opened["x"] = 1.0
    assert_refused(file, "an HDF5 file without a model")


def test_absent_files(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / "saved_model.pb").write_bytes(b"x")
    jax = tmp_path / "model.jax"
    jax.mkdir()
    for path, words in (
        (tmp_path / "missing.pb", "no such file"),
        (Path("nul\0name"), "no such file"),
        (tmp_path / ("x" * 300), "no such file|cannot be read"),
        (tmp_path, "a folder, not a model file"),
        (saved, "a SavedModel"),
        (jax, "dp convert-backend model.jax model.dp"),
    ):
        with pytest.raises(ModelFileError, match=words):
            read_model(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert_refused(pipe, "not a regular file")
    with pytest.raises(ModelFileError, match="not a regular file"):
        exchange.read(pipe)


def test_arguments_that_are_no_path() -> None:
    for wrong in (None, 3, b"model.pb", ["model.pb"]):
        with pytest.raises(InputError, match="model path: expected str"):
            read_model(wrong)  # type: ignore[arg-type]


def test_any_bytes_give_one_error(tmp_path: Path) -> None:
    file = tmp_path / "model"
    starts = st.sampled_from(
        [b"", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"\x80\x02", b"{", b"model:", b"\n"]
    )

    @quickly
    @given(starts, st.binary(max_size=300))
    def check(start: bytes, rest: bytes) -> None:
        file.write_bytes(start + rest)
        with pytest.raises(ModelFileError) as caught:
            read_model(file)
        assert str(caught.value).startswith(f"{file}: ")
        assert "\n" not in str(caught.value)

    check()


def test_names_of_a_file_break_no_line(tmp_path: Path) -> None:
    data = (GOLDEN / "plain.pb").read_bytes()
    broken = b"descrpt\nattr/t\x00avg"
    file = tmp_path / "model.pb"
    renamed = data.replace(b"descrpt_attr/t_avg", broken)
    file.write_bytes(renamed.replace(broken, b"descrpt_attr/t_avg", 1))
    with pytest.raises(ModelFileError) as caught:
        read_model(file)
    assert str(caught.value).isprintable()


def test_long_messages_are_cut(tmp_path: Path) -> None:
    names = ["x" * 70000]
    file = tmp_path / "model.json"
    file.write_text(json.dumps({"model": {"type": names[0], "type_map": names}}))
    with pytest.raises(ModelFileError) as caught:
        read_model(file)
    assert len(str(caught.value)) < len(str(file)) + 500


def test_an_empty_path() -> None:
    with pytest.raises(InputError, match=r"model path: .* an empty text"):
        read_model("")
