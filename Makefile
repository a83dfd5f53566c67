# The two commands of the README are `make demo` and `make test`; every target sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test explore lint bench clean

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("lambdad needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: setup
	$(BIN)/python examples/demo.py

test: setup $(VENV)/node/.ready $(VENV)/extensions/.ready
	$(BIN)/python -m pytest

# Properties, with examples that no run has tried before.
explore: setup
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest tests/decisions tests/protocols

# Node.js as npm packages, for the tests of their runtimes. Without npm, or without its registry, those tests skip and say so.
$(VENV)/node/.ready: Makefile
	mkdir -p $(VENV)/node
	for version in 22.23.3 24.21.0; do \
		npm install --silent --no-audit --no-fund --prefix $(VENV)/node/$${version%%.*} node@$$version || echo "no Node.js $$version"; \
	done
	touch $@

# An OpenTelemetry extension that others wrote, as it is published for Lambda. The same holds for it.
$(VENV)/extensions/.ready: Makefile
	mkdir -p $(VENV)/extensions
	npm install --silent --no-audit --no-fund --prefix $(VENV)/extensions @serverless/aws-lambda-otel-extension-dist@0.1.11 \
		|| echo "no OpenTelemetry extension"
	touch $@

lint: setup
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup $(VENV)/bench/.ready
	$(BIN)/python -m bench

# What lambdad is measured beside: AWS's emulator (inside the SAM CLI's wheel) and ministack.
$(VENV)/bench/.ready: bench/requirements.lock
	test -x $(VENV)/bench/bin/python || $$($(BIN)/python -m bench.interpreter) -m venv $(VENV)/bench
	$(VENV)/bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	touch $@

clean:
	rm -rf $(VENV)
