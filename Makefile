# Everything runs in .venv; PYTHON is the interpreter that makes it.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: install demo test lint bench clean

install: $(VENV)/.installed ## an environment with dpse-fast and its tools

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

demo: install ## the main job: a trajectory through the embedded model
	$(BIN)/dpse-fast eval examples/water.xyz

test: install ## all tests; needs no GPU, no network, no deepmd-kit
	$(BIN)/python -m pytest

lint: install ## style, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: install ## time per atom and stage on this machine
	$(BIN)/dpse-fast bench --atoms 5e3 --threads 1
	$(BIN)/dpse-fast bench --atoms 5e3 --threads 1 --precision mixed
	$(BIN)/dpse-fast bench --atoms 1e5 --precision mixed

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
