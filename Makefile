# Everything runs in .venv; PYTHON is the interpreter that makes it.
PYTHON ?= python3
VENV ?= .venv
PEERS ?= .venv-peers
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

# For example: make bench BENCH=--quick MODEL=model.pb STRUCTURE=cell.xyz
bench: $(VENV)/.bench-installed $(PEERS)/.installed ## against the peers, into bench/results
	$(BIN)/python -m bench --peer-python $(PEERS)/bin/python \
		$(if $(MODEL),--model $(MODEL)) $(if $(STRUCTURE),--structure $(STRUCTURE)) $(BENCH)

$(VENV)/.bench-installed: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[bench]"
	-$(BIN)/pip install --quiet --disable-pip-version-check vesin
	touch $@

# Without it, for want of a network or of wheels, the rest is measured.
$(PEERS)/.installed:
	-$(PYTHON) -m venv $(PEERS) && \
		$(PEERS)/bin/pip install --quiet --disable-pip-version-check "deepmd-kit[cpu]" && \
		touch $@

clean:
	rm -rf $(VENV) $(PEERS) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
