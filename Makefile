# One environment in .venv for everything; `make run` and `make test` need nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two test processes on two cores: more threads in each would only wait for each other.
# Tests start some two hundred processes: modules are compiled once for all of them.
TESTING := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=

.PHONY: run test lint nightly clean setup

run: $(VENV)/.installed
	@$(BIN)/python -m netbuilder.launch

test: $(VENV)/.installed-dev
	@$(BIN)/python -m netbuilder.cli.system_packages --tests
	$(TESTING) $(BIN)/python -m pytest -n 2 --dist loadfile

nightly: $(VENV)/.installed-dev
	$(TESTING) $(BIN)/python -m pytest -m nightly

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(VENV)/.installed-dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
