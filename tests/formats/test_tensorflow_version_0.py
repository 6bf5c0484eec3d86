"""Graphs of deepmd-kit before 1.0: other names, the same se_e2_a."""

from __future__ import annotations

import re

import pytest
from formats.deep_graphs import refusal
from formats.graph_text import graph_text
from golden_frames import GOLDEN

from dpse_fast.formats.tensorflow import read
from dpse_fast.model import Model, unnamed_types

ORIGINAL = (GOLDEN / "version_0.pb").read_bytes()
CONVERTED = (GOLDEN / "version_0_converted.pb").read_bytes()
TEXT = graph_text(ORIGINAL)


def load(data: bytes) -> Model:
    return read(data, "model")


def test_what_the_converter_makes_of_it_is_the_same_model() -> None:
    original, converted = load(ORIGINAL), load(CONVERTED)
    assert original.digest() == converted.digest()
    assert original.type_map == unnamed_types(2)
    for model in (original, converted):
        assert model.provenance["trainer"] == "deepmd-kit before 1.0"
        assert "cosine" in model.provenance["note"]


@pytest.mark.parametrize("data", [TEXT, graph_text(CONVERTED)], ids=["0.12", "2.1"])
def test_text(data: bytes) -> None:
    assert load(data).digest() == load(ORIGINAL).digest()


def test_both_sides_have_their_own_nets() -> None:
    (d,) = load(ORIGINAL).descriptors
    assert not d.one_sided
    assert len({id(net) for row in d.embedding for net in row}) == 4


def test_a_net_that_is_missing_is_named() -> None:
    cut = TEXT.replace(b"DS_layer_type_1/matrix_1_0", b"DS_layer_type_1/other_1_0")
    assert "DS_layer_type_1/matrix_1_0 is missing" in refusal(cut)


def test_other_names_of_nets_are_not_taken_for_exclusions() -> None:
    message = refusal(TEXT.replace(b"DS_layer_type_", b"layers_of_type_"))
    assert "no embedding nets under the names" in message


def test_the_cosine_of_version_0_8_is_refused() -> None:
    for name, text in ((b"t_ntypes", TEXT), (b"descrpt_attr/ntypes", CONVERTED)):
        data = text if text is TEXT else graph_text(CONVERTED)
        assert "0.8 is not supported" in refusal(data.replace(name, b"other"))


def test_a_descriptor_of_pairs_of_neighbour_types_is_refused() -> None:
    axis = re.compile(rb'node {\n  name: "DS_layer_type_0/Slice_\d"\n  op: "Slice"\n')
    nodes = [TEXT[m.start() :].partition(b"\n}\n")[0] for m in axis.finditer(TEXT)]
    (node,) = [node for node in nodes if b'"DS_layer_type_0/mul' in node]
    second = axis.sub(b'node {\n  name: "another"\n  op: "Slice"\n', node) + b"\n}\n"
    again = second.replace(b"another", b"DS_layer_type_0/Slice_9")
    assert load(TEXT + second).digest() == load(ORIGINAL).digest()
    assert "type_fitting_net" in refusal(TEXT + again)
