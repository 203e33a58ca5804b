# `make app` runs the app, `make test` runs every test; both set up .venv first.
VENV := .venv
BIN := $(VENV)/bin
# The first Python from 3.11 to 3.13 that answers (the range the pinned packages have wheels for).
PYTHON ?= $(shell for name in python3 python3.12 python3.11 python3.13; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo $$name && break; done)
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: app test check lint format bench

app: $(VENV)/.app
	$(BIN)/python -m streamlit run app/server.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest

# Format, lint, types and every test that needs no browser.
check: lint
	$(BIN)/python -m pytest -m "not browser"

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Speed and memory, as ratios against a baseline measured in the same run. bench_encoders.py runs
# the scripts of the single encoders.
bench: $(VENV)/.dev
	for script in $(filter-out tests/bench/bench_encoders_%,$(sort $(wildcard tests/bench/bench_*.py))); \
	do $(BIN)/python $$script || exit 1; done

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Boldcast needs Python 3.11, 3.12 or 3.13; none was found."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	echo "Python's venv module is missing: on Debian or Ubuntu, sudo apt-get install python3-venv."; exit 1; }

$(VENV)/.app: requirements.txt | $(BIN)/python
	@echo "Installing what the app needs into $(VENV) (once; a few minutes)"
	$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements.txt requirements-dev.txt | $(BIN)/python
	@echo "Installing what the app and the tests need into $(VENV) (once; a few minutes)"
	$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@ $(VENV)/.app
