# Everything from a fresh clone: Python 3.11+, git and make are enough.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

# No library of ours phones home from a make target.
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export BENTOML_DO_NOT_TRACK := True
export ORT_DISABLE_TELEMETRY := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help install demo test slow soak check format coverage bench simulate lock proto clean

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

install: $(INSTALLED) ## Create .venv and install the hash-locked requirements

# Compiled once, here: without it every process of a machine that writes no bytecode compiles
# thousands of modules, which is seconds of each command.
$(INSTALLED): requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Evergreen needs Python 3.11 or newer; set PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

demo: install ## The whole loop on real flight data, in a throwaway clone
	$(BIN)/evergreen demo

test: install ## All tests but the slow ones
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow and not cluster"

slow: install ## The slow tests: kills, whole retrains, simulations, networks, clusters
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow tests/faults tests/e2e
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow and not cluster and not demo" \
	  --ignore tests/faults --ignore tests/e2e
	$(BIN)/python -m pytest -m "slow and cluster"

KILLS ?= 2000

soak: install ## SIGKILLs at random moments of the loop: make soak KILLS=500 SEED=7
	$(BIN)/python -m tests.faults.soak --kills $(KILLS) $(if $(SEED),--seed $(SEED))

check: install ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: install ## Format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

coverage: install ## Coverage of pipelines/ and flows/, subprocesses included
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow or not slow" --cov --cov-report=term-missing:skip-covered

bench: install ## The measurements that the README quotes, side by side
	$(BIN)/python -m benchmarks

simulate: install ## How often a rollout is wrong, in 2,000 runs of each scenario
	$(BIN)/python -m benchmarks simulate

lock: install ## Resolve requirements.lock anew (names, versions and hashes; no addresses)
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra explain --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links \
	  --quiet --output-file requirements.lock
	awk '/^uv==/ {found = 1} found {print} found && !/\\$$/ {exit}' requirements.lock > requirements-uv.lock

PROTOCOL := pipelines/serving/inference_protocol

proto: install ## Generate the code of the Open Inference Protocol's messages
	$(BIN)/python -m grpc_tools.protoc -I $(PROTOCOL) --python_out=$(PROTOCOL)/generated \
	  --pyi_out=$(PROTOCOL)/generated $(PROTOCOL)/open_inference.proto

clean: ## Remove the environment and all caches; never data, versions or the state
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
