# Everything runs in .venv; PYTHON is the interpreter that makes it.
PYTHON ?= python3
VENV ?= .venv
PEERS ?= .venv-peers
LINKS := build/links
BIN := $(VENV)/bin

.PHONY: install demo quick test fuzz lint bench gpu clean

install: $(VENV)/.installed ## an environment with dpse-fast and its tools

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

demo: install ## the main job: a trajectory through the embedded model
	$(BIN)/dpse-fast eval examples/water.xyz

quick: install ## the tests of tests/quick.txt, some of each folder, in minutes
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile \
		@tests/quick.txt

test: install ## all tests; needs no GPU, no network, no deepmd-kit
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile

# What users, files and machines do wrong, at random; 10 minutes unless told otherwise:
# make fuzz MINUTES=30 SEED=2 ONLY=models,calls    make fuzz FULL=1 RESULTS=docs/reliability.json
fuzz: install ## the campaign of tests/campaign; fails if anything does
	PYTHONPATH=tests:. $(BIN)/python -m campaign $(if $(MINUTES),--minutes $(MINUTES)) \
		$(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY)) $(if $(FULL),--full) \
		$(if $(NUMBER),--number $(NUMBER)) $(if $(RESULTS),--results $(RESULTS)) $(FUZZ)

lint: install ## style, types, what imports what
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	rm -rf build/imports && mkdir -p build/imports
	cp -r dpse_fast build/imports && cp -r kernels build/imports/dpse_fast
	cd build/imports && $(abspath $(BIN))/lint-imports --no-cache --config $(CURDIR)/pyproject.toml

# For example: make bench BENCH=--quick MODEL=model.pb STRUCTURE=cell.xyz
bench: $(VENV)/.bench-installed $(PEERS)/.installed ## against the peers, into bench/results
	$(BIN)/python -m bench --peer-python $(PEERS)/bin/python \
		$(if $(MODEL),--model $(MODEL)) $(if $(STRUCTURE),--structure $(STRUCTURE)) $(BENCH)

$(VENV)/.bench-installed: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[bench]"
	-$(BIN)/pip install --quiet --disable-pip-version-check vesin
	touch $@

# On a machine with an NVIDIA GPU, below eight minutes, into bench/results:
# make gpu MODEL2=model.pb STRUCTURE2=cell.xyz GPU="--only timings". With a Python that
# has what it needs, and no network: make gpu PYTHON_GPU=python3
gpu: $(if $(PYTHON_GPU),$(LINKS)/.made,$(VENV)/.gpu-installed)
	$(if $(PYTHON_GPU),cd $(LINKS) && $(PYTHON_GPU),$(BIN)/python) -m bench.gpu \
		$(if $(MODEL2),--model2 $(abspath $(MODEL2))) \
		$(if $(STRUCTURE2),--structure2 $(abspath $(STRUCTURE2))) $(GPU)

$(VENV)/.gpu-installed: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -e ".[bench,cuda13]"
	touch $@

# What an installation looks like, for a Python that cannot install it.
$(LINKS)/.made: $(wildcard dpse_fast/*) Makefile pyproject.toml
	rm -rf $(LINKS)
	mkdir -p $(LINKS)/dpse_fast $(LINKS)/dpse_fast.dist-info
	ln -s $(addprefix $(CURDIR)/,$(wildcard dpse_fast/*) kernels) $(LINKS)/dpse_fast/
	ln -s $(addprefix $(CURDIR)/,bench tests examples docs README.md pyproject.toml) $(LINKS)/
	printf 'Name: dpse-fast\nVersion: %s\n' \
		"$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)" \
		> $(LINKS)/dpse_fast.dist-info/METADATA
	touch $@

# Without it, for want of a network or of wheels, the rest is measured.
$(PEERS)/.installed:
	-$(PYTHON) -m venv $(PEERS) && \
		$(PEERS)/bin/pip install --quiet --disable-pip-version-check "deepmd-kit[cpu]" && \
		touch $@

clean:
	rm -rf $(VENV) $(PEERS) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
