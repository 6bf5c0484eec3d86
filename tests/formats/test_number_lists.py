"""Long lists of numbers of a text become the arrays that plain parsing gives."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import yaml

from dpse_fast.errors import ModelFileError
from dpse_fast.formats.native_values import list_values, parse_text

SHAPES = [(400,), (40, 10), (400, 1), (1, 400), (2, 3, 4, 20), (1, 1, 1, 300)]


def random_tree(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    parts = []
    for shape in SHAPES:
        values = rng.normal(size=shape) * 10.0 ** rng.integers(-20, 20, shape)
        counts = rng.integers(-(2**60), 2**60, shape)
        parts.append(
            {"value": values.tolist(), "bare": counts.tolist(), "short": [[1, 2], []]}
        )
    return {"model": {"list": parts, "after": "text"}}


def texts() -> dict[str, bytes]:
    tree = random_tree()
    block = yaml.dump(tree, Dumper=yaml.CSafeDumper, sort_keys=False)
    flow = yaml.dump(tree, Dumper=yaml.CSafeDumper, default_flow_style=True)
    written = {
        "json": json.dumps(tree),
        "json in lines": json.dumps(tree, indent=2),
        "json without spaces": json.dumps(tree, separators=(",", ":")),
        "yaml": block,
        "yaml with other ends of lines": block.replace("\n", "\r\n"),
        "yaml with remarks": block.replace("after:", "# remark\n\n  after:"),
        "yaml in brackets": "---\n" + flow,
    }
    return {name: text.encode() for name, text in written.items()}


@pytest.mark.parametrize("name", texts())
def test_arrays_are_those_of_plain_parsing(name: str) -> None:
    text = texts()[name]
    found, expected = parse_text(text), random_tree()
    to_array = list_values(len(text))
    assert found["model"]["after"] == "text"
    for part, plain in zip(
        found["model"]["list"], expected["model"]["list"], strict=True
    ):
        assert part["short"] == plain["short"]
        for key in ("value", "bare"):
            assert isinstance(part[key], np.ndarray), key
            array = to_array(part[key], key)
            wanted = np.array(plain[key], np.float64)
            assert array.shape == wanted.shape
            assert array.tobytes() == wanted.tobytes()
        assert part["bare"].tolist() == plain["bare"]


ROWS = "".join(f"    - {k}.5\n" for k in range(300))
COMMAS = ", ".join(f"{k}.5" for k in range(300))
COLUMN = [k + 0.5 for k in range(300)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"a:\n  b:\n{ROWS}    - word\n", [*COLUMN, "word"]),
        (f"a:\n  b:\n{ROWS}    # remark\n    - 1.5\n", [*COLUMN, 1.5]),
        (f"a:\n  b:\n{ROWS}\n    - [2]\n", [*COLUMN, [2]]),
        (f"a:\n  b:\n    - - 7.5\n{ROWS}", [[7.5], *COLUMN]),
        (f"a:\n  b: [{COMMAS}, word]\n", [*COLUMN, "word"]),
        (f"a:\n  b: [{COMMAS}, [1]]\n", [*COLUMN, [1]]),
        (f"a:\n  b: [[{COMMAS}], [1]]\n", [COLUMN, [1]]),
        (f'{{"a": {{"b": [{COMMAS}, null]}}}}', [*COLUMN, None]),
        (f'{{"a": {{"b": [[{COMMAS}], []]}}}}', [COLUMN, []]),
        (f'{{"a": {{"b": [null, [{COMMAS}]]}}}}', [None, COLUMN]),
        (f'{{"a": {{"b": "\\": [{COMMAS}]"}}}}', f'": [{COMMAS}]'),
        (f'{{"a": {{"b": ": [{COMMAS}]"}}}}', f": [{COMMAS}]"),
    ],
)
def test_other_lists_stay_as_they_are(text: str, expected: Any) -> None:
    assert parse_text(text.encode())["a"]["b"] == expected


def test_two_names_may_share_a_list() -> None:
    found = parse_text(
        f"a: &one [{COMMAS}]\nb: *one\nc: &two\n{ROWS}d: *two\n".encode()
    )
    assert found["a"] is found["b"]
    assert found["c"] is found["d"]
    assert found["c"].tolist() == COLUMN


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f'{{"a": [{COMMAS}], "a": [{COMMAS}]}}', "given twice"),
        (f"a: |\n  b: [{COMMAS}]\n", "inside of a text"),
        (f'{{"a": [{COMMAS},]}}', "not valid JSON"),
        (f'{{"a": [{COMMAS} 1]}}', "not valid JSON"),
        (f'{{"a": [[{COMMAS}] 1]}}', "not valid JSON"),
        (f'{{"a": [[{COMMAS}], 1[2]]}}', "not valid JSON"),
        (f'{{"a": [{COMMAS}, +1]}}', "not valid JSON"),
        (f'{{"a": [{COMMAS}, 01]}}', "not valid JSON"),
        (f'{{"a": [{COMMAS}]', "not valid JSON"),
        (f"a:\n  b:\n{ROWS} c\n", "not valid YAML"),
    ],
)
def test_what_is_wrong_is_refused(text: str, what: str) -> None:
    with pytest.raises(ModelFileError, match=what):
        parse_text(text.encode())


def test_an_array_of_other_numbers_counts_by_its_size() -> None:
    numbers = parse_text(f'{{"a": [{COMMAS}]}}'.encode())["a"]
    to_array = list_values(500)
    assert to_array(numbers, "a").size == 300
    with pytest.raises(ModelFileError, match="b: holds more numbers than the file"):
        to_array(numbers, "b")
