# telemetrykit: `make help` lists what there is.
PYTHON ?= python3
VENV ?= .venv
LOWEST ?= .venv-lowest
PORT ?= 8000
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOWEST_PIP := $(LOWEST)/bin/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench docs vendor build test-lowest clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

$(VENV)/.demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip
	$(PIP) install --constraint constraints.txt --editable '.[demo,export,speed]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip
	$(PIP) install --constraint constraints.txt --editable '.[cli,demo,export,flask,jwt,redis,speed]' --group dev
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo ## Start the demo shop with traffic (PORT=8000)
	$(BIN)/telemetrykit demo --port $(PORT) --data-dir .telemetrykit/demo

test: $(VENV)/.dev ## Run every test
	@$(BIN)/python tools/system_packages.py
	$(BIN)/python -m pytest
	cd examples/fastapi_app && ../../$(BIN)/python -m pytest -c pyproject.toml .
	cd examples/flask_app && ../../$(BIN)/python -m pytest -c pyproject.toml .

check: $(VENV)/.dev ## Format, lint, types, import rules, JavaScript types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_javascript.py

format: $(VENV)/.dev ## Format the code and mend what can be mended
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/.dev ## Measure (bench/README.md says how to read it)
	$(BIN)/python -m bench

docs: $(VENV)/.dev ## Check that the documentation is whole and runs
	$(BIN)/python -m pytest tests/test_docs.py

vendor: ## Rebuild the vendored JavaScript (needs npm)
	npm --prefix tools/vendor ci
	npm --prefix tools/vendor run build

build: $(VENV)/.dev ## Build the wheel and the sdist
	$(BIN)/python -m build

$(LOWEST)/.test: pyproject.toml constraints.txt constraints-min.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 13) and "The lowest versions have no wheels for this Python; say which to take: make test-lowest PYTHON=python3.11")'
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST_PIP) install --upgrade pip
	$(LOWEST_PIP) install --constraint constraints-min.txt --editable '.[cli,demo,export,flask,jwt,redis,speed]' --group test
	$(PYTHON) -m venv --without-pip $(LOWEST)/fuzz
	$(LOWEST_PIP) --python $(LOWEST)/fuzz/bin/python install --constraint constraints.txt --group fuzz
	@touch $@

test-lowest: $(LOWEST)/.test ## Run every test with the lowest versions that pyproject.toml allows (Python 3.11 or 3.12)
	@$(LOWEST)/bin/python tools/system_packages.py
	PATH="$$PATH:$(CURDIR)/$(LOWEST)/fuzz/bin" $(LOWEST)/bin/python -m pytest
	cd examples/fastapi_app && ../../$(LOWEST)/bin/python -m pytest -c pyproject.toml .
	cd examples/flask_app && ../../$(LOWEST)/bin/python -m pytest -c pyproject.toml .

clean: ## Remove what was built
	rm -rf $(VENV) $(LOWEST) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
