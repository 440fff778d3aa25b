# Two commands: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: run test check setup lock system format

setup: .venv/ready

.venv/ready: requirements.lock requirements-npm.lock pyproject.toml package-lock.json hatch_build.py $(wildcard hub/console/locale/*/LC_MESSAGES/*.po)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python .venv --require-hashes --requirements requirements.lock
	command -v npm >/dev/null || $(BIN)/uv pip install --quiet --python .venv --require-hashes --requirements requirements-npm.lock
	$(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	touch $@

check: setup
	$(BIN)/ruff format --check --quiet hub simulators tests
	$(BIN)/ruff check --quiet hub simulators tests
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	$(BIN)/deptry --no-ansi hub simulators

lock:
	$(BIN)/uv pip compile --quiet pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements.lock
	$(BIN)/uv pip compile --quiet --group npm --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements-npm.lock
