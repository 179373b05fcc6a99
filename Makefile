# `make help` lists the targets. Everything runs in .venv, made once from requirements.lock.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SNAKEMAKE := $(BIN)/snakemake --cores all
RECOVER := $(BIN)/python -m pamlflow.jobs.recover
QUICKSTART := results/cart_pole_quickstart

.DEFAULT_GOAL := help
.PHONY: help install quickstart study report recover test test-slurm lint bench docs lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## Install into .venv; the other targets do so by themselves

quickstart: $(STAMP) ## Cart-pole learning curves in minutes, from config/quickstart.yaml
	@$(RECOVER) $(SNAKEMAKE) --configfile config/quickstart.yaml
	@$(SNAKEMAKE) --configfile config/quickstart.yaml --report $(QUICKSTART)/report.html --quiet
	@printf '%-8s %s\n' figure $(QUICKSTART)/learning_curves.png \
	  summary $(QUICKSTART)/summary.csv report $(QUICKSTART)/report.html

study: $(STAMP) ## The full study, from config/config.yaml
	@$(RECOVER) $(SNAKEMAKE)

report: $(STAMP) ## report.html of the full study
	@$(SNAKEMAKE) --report report.html

recover: $(STAMP) ## After a lost run: end its jobs, also in SLURM, unlock, and go on with `snakemake $(RUN)` if RUN is given
	@$(RECOVER) $(if $(RUN),$(BIN)/snakemake $(RUN))

test: $(STAMP) ## The tests
	@$(BIN)/pytest -n auto --dist loadfile

test-slurm: $(STAMP) ## The faults of a cluster, on a SLURM of its own; needs Debian's packages of SLURM
	@$(BIN)/pytest -v tests/slurm

lint: $(STAMP) ## Style, types and the workflow's own linter
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/snakefmt --check workflow
	@$(BIN)/snakemake --lint

bench: $(STAMP) ## All benchmarks, two hours on two cores; rewrites benchmarks/README.md
	@for name in psi_statistics gradient inference scaling choices noise pictures fit trade study; do \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done
	@$(BIN)/python -m benchmarks.report

docs: $(STAMP) ## Regenerate config/README.md and data/README.md
	@$(BIN)/python -m pamlflow.configuration.readme > config/README.md
	@$(BIN)/python -m pamlflow.storage.schemas > data/README.md

lock: ## Pin anew what pyproject.toml allows
	@rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/pip install --quiet -e '.[slurm,gl,gymnasium,logs,dev]' 'setuptools<81'
	@sed '/^[^#]/,$$d' requirements.lock > .venv-lock/lock
	@.venv-lock/bin/pip freeze --all --exclude-editable --exclude pip | LC_ALL=C sort -f >> .venv-lock/lock
	@mv .venv-lock/lock requirements.lock && rm -rf .venv-lock

clean: ## Remove what the workflow made: data, results, logs, reports
	@find data results -mindepth 1 -not -path '*/README.md' -delete
	@rm -rf logs .snakemake report.html

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo 'pamlflow needs Python 3.11: install it, or name it with make PYTHON=...' >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo 'Installing requirements.lock into $(VENV); this is done once'
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
