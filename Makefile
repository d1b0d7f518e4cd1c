# The commands of this project. `make help` lists them; nothing else has to be known.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --no-input --quiet install --no-build-isolation --use-pep517
# ARGS="-k inquiry" and the like go to pytest.
ARGS :=

.PHONY: help setup run demo test check bench faults lock

help: ## Show this page
	@awk 'BEGIN { FS = ":.*## "; print "TPM Institute. Two commands are enough: make run, make test.\n" } \
	  /^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

setup: $(VENV)/project.stamp ## Make .venv and install the locked packages (the others call it by themselves)
	@:

run: $(VENV)/project.stamp ## Run the whole service on http://127.0.0.1:8000 (Ctrl-C stops it)
	@exec $(PYTHON) app.py

demo: $(VENV)/project.stamp ## Run the service with 500 invented people, in var/demo (prints an account to sign in with)
	@set -e; DATA_DIR=$${DEMO_DIR:-var/demo}; export DATA_DIR; unset DATABASE_URL SMTP_URL IMAP_URL; \
	people=500; [ ! -e "$$DATA_DIR/tpminstitute.db" ] || people=0; \
	$(PYTHON) -m tpminstitute.cli migrate >/dev/null; \
	$(PYTHON) -m tpminstitute.cli demo --contacts $$people --account; \
	exec $(PYTHON) app.py

test: $(VENV)/dev.stamp ## Run every test on real parts, started for the tests (ARGS="-k word" picks some)
	@$(PYTHON) -m tests.parts.install
	@$(PYTHON) -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

check: $(VENV)/dev.stamp ## Lint, format, types and the order of imports
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -c 'import importlinter.cli as c; c.lint_imports_command()' --no-logo

bench: $(VENV)/dev.stamp ## Measure the speed as ratios to the bare floor of the same work (ARGS=--million: the desk with a million people)
	@$(PYTHON) -m tests.parts.install
	@$(PYTHON) -m tests.bench $(ARGS)

faults: $(VENV)/dev.stamp ## Break everything that can break, and count what was lost or doubled (ARGS="--only worker", "--soak 10")
	@$(PYTHON) -m tests.parts.install
	@$(PYTHON) -m tests.faults $(ARGS)

lock: ## Renew both requirements files from pyproject.toml (needs uv, which nothing else here does)
	@command -v uv >/dev/null || { echo "make lock needs uv: see https://docs.astral.sh/uv/" >&2; exit 1; }
	@set -e; compile() { uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --no-emit-index-url pyproject.toml "$$@" >/dev/null; }; \
	  compile --group build -o requirements.txt; \
	  compile --group build --group dev -c requirements.txt -o requirements-dev.txt

# A stamp is written after the step it stands for, so an interrupted step is done again. The build tool comes
# first and from the lock as well, for the few packages that are built here: pip would fetch one unlocked.

$(VENV)/bin/python:
	@set -e; found=; \
	for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$name; break; fi; \
	done; \
	[ -n "$$found" ] || { echo "Python 3.11 or newer is needed and no python3 on the PATH is: install it first." >&2; exit 1; }; \
	$$found -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$$found can't make virtual environments: install its venv module (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; }; \
	real=$$($$found -c 'import os, sys; print(os.path.realpath(sys.executable))'); \
	echo "Making $(VENV) with $$($$found --version) ..." >&2; \
	"$$real" -m venv --clear $(VENV)

$(VENV)/packages.stamp: requirements.txt $(VENV)/bin/python
	@echo "Installing the packages of requirements.txt (once; about half a minute) ..." >&2
	@awk '/^[a-z]/ { chosen = /^setuptools==/ } chosen' requirements.txt >$(VENV)/build.txt
	@$(PIP) --require-hashes -r $(VENV)/build.txt
	@$(PIP) --require-hashes -r requirements.txt
	@touch $@

$(VENV)/project.stamp: pyproject.toml $(VENV)/packages.stamp
	@$(PIP) --no-deps -e .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt $(VENV)/project.stamp
	@echo "Installing what the tests and checks need ..." >&2
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@
