# `make dev` starts the gateway with its sandbox; `make test` checks everything.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PORT ?= 8000
SOAK_SECONDS ?= 1800
BIN := .venv/bin

# The first Python that is new enough, or nothing. It is run to be sure, because a name on the PATH, such as a pyenv
# shim, may not start.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1 \
	&& { echo $$python; break; }; done)
INSTALL = @$(if $(PYTHON),$(PYTHON) -m scripts.environment,echo "konagraph needs Python 3.11 to 3.14; none was found on the PATH." >&2; exit 1;)

.PHONY: help dev doctor unit test compiled check check-schema format schema equality containers fresh bench \
	bench-peers soak setup setup-dev explorer wallet-web wallet-mobile pictures lock wheel sbom clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev:  ## the gateway with the embedded sandbox, on PORT (8000)
	$(INSTALL) runtime --try explorer
	@exec $(BIN)/konagraph dev --port $(PORT)

doctor:  ## what this machine lacks, and how to get it
	@$(if $(PYTHON),$(PYTHON) -m scripts.doctor,echo "Python 3.11 to 3.14 is missing: on Debian and Ubuntu apt-get install python3 python3-venv" >&2; exit 1)

# pytest's rewritten modules are kept even where an image switches bytecode off: writing them anew takes seven seconds
# of each worker.
unexport PYTHONDONTWRITEBYTECODE
# Each file stays with one worker, so that what its tests share is made once.
PARALLEL = -n auto --dist loadfile --no-loadscope-reorder
SLOW = slow or process or gateway or browser or outside or containers or fresh or peers
unit: setup-dev  ## the fast tests, of one part at a time and within this process
	$(BIN)/pytest -q $(PARALLEL) --maxprocesses 3 --hypothesis-profile=quick -m 'not ($(SLOW))'

test:  ## all checks, and all tests that this machine has the tools for
	$(INSTALL) dev --try explorer --try clients --try wallet-web --try wallet-mobile --try outside
	@$(MAKE) --no-print-directory -j2 check compiled
	$(BIN)/pytest $(PARALLEL) --maxprocesses 4 --cov --cov-report=term

# Beside mypy, which leaves a core idle, and once instead of in each worker.
compiled:
	@$(BIN)/pytest -q --collect-only >/dev/null || true

check: setup-dev check-schema  ## ruff, mypy, the import contracts, and the schema against the last release
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A checkout without tags, or no checkout at all, has no release to compare with.
check-schema: setup-dev  ## which changes of the schema since the last tag break clients
	@if tag=$$(git describe --tags --abbrev=0 2>/dev/null); then \
		$(BIN)/konagraph check-schema --against "$$tag" --changelog docs/changes.md; \
	else \
		echo "There is no tag, so there is no released schema to compare with."; \
	fi

format: setup-dev  ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: setup  ## write schema/schema.graphql from the code, and the errors' catalogues of examples/
	$(BIN)/konagraph export-schema --output schema/schema.graphql
	$(BIN)/konagraph export-errors --format ts >examples/wallet-web/src/errorCatalog.ts
	$(BIN)/konagraph export-errors --format json >examples/wallet-mobile/src/error-catalog.json

equality: setup-dev  ## ten thousand generated operations, by their plans and on graphql-core; some minutes
	KONAGRAPH_EQUALITY_EXAMPLES=10000 $(BIN)/pytest --hypothesis-profile=explore tests/graphql/test_plan_equality.py \
		tests/graphql/test_plan_random_schemas.py

containers:  ## build the images and run the compose file, with podman; as root, for some minutes
	$(INSTALL) dev outside
	$(BIN)/pytest -m containers tests/containers

fresh: setup-dev  ## README's commands in bare roots of Debian 12 and 13; as root, for some minutes
	$(BIN)/pytest -m fresh tests/setup

bench: setup-dev  ## the gateway alone, for about four minutes; results in benchmarks/results and docs/performance.md
	$(BIN)/python -m benchmarks --seconds 3

bench-peers:  ## the gateway beside other servers, for about a quarter of an hour
	$(INSTALL) dev --try peers --try node-peers
	$(BIN)/pytest -q -m peers tests/benchmarks
	$(BIN)/python -m benchmarks --peers

soak: setup-dev  ## a mixed load for SOAK_SECONDS (1800); checks that memory, descriptors and tasks stay flat
	$(BIN)/python -m tests.soak --seconds $(SOAK_SECONDS)

setup:  ## what running needs: .venv from requirements-runtime.lock
	$(INSTALL) runtime

setup-dev:  ## what development needs: .venv from requirements.lock
	$(INSTALL) dev

explorer:  ## GraphiQL's files, from npm
	$(INSTALL) explorer

wallet-web:  ## the web wallet of examples/, against a running `make dev`
	$(INSTALL) wallet-web
	@cd examples/wallet-web && KONAGRAPH_URL=http://127.0.0.1:$(PORT) npm start

pictures:  ## the web wallet's pictures in docs/images, from its test; with a Korean font
	$(INSTALL) dev wallet-web
	KONAGRAPH_PICTURES=docs/images $(BIN)/pytest -q tests/browser/test_wallet_web.py -k start_command

wallet-mobile:  ## what a wallet on a phone asks, against a running `make dev`
	$(INSTALL) wallet-mobile
	@cd examples/wallet-mobile && KONAGRAPH_URL=http://127.0.0.1:$(PORT)/graphql npm start

LOCK = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--only-binary :all: --quiet --upgrade
lock: setup-dev  ## resolve the dependencies again
	$(LOCK) pyproject.toml --output-file requirements-runtime.lock
	$(LOCK) pyproject.toml --group dev --constraint requirements-runtime.lock --output-file requirements.lock
	$(LOCK) --group build --constraint requirements.lock --output-file requirements-build.lock
	$(LOCK) tests/outside/requirements.in --output-file tests/outside/requirements.lock
	$(LOCK) benchmarks/peers.in --output-file benchmarks/peers.txt

wheel:  ## dist/konagraph-….whl, with GraphiQL's files in it
	$(INSTALL) build explorer
	.venv-build/bin/python -m hatchling build -t wheel

# The environment is that of the image: the packages of the lock, and the wheel.
sbom: wheel  ## dist/konagraph-….cdx.json, the SBOM (CycloneDX) of an installation of the wheel
	$(INSTALL) image
	version=$$(.venv-build/bin/hatchling version) && \
		.venv-image/bin/python -m pip install --quiet --force-reinstall --no-index --no-deps --find-links dist \
			"konagraph==$$version" && \
		.venv-build/bin/cyclonedx-py environment --output-reproducible .venv-image/bin/python \
			-o "dist/konagraph-$$version.cdx.json"

clean:  ## remove everything that can be generated
	rm -rf .venv .venv-build .venv-image .venv-outside .peers dist explorer/node_modules tests/node/node_modules \
		examples/*/node_modules examples/wallet-web/dist examples/wallet-web/src/gql benchmarks/peers/node_modules \
		.mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
