"""Options of the environment."""

from __future__ import annotations

import pytest

from dpse_fast.errors import InputError
from dpse_fast.inputs.environment import environment_options, with_environment


def test_variables_become_options_of_load():
    given = {
        "DPSE_PRECISION": "mixed",
        "DPSE_TOL": "1e-4",
        "DPSE_THREADS": "2",
        "DPSE_SEL_OVERFLOW": "all",
        "DPSE_DEVICE": "cpu",
        "DPSE_DETERMINISTIC": "no",
        "DPSE_TYPE_MAP": "O,H",
        "DPSE_FAST_TRACEBACK": "1",
    }
    assert environment_options(given) == {
        "precision": "mixed",
        "tol": 1e-4,
        "threads": 2,
        "sel_overflow": "all",
        "device": "cpu",
        "deterministic": False,
        "type_map": ["O", "H"],
    }


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("DPSE_TOL", "small", "^DPSE_TOL: expected a number, got 'small'"),
        ("DPSE_THREADS", "2.5", "^DPSE_THREADS: expected a whole number, got '2.5'"),
        ("DPSE_DEVIATION_TOL", "x", "^DPSE_DEVIATION_TOL: expected a number, got 'x'"),
        ("DPSE_HEAD", "", "^DPSE_HEAD: expected a value, got an empty text"),
        ("DPSE_TOLL", "1", r"^DPSE_TOLL: there is no .*do you mean DPSE_TOL\?"),
    ],
)
def test_variables_that_mean_nothing_are_named(name, text, message):
    with pytest.raises(InputError, match=message):
        environment_options({name: text})


def test_what_is_given_comes_first(monkeypatch):
    monkeypatch.setenv("DPSE_TOL", "1e-3")
    monkeypatch.setenv("DPSE_PRECISION", "mixed")
    monkeypatch.setenv("DPSE_SKIN", "0.5")
    monkeypatch.setenv("DPSE_DEVIATION_TOL", "0.01")  # of committees alone
    found = with_environment({"tol": 0.0, "precision": None, "threads": 1})
    assert found == {"tol": 0.0, "precision": "mixed", "threads": 1}
    assert with_environment({}, skin=True) == {
        "tol": 1e-3,
        "precision": "mixed",
        "skin": 0.5,
    }
