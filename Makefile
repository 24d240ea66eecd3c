# `make dev` starts the gateway with its sandbox; `make test` checks everything.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PORT ?= 8000
SOAK_SECONDS ?= 1800
BIN := .venv/bin

# The first Python that is new enough, or nothing. `-c` runs it, because a name on the PATH (a pyenv shim, say)
# need not be a Python that starts.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1 \
	&& { echo $$python; break; }; done)

.PHONY: help setup explorer clients outside dev test equality containers check format lock schema bench peers bench-peers soak clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/'

setup: .venv/.stamp-installed  ## the virtual environment with the locked dependencies

.venv/.stamp-installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "konagraph needs Python 3.11 to 3.14; none was found on the PATH." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' >/dev/null 2>&1 || { \
		echo "$(PYTHON) has no venv module (on Debian: apt-get install python3-venv)." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

explorer: explorer/node_modules/.stamp-installed  ## the files of the GraphiQL page, from npm

explorer/node_modules/.stamp-installed: explorer/package-lock.json
	cd explorer && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

clients: tests/node/node_modules/.stamp-installed  ## the npm clients and audits that the tests run

tests/node/node_modules/.stamp-installed: tests/node/package-lock.json
	cd tests/node && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

outside: .venv-outside/.stamp-installed  ## the security tools that the tests run, in an environment of their own

.venv-outside/.stamp-installed: tests/outside/requirements.lock
	@test -n "$(PYTHON)" || { echo "The tools need Python 3.11 to 3.14; none was found on the PATH." >&2; exit 1; }
	$(PYTHON) -m venv --clear .venv-outside
	.venv-outside/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: -r tests/outside/requirements.lock
	@touch $@

dev: setup  ## the gateway with the embedded sandbox, on PORT (8000)
	@$(MAKE) --no-print-directory explorer >/dev/null 2>&1 || \
		echo "No npm packages: everything but the GraphiQL page will work (Node 18 or newer, then: make explorer)." >&2
	@exec $(BIN)/konagraph dev --port $(PORT)

check: setup  ## ruff, mypy and the import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup check  ## every check and every test
	@$(MAKE) --no-print-directory explorer clients || echo "No npm packages: the tests that need them will be skipped." >&2
	@$(MAKE) --no-print-directory outside || echo "No outside tools: the tests that need them will be skipped." >&2
	$(BIN)/pytest --cov --cov-report=term

equality: setup  ## ten thousand generated operations, by their plans and on graphql-core; some minutes
	KONAGRAPH_EQUALITY_EXAMPLES=10000 $(BIN)/pytest tests/execution/test_plan_equality.py

containers: setup outside  ## build the images and run the compose file, with podman; as root, for some minutes
	$(BIN)/pytest -m containers tests/containers

format: setup  ## rewrite the code in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: setup  ## resolve the dependencies anew
	$(BIN)/uv pip compile pyproject.toml --group dev --extra otel --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --only-binary :all: --quiet --output-file requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra otel --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --only-binary :all: --quiet --output-file requirements-runtime.lock
	$(BIN)/uv pip compile tests/outside/requirements.in --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --only-binary :all: --quiet --output-file tests/outside/requirements.lock
	$(BIN)/uv pip compile benchmarks/peers.in --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --only-binary :all: --quiet --output-file benchmarks/peers.txt

schema: setup  ## write schema/schema.graphql from the code
	$(BIN)/konagraph export-schema --output schema/schema.graphql

bench: setup  ## what the gateway can do, for about ten minutes; results in benchmarks/results and docs/performance.md
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.overload

peers: setup benchmarks/peers/node_modules/.stamp-installed .peers/.stamp-installed  ## the servers that bench-peers compares with
	@test -e .peers/libc || benchmarks/peers/newer-libc .peers/libc >/dev/null 2>&1 || \
		echo "No newer C library: Tailcall is left out where it needs one." >&2

benchmarks/peers/node_modules/.stamp-installed: benchmarks/peers/package-lock.json benchmarks/peers/mesh.config.mjs
	cd benchmarks/peers && npm ci --ignore-scripts --no-audit --no-fund && \
		node_modules/.bin/mesh-compose -c mesh.config.mjs -o supergraph.graphql
	@touch $@

.peers/.stamp-installed: benchmarks/peers.txt
	rm -rf .peers/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
		--target .peers/python -r benchmarks/peers.txt
	@touch $@

bench-peers: setup  ## the gateway beside other servers, for about a quarter of an hour
	@$(MAKE) --no-print-directory peers || echo "Not all servers could be installed; those are left out." >&2
	$(BIN)/python -m benchmarks.compare

soak: setup  ## a mixed load for SOAK_SECONDS (1800), and whether memory, descriptors and tasks stay flat
	$(BIN)/python -m benchmarks.soak --seconds $(SOAK_SECONDS)

clean:  ## remove everything that can be made again
	rm -rf .venv .venv-outside .peers explorer/node_modules tests/node/node_modules benchmarks/peers/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
