# Everything a contributor runs. Two commands need nothing but Python 3.11 or newer, pip and make:
#   make demo     make test
PYTHON ?= python3
ARGS ?=
# Processes that run tests side by side; 0 runs them in the pytest process itself. `make check` takes two.
WORKERS ?= 0
CHECK_WORKERS ?= $(if $(filter-out 0,$(WORKERS)),$(WORKERS),2)
# Databases of the tests lie in memory where 4 GB of it are free for files: there nothing waits for a disk.
IN_MEMORY = $(shell [ -w /dev/shm ] && [ "$$(df --output=avail /dev/shm | tail -n 1)" -gt 4000000 ] && \
	echo PYTEST_DEBUG_TEMPROOT=/dev/shm)
# For `make lock`: --upgrade takes the newest allowed versions, --upgrade-package NAME those of one package.
LOCKFLAGS ?=

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
# What npm writes last, so it is there when all is installed.
NODE := tests/clients/node/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

##@ Try it
.PHONY: demo
demo: $(VENV)/.package ## start a server with invented tenants (ARGS="--port 9000")
	@$(BIN)/stanchion demo $(ARGS)

##@ Work on it
.PHONY: test
test: $(VENV)/.dev ## the quick tests (ARGS="-k filter -x", WORKERS=2)
	@$(BIN)/python -m pytest --ignore=tests/clients --ignore=tests/contract -m "not clients and not slow" -n $(WORKERS) $(ARGS)

.PHONY: check
check: static ## everything: lint, types, import contracts, all tests with coverage
	@$(MAKE) --no-print-directory tests

# The two halves of `make check`, of which CI runs the first beside the smoke test.
.PHONY: static
static: lint types contracts licences | $(NODE)

# Files that are slow come first, so that no process is left alone with one at the end. Which lines no test runs,
# `.venv/bin/coverage report` tells afterwards.
.PHONY: tests
tests: $(VENV)/.clients $(NODE)
	@$(IN_MEMORY) $(BIN)/python -m pytest --cov --cov-report= -n $(CHECK_WORKERS) --dist loadfile \
		--no-loadscope-reorder $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## ruff: rules and formatting
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: format
format: $(VENV)/.dev ## let ruff format the code and mend what it safely can
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

.PHONY: types
types: $(VENV)/.clients ## mypy --strict over the package, the tests and the tools
	@$(BIN)/mypy

.PHONY: licences
licences: $(VENV)/.dev ## the licence of each package that runs with the product
	@$(BIN)/python -m release.licences

.PHONY: contracts
contracts: $(VENV)/.dev ## import-linter: which package may import which
	@$(BIN)/lint-imports

.PHONY: docs
docs: $(VENV)/.dev ## the checks of the documentation
	@$(BIN)/python -m pytest tests/docs $(ARGS)

.PHONY: reference
reference: $(VENV)/.dev ## write the generated parts of the documentation anew
	@$(BIN)/python -m tests.docs.generated

.PHONY: smoke
smoke: ## build the wheel, install and start it on each Python this machine really has
	@.ci/smoke 3.11 3.12 3.13

.PHONY: bench
bench: $(VENV)/.dev ## measure the server (ARGS are passed on)
	@$(BIN)/python -m bench $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.dev ## fuzz what reads a stranger's input (ARGS="filter url --seconds 600")
	@$(BIN)/python -m fuzz $(ARGS)

.PHONY: release
release: $(VENV)/.dev ## build wheel, sdist, bill of materials and sums into dist/ (ARGS=--trial before it is ready)
	@$(BIN)/python -m release $(ARGS)

##@ Look after it
.PHONY: lock
lock: $(VENV)/.dev ## write the lock files anew from pyproject.toml (LOCKFLAGS=--upgrade)
	@$(COMPILE) --group build --output-file requirements.lock
	@$(COMPILE) --group build --group dev --constraint requirements.lock --output-file requirements-dev.lock
	@$(COMPILE) --group build --group dev --group clients --constraint requirements-dev.lock \
		--output-file requirements-clients.lock
	@$(COMPILE) --group build --group dev --group clients --group audit --constraint requirements-clients.lock \
		--output-file requirements-audit.lock

COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --quiet --universal \
	--python-version 3.11 --generate-hashes --no-emit-index-url $(LOCKFLAGS)

.PHONY: audit
audit: $(VENV)/.audit ## ask the package index about known weaknesses of what is locked; needs the internet
	@$(BIN)/python -m release.audit --auditor $(BIN)/pip-audit

.PHONY: clean
clean: ## remove all that make made here, the demo's data too
	rm -rf $(VENV) tests/clients/node/node_modules .stanchion .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis \
		.coverage .coverage.* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The environment grows in steps; each stamp is newer than the lock it was made from, so a second run
# installs nothing and a changed lock installs again.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
		"Stanchion needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try make PYTHON=python3.12")'
	@echo "Making $(VENV) ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.lock | $(VENV)/.made
	@echo "Installing requirements.lock ..."
	@$(INSTALL) --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.package: pyproject.toml $(VENV)/.runtime
	@$(INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime | $(VENV)/.package
	@echo "Installing requirements-dev.lock ..."
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.clients: requirements-clients.lock $(VENV)/.dev
	@echo "Installing requirements-clients.lock (about 1.5 GB) ..."
	@$(INSTALL) --require-hashes -r requirements-clients.lock
	@touch $@

$(VENV)/.audit: requirements-audit.lock $(VENV)/.dev
	@echo "Installing requirements-audit.lock ..."
	@$(INSTALL) --require-hashes -r requirements-audit.lock
	@touch $@

# Without npm the tests of the JavaScript clients say that they were skipped, and why.
$(NODE): tests/clients/node/package-lock.json
	@if command -v npm >/dev/null; then echo "Installing tests/clients/node/package-lock.json ..." && \
		npm ci --prefix tests/clients/node --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@; \
	else echo "npm is not here: the JavaScript clients are not tested." >&2; fi
