# Everything sets itself up: a virtual environment in .venv, made once and again when
# pyproject.toml changes. PYTHON=… chooses the interpreter, VENV=… another place.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
PYTHON ?=
BIN := $(VENV)/bin
WORKERS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Names each package as it comes, so that a long install shows where it is.
NAMES := while read -r verb name _; do \
  case "$$verb $$name" in \
    Collecting*) printf '%s ' "$$name" ;; \
    "Installing collected") printf '\n  unpacking …' ;; \
  esac; \
done; echo
DEMO_DATA ?= demo-data

.PHONY: help demo test check test-interop test-matrix bench crash fuzz format clean

help: ## Say what there is to make
	@echo "otel-vector: OTLP in, search by meaning out"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.demo ## Run the whole thing on real traffic and ask it three questions, then look after it
	@$(BIN)/python examples/demo.py --data $(DEMO_DATA)

test: check ## Run every check: format, lint, types, imports, tests with coverage
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --ignore=tests/interop --cov --cov-report=term:skip-covered --cov-fail-under=90

check: $(VENV)/.dev ## Run the checks that need no test run
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-interop: $(VENV)/.dev ## Run the real programs of others against it; built from Go modules once, some minutes
	$(BIN)/pytest tests/interop

test-matrix: | $(VENV)/bin/python ## Run what applications use over three releases of the OpenTelemetry SDK
	@$(BIN)/python tests/matrix/run.py

bench: $(VENV)/.dev ## Measure; each script prints a table with the machine
	@for script in tests/performance/bench_*.py; do \
	  echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

crash: $(VENV)/.dev ## Kill the server fifty times and look for what is lost or doubled
	CRASH_ROUNDS=50 $(BIN)/pytest tests/crash

fuzz: $(VENV)/.dev ## Feed the decoders 100,000 odd inputs
	@$(PIP) install --quiet "atheris>=2.3" \
	  || { echo "make fuzz: atheris has no package for this Python and platform; use Linux and Python 3.11 to 3.13"; exit 1; }
	$(BIN)/python tests/fuzz/fuzz_decode.py

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## Remove the environment, caches and the demo's data
	rm -rf $(VENV) $(DEMO_DATA) $(DEMO_DATA)-backups dist build .coverage .coverage.* .hypothesis .cache
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@found=""; \
	for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$python"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "make: Python 3.11 or newer is needed and none was found; install one (Debian, Ubuntu: apt install python3 python3-venv) or name it: make PYTHON=/path/to/python"; \
	  exit 1; \
	fi; \
	echo "making $(VENV) with $$("$$found" --version)"; \
	if ! "$$found" -m venv $(VENV) > .venv.log 2>&1; then \
	  rm -rf $(VENV); \
	  echo "make: $$found could not make a virtual environment; on Debian and Ubuntu install its module first: apt install python3-venv"; \
	  sed 's/^/  /' .venv.log; rm -f .venv.log; \
	  exit 1; \
	fi; \
	rm -f .venv.log

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	@echo "installing otel-vector and what the demo needs (once; about a minute)"
	@$(PIP) install --progress-bar off --editable '.[demo]' | { $(NAMES); }
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	@echo "installing otel-vector and its development tools (once; about a minute)"
	@$(PIP) install --progress-bar off --editable '.[dev]' | { $(NAMES); }
	@touch $@ $(VENV)/.demo
