# make demo   set up everything and start the demo plant with its operator station
# make test   set up everything and run the whole gate
PYTHON ?= python3
VENV ?= .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
GIVES_WAY := nice -n 19
endif

.PHONY: help demo test gate lint kernels unit computing listening docs bench chaos long setup clean system-demo system-test
.DEFAULT_GOAL := help

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: setup system-demo  ## start the demo plant with its operator station
	@$(BIN)/dcs demo $(ARGS)

# A clean machine must pass, so CI compiles every kernel anew; at the desk the cache is kept.
test: setup-dev system-test  ## the whole gate: ruff, mypy, import contracts, tidy test, pytest
	@$(if $(CI),DCS_CACHE_DIR=$$(mktemp -d)) $(MAKE) --no-print-directory gate

# The linters need one core: the other one begins to compile.
gate:
	@$(MAKE) --no-print-directory -j 2 lint kernels
	@$(MAKE) --no-print-directory unit

kernels: setup-dev
	$(BIN)/python -m tests.support.kernels

lint: setup-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# What stays on simulated time computes, and shares two processes. What listens to the wall clock mostly waits. So both
# run beside each other, and the first gives way: the second has the machine whenever it wants it.
COMPUTES := not system and not interop
unit: setup-dev
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	@echo "Two parts run beside each other, for about ten minutes; each is shown when it is over"
	@$(MAKE) --no-print-directory -j 2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=line) computing listening
endif

computing: setup-dev  # on simulated time; in order of path, because files of few tests are the long ones: never last
	$(GIVES_WAY) $(BIN)/python -m pytest -m "$(COMPUTES)" -n 2 --dist loadfile --no-loadscope-reorder
	$(GIVES_WAY) $(BIN)/python -m tests.simulation quadruple_tank --seeds 200 --fresh --jobs 2

listening: setup-dev  # real processes and sockets, foreign software
	$(BIN)/python -m pytest -m "not ($(COMPUTES))"

docs: setup-dev  ## write docs/reference anew from the declarations
	$(BIN)/python docs/generate_reference.py

bench: setup-dev  ## figures as a table and bench.json
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[bench]' || echo "softioc cannot be installed here: no comparison with EPICS"
	$(BIN)/dcs bench --json bench.json

chaos: setup-dev  ## faults on real processes: kill -9, SIGSTOP, cut cables, full disks (CASES="kill-9 sigstop" ARGS="--trials 100")
	$(BIN)/python -m tests.chaos $(CASES) $(ARGS)

long: setup-dev  ## redundancy: thousands of seeds, all mutants; Tennessee Eastman: both tunings for hours; bad Modbus frames (about an hour)
	$(BIN)/python -m tests.simulation.redundancy --seeds 3000 --mutants
	$(BIN)/python -m tests.simulation quadruple_tank --seeds 3000 --jobs 2
	$(BIN)/python -m tests.simulation tennessee_eastman --seeds 300 --jobs 2
	for plant in heated_tank heated_tank:opcua drum_boiler:redundant_io shell_fractionator column_a quadruple_tank_opc_ua; do $(BIN)/python -m tests.simulation $$plant --seeds 100 --jobs 2 || exit 1; done
	$(BIN)/python -m tests.simulation quadruple_tank --seeds 500 --jobs 2 --mutants
	for fault in standby witness witness-restart pair-link bus standby-cable standby-memory; do $(BIN)/python -m tests.simulation quadruple_tank --single $$fault --trials 200 || exit 1; done
	$(BIN)/python -m tests.simulation.twin --seeds 4 --fresh --markdown
	$(BIN)/python -m tests.support.te_protection --seeds 10
	$(BIN)/python -m tests.support.te_sequences
	$(BIN)/python -m tests.support.te_a_feed
	$(BIN)/python -m tests.simulation.tennessee_eastman
	$(BIN)/python -m tests.support.modbus_fuzz --frames 6000000

setup: $(VENV)/installed
setup-dev: $(VENV)/installed-dev

$(VENV)/python-ok:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1). Say: make PYTHON=python3.12 ..."; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "No venv module: on Debian/Ubuntu run 'sudo apt-get install python3-venv', then again."; exit 3; }
	@touch $@

$(VENV)/installed: $(VENV)/python-ok pyproject.toml
	@echo "Installing Python packages into $(VENV) (once, about a minute)"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed pyproject.toml
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

system-demo:
	@sh tools/system_packages.sh demo

system-test:
	@sh tools/system_packages.sh test

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
