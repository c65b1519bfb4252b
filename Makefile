# Every command of the project. `make help` lists them.
#
# Each target sets up what it needs: a virtual environment in .venv with the pinned packages of constraints.txt (one
# stamp file for each group of packages), and the Rust extension, copied to python/nextbest/. Nothing outside this
# folder is touched.
#
# Rust is built twice: `dev` for lint, tests and fuzzing, `release` for the demo, benchmarks and the wheel. Both build
# the extension; a target copies the one that it needs.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
CORES ?= $(shell nproc)
VENV := .venv
BIN := $(VENV)/bin
EXTENSION := python/nextbest/_core.abi3.so
PROTOS := $(wildcard proto/nextbest/v1/*.proto)
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

# All crates and all their features in every command: other choices would build tokio, tonic and hyper once more.
WORKSPACE := --quiet --locked --workspace --features nextbest-python/extension-module
# Test files with the same fixtures stay together, as each of them starts servers.
PYTEST := $(BIN)/pytest -q -n $(CORES) --dist loadfile

# Real data for the tests that use it; they are skipped with a message where it is absent.
ifneq ($(wildcard ../shared/data),)
export NEXTBEST_TEST_DATA ?= $(abspath ../shared/data)
endif
# The flags of cargo-fuzz that a stable compiler accepts: a counter in every branch, comparisons reported.
FUZZ_FLAGS := --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares
FUZZ := target/fuzz
FUZZ_TARGETS := request bundle headers
FUZZ_S ?= 10
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
# Build back ends look for their tools there.
export PATH := $(abspath $(BIN)):$(PATH)
export PYO3_PYTHON := $(abspath $(BIN))/python
export ORT_DISABLE_TELEMETRY := 1
export CARGO_TERM_COLOR ?= auto

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "  \033[1m%-17s\033[0m %s\n", $$1, $$2}'

.PHONY: demo
demo: ## Set everything up and run the demo bank: compile, serve, decide, explain, measure
	@$(MAKE) --no-print-directory -j 2 $(VENV)/.demo-packages release-extension
	$(BIN)/nextbest demo

# The loop

.PHONY: check
check: ## Run before each commit: format, lint, types and the tests that fit in a minute
	@$(PYTHON) tests/steps.py set-up check-format lint-rust lint-python test-rust test-python-fast

.PHONY: test
test: ## Run everything that continuous integration runs, and list its slowest parts
	@$(PYTHON) tests/steps.py set-up check-format lint-rust lint-python lint-stub test-rust test-fuzz test-python docs

.PHONY: test-long
test-long: ## Run what is too slow for `make test`: fuzzing for 5 minutes a target, tests marked `long`
	@FUZZ_S=300 $(PYTHON) tests/steps.py set-up test-fuzz test-python-long

.PHONY: set-up
set-up: ## Install the packages of tests, and meanwhile build the extension and the test programs
	@$(MAKE) --no-print-directory -j 2 $(VENV)/.packages dev-extension

.PHONY: check-format
check-format: $(VENV)/.packages ## Check the format of Rust and Python
	cargo fmt --all --check
	cargo fmt --manifest-path tests/fuzz/Cargo.toml --check
	$(BIN)/ruff format --quiet --check .

.PHONY: lint
lint: check-format lint-rust lint-python lint-stub ## Check format, clippy, ruff, mypy and the extension's stub

.PHONY: lint-rust
lint-rust: $(VENV)/.packages
	cargo clippy $(WORKSPACE) --all-targets -- -D warnings

.PHONY: lint-python
lint-python: $(VENV)/.packages
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy

.PHONY: lint-stub
lint-stub: $(VENV)/.packages dev-extension
	$(BIN)/python -m mypy.stubtest nextbest._core
	$(BIN)/lint-imports --no-cache

.PHONY: test-rust
test-rust: $(VENV)/.packages ## Run the Rust tests, and each benchmark once; ONNX Runtime is that of the virtual environment
	cargo test $(WORKSPACE)
	cargo test $(WORKSPACE) --bench decide --bench emit --bench decode -- --quick

.PHONY: test-fuzz
test-fuzz: $(VENV)/.packages dev-extension ## Fuzz requests, bundles and header blocks, FUZZ_S seconds (10) each; findings stay in target/fuzz
	$(BIN)/python tests/fuzz/seeds.py $(FUZZ)
	RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --quiet --locked --manifest-path tests/fuzz/Cargo.toml \
		--target $(HOST) --target-dir target
	@printf '%s\n' $(FUZZ_TARGETS) | xargs -P $(CORES) -I {} bash -c 'set -eu; \
		FUZZ_BUNDLE=$(FUZZ)/demo.bundle target/$(HOST)/debug/{} -max_total_time=$(FUZZ_S) -timeout=10 \
			-rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 -artifact_prefix=$(FUZZ)/{}- \
			$(FUZZ)/{} > $(FUZZ)/{}.log 2>&1 || { tail -n 40 $(FUZZ)/{}.log; exit 1; }; \
		echo "{}: $$(sed -n "s/^stat::number_of_executed_units: *//p" $(FUZZ)/{}.log) inputs, no failure"'

.PHONY: test-python
test-python: $(VENV)/.packages dev-extension $(VENV)/.proxies ## Run the Python tests, apart from those marked `long`
	$(PYTEST) --junitxml=target/steps/test-python.xml -m "not long"

.PHONY: test-python-fast
test-python-fast: $(VENV)/.packages dev-extension
	$(PYTEST) --junitxml=target/steps/test-python-fast.xml -m "not slow and not long"

.PHONY: test-python-long
test-python-long: $(VENV)/.packages dev-extension $(VENV)/.proxies
	$(BIN)/pytest --junitxml=target/steps/test-python-long.xml -m long

.PHONY: bless
bless: $(VENV)/.packages dev-extension ## Rewrite the expected output of golden tests; review the difference as code
	NEXTBEST_BLESS=1 $(PYTEST) tests/diagnostics tests/expression tests/docs tests/cli/test_golden_tables.py

.PHONY: slow-tests
slow-tests: ## Write the slow tests of the last `make test` to tests/slow.txt, for `make check` to leave out
	$(PYTHON) tests/slow.py

.PHONY: house
house: $(VENV)/.packages ## Measure the code: sizes, circles, back arrows, import time; one line of JSON
	@$(BIN)/python tests/tidy/house.py

.PHONY: format
format: $(VENV)/.packages ## Format Rust and Python
	cargo fmt --all
	cargo fmt --manifest-path tests/fuzz/Cargo.toml
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: generate
generate: $(VENV)/.packages ## Generate the Python code of all .proto files
	$(BIN)/python -m grpc_tools.protoc -Iproto \
		--plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
		--python_out=python --grpc_python_out=python --mypy_out=quiet:python --mypy_grpc_out=quiet:python $(PROTOS)
	$(BIN)/python -m grpc_tools.protoc -Ipython --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy \
		--python_out=python --mypy_out=quiet:python python/nextbest/expression/checked/checked.proto

.PHONY: docs
docs: $(VENV)/.docs-packages ## Build the pages of docs/ into target/docs; a warning or a dead link is an error
	$(BIN)/sphinx-build -n -W --keep-going -q -c docs . target/docs
	@echo "target/docs/index.html"

.PHONY: pictures
pictures: release-extension $(VENV)/.packages ## Make the screens and charts of docs/pictures again
	PYTHONPATH=docs $(BIN)/python -m screens

# Benchmarks

.PHONY: bench
bench: bench-engine bench-eligibility bench-scoring bench-compiling bench-serving bench-activation ## Run all benchmarks

.PHONY: bench-serving
bench-serving: release-extension $(VENV)/.bench-packages ## Latency and capacity over gRPC, beside a plain Python server
	$(BIN)/python bench/record.py serving

.PHONY: bench-engine
bench-engine: ## A decision without transport, models and threads
	cargo bench --quiet -p nextbest-engine --bench decide

.PHONY: bench-eligibility
bench-eligibility: release-extension $(VENV)/.bench-packages ## Which of up to 100,000 actions, beside rule engines and numpy
	$(BIN)/python bench/record.py eligibility

.PHONY: bench-scoring
bench-scoring: release-extension $(VENV)/.bench-packages ## Propensities, beside ONNX Runtime and the libraries that train models
	$(BIN)/python bench/record.py scoring

.PHONY: bench-activation
bench-activation: release-extension $(VENV)/.packages ## A thousand activations under load
	$(BIN)/python bench/record.py activation

.PHONY: bench-compiling
bench-compiling: release-extension $(VENV)/.packages ## Compile 10,000 actions of ten conditions
	$(BIN)/python bench/record.py compiling

.PHONY: bench-gate
bench-gate: $(VENV)/.packages ## Check the recorded ratios (bench/results) against bench/budgets.toml
	$(BIN)/python bench/gate.py

.PHONY: figures
figures: $(VENV)/.packages ## Write the recorded figures (bench/results) into the pages
	$(BIN)/python bench/figures.py

# Releases

.PHONY: wheel
wheel: $(VENV)/.demo-packages ## Build the wheel into dist/
	$(BIN)/maturin build --release --locked --out dist

.PHONY: release
release: $(VENV)/.release-packages ## Build the wheel, bills of materials and checksums into dist/, and try the wheel out
	$(BIN)/python .ci/release.py

.PHONY: deny
deny: ## Check licences, bans and sources of Rust dependencies with cargo-deny, where it is installed
	cargo deny --locked check licenses bans sources

# Set-up

.PHONY: constraints
constraints: $(VENV)/.bench-packages $(VENV)/.docs-packages $(VENV)/.release-packages ## Write the installed versions to constraints.txt
	$(BIN)/pip freeze --exclude-editable --exclude nextbest | LC_ALL=C sort -f > constraints.txt

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf $(VENV) target dist $(EXTENSION)

# Cargo knows what is out of date. The copy is replaced in one step, as a server may have mapped the old file.
install-extension = cmp -s $(1) $(EXTENSION) || { cp $(1) $(EXTENSION).new && mv $(EXTENSION).new $(EXTENSION); }

.PHONY: release-extension
release-extension: $(VENV)/.python
	cargo build --quiet --locked --release -p nextbest-python --features extension-module
	@$(call install-extension,target/release/lib_core.so)

# With the test programs, so that Cargo chooses the same features for it as for them.
.PHONY: dev-extension
dev-extension: $(VENV)/.python
	cargo build $(WORKSPACE) --lib --tests
	@$(call install-extension,target/debug/lib_core.so)

$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit("nextbest needs Python 3.11 or newer: set PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	touch $@

# What the package itself needs, and what trains the demo's models.
$(VENV)/.demo-packages: $(VENV)/.python constraints.txt pyproject.toml .ci/link_package.py
	$(PIP) "pip>=25.1"
	$(PIP) maturin
	$(PIP) --force-reinstall --no-deps "$$($(BIN)/python .ci/link_package.py $(VENV) | tail -n 1)"
	$(PIP) "$$(echo $(VENV)/nextbest-*.whl)[demo]"
	touch $@

$(VENV)/.packages: $(VENV)/.demo-packages
	$(PIP) --group dev
	touch $@

$(VENV)/.bench-packages: $(VENV)/.packages
	$(PIP) --group bench
	touch $@

$(VENV)/.docs-packages: $(VENV)/.packages
	$(PIP) --group docs
	touch $@

$(VENV)/.release-packages: $(VENV)/.demo-packages
	$(PIP) --group release
	touch $@

# nginx and HAProxy for tests/proxies; where the machine does not have them, they are unpacked here.
$(VENV)/.proxies: $(VENV)/.packages tests/proxies/unpack.sh
	tests/proxies/unpack.sh $(VENV)/proxies
	touch $@
