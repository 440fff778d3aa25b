# Two commands: `make run` starts a building with simulated devices; `make test` proves all of it.
PYTHON ?= python3
BIN := .venv/bin
# also where Python may write no bytecode itself: without it a start takes more than twice the processor time
COMPILE := $(BIN)/python -m compileall -qq -j 0
ARGS ?=

.PHONY: run test check setup system lock format picture bench overload chaos

run: setup
	@$(BIN)/hub device add --all --quiet
	@test -e data/hub.db || $(BIN)/hub import people config/people.csv
	@$(BIN)/hub simulate day --data data & simulated=$$!; trap 'kill $$simulated 2>/dev/null; wait $$simulated 2>/dev/null' EXIT; \
	trap : INT TERM; $(BIN)/hub run $(ARGS)

test: system setup check
	$(BIN)/pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered -q $(ARGS)

# everything that is checked without running it, in under 30 s
check: setup
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports
	$(BIN)/deptry --no-ansi hub simulators chaos

setup: .venv/ready

.venv/ready: requirements.lock requirements-npm.lock pyproject.toml package-lock.json hatch_build.py \
		$(wildcard hub/console/locale/*/LC_MESSAGES/*.po)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "needs the system package python3-venv"; exit 1; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python .venv --require-hashes --requirements requirements.lock
	@command -v npm >/dev/null || \
	$(BIN)/uv pip install --quiet --python .venv --require-hashes --requirements requirements-npm.lock
	$(BIN)/uv pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	@$(COMPILE) .venv/lib hub || true # what can't be compiled fails where it is imported
	@touch $@

# what the tests need of the system: a broker process, a browser, fonts for Chinese
system:
	@sh tests/system.sh

format: setup
	$(BIN)/ruff format --quiet .
	$(BIN)/ruff check --quiet --fix .

# the README's picture, from the running product
picture: system setup
	$(BIN)/python docs/picture.py

lock:
	$(BIN)/uv pip compile --quiet --upgrade pyproject.toml --group dev --universal --generate-hashes \
		--no-emit-index-url --no-header --no-annotate -o requirements.lock
	$(BIN)/uv pip compile --quiet --upgrade --group npm --universal --generate-hashes \
		--no-emit-index-url --no-header --no-annotate -o requirements-npm.lock
	npm install --package-lock-only

# every figure of docs/performance.md; ARGS=--quick for a look while working
bench: setup
	@$(COMPILE) hub
	@$(BIN)/python -m bench $(ARGS)

# for a minute ten times what the machine takes: what was sent is kept, let fall or dropped, to the last one
overload: system setup
	@$(BIN)/python -m bench.overload $(ARGS)

# kill -9 of hub and broker under load, again and again; its last line is one JSON object
KILLS ?= 50
SEED ?= 1
chaos: system setup
	@$(BIN)/python -m chaos --kills $(KILLS) --seed $(SEED)
