"""Options of the environment."""

from __future__ import annotations

import pytest

from dpse_fast.errors import InputError
from dpse_fast.inputs.environment import environment_options, with_environment


def test_variables_become_options_of_load():
    given = {
        "DPSE_PRECISION": "mixed",
        "DPSE_TOL": " 1e-4 ",
        "DPSE_THREADS": "2",
        "DPSE_SEL_OVERFLOW": "all",
        "DPSE_DEVICE": "cpu",
        "DPSE_HEAD": "",
        "DPSE_FAST_TRACEBACK": "1",
    }
    assert environment_options(given) == {
        "precision": "mixed",
        "tol": 1e-4,
        "threads": 2,
        "sel_overflow": "all",
        "device": "cpu",
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [("DPSE_TOL", "small"), ("DPSE_THREADS", "2.5"), ("DPSE_THREADS", "many")],
)
def test_text_that_cannot_be_read_is_named(name, text):
    with pytest.raises(InputError, match=f"^{name}: expected a .*number.*{text}"):
        environment_options({name: text})


def test_what_is_given_comes_first(monkeypatch):
    monkeypatch.setenv("DPSE_TOL", "1e-3")
    monkeypatch.setenv("DPSE_PRECISION", "mixed")
    found = with_environment({"tol": 0.0, "precision": None, "threads": 1})
    assert found == {"tol": 0.0, "precision": "mixed", "threads": 1}
