# Every command of the project. `make help` lists them.
#
# Set-up is part of each target: a virtual environment in .venv with the pinned packages of constraints.txt, and the
# Rust extension built in release mode into python/nextbest/. Nothing outside this folder is touched.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTENSION := python/nextbest/_core.abi3.so
RUST_SOURCES := $(shell find rust proto -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.proto' \)) Cargo.toml Cargo.lock
PROTOS := $(wildcard proto/nextbest/v1/*.proto)

# Real data for the tests that want it; they skip with a message where it is absent.
ifneq ($(wildcard ../shared/data),)
export NEXTBEST_TEST_DATA ?= $(abspath ../shared/data)
endif
# What cargo-fuzz builds with, as far as a stable compiler knows it: counters in every branch, comparisons told.
FUZZ_FLAGS := --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares
FUZZ := target/fuzz
FUZZ_S ?= 10
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
# Build back ends look for their tools there.
export PATH := $(abspath $(BIN)):$(PATH)
export ORT_DISABLE_TELEMETRY := 1
export CARGO_TERM_COLOR ?= auto

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "  \033[1m%-17s\033[0m %s\n", $$1, $$2}'

.PHONY: demo
demo: $(EXTENSION) ## Set everything up and run the demo bank: compile, serve, decide, explain, measure
	$(BIN)/nextbest demo

.PHONY: test
test: lint test-rust test-fuzz test-python docs ## Everything that continuous integration runs

.PHONY: test-fast
test-fast: $(EXTENSION) ## The tests that fit in a minute
	cargo test --quiet --workspace --exclude nextbest-python
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow and not long"

.PHONY: test-long
test-long: FUZZ_S = 300
test-long: $(EXTENSION) $(VENV)/.proxies test-fuzz ## What is too slow for `make test`: long fuzzing (FUZZ_S=300), tests marked `long`
	$(BIN)/pytest -m long

.PHONY: lint
lint: $(EXTENSION) ## Formatting, clippy, ruff, mypy and the extension's stub
	cargo fmt --all --check
	cargo fmt --manifest-path tests/fuzz/Cargo.toml --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest nextbest._core

.PHONY: test-rust
test-rust: $(EXTENSION) ## Rust tests; they take ONNX Runtime from the virtual environment
	cargo test --quiet --workspace --exclude nextbest-python
	cargo test --quiet -p nextbest-engine --bench decide -- --quick
	cargo test --quiet -p nextbest-otlp --bench emit -- --quick
	cargo test --quiet -p nextbest-proto --bench decode -- --quick

.PHONY: test-fuzz
test-fuzz: $(EXTENSION) ## Bytes nobody meant, FUZZ_S seconds (10) for each reader of bytes; findings stay in target/fuzz
	$(BIN)/python tests/fuzz/seeds.py $(FUZZ)
	RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --quiet --release --locked --manifest-path tests/fuzz/Cargo.toml \
		--target $(HOST) --target-dir target
	@for target in request bundle headers; do \
		FUZZ_BUNDLE=$(FUZZ)/demo.bundle target/$(HOST)/release/$$target -max_total_time=$(FUZZ_S) -timeout=10 \
			-rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 -artifact_prefix=$(FUZZ)/$$target- \
			$(FUZZ)/$$target > $(FUZZ)/$$target.log 2>&1 || { tail -n 40 $(FUZZ)/$$target.log; exit 1; }; \
		echo "$$target: $$(sed -n 's/^stat::number_of_executed_units: *//p' $(FUZZ)/$$target.log) inputs, none of them broke it"; \
	done

.PHONY: test-python
test-python: $(EXTENSION) $(VENV)/.proxies ## Python tests, the slow ones too, without those marked `long`
	$(BIN)/pytest -n 2 --dist loadfile -m "not long"

.PHONY: bless
bless: $(EXTENSION) ## Rewrite the expected output of golden tests; review the difference as code
	NEXTBEST_BLESS=1 $(BIN)/pytest -q -n 2 tests/diagnostics tests/expression tests/docs

.PHONY: bench
bench: bench-engine bench-eligibility bench-scoring bench-compiling bench-serving bench-activation ## All benchmarks

.PHONY: bench-serving
bench-serving: $(EXTENSION) $(VENV)/.bench-packages ## Latency and capacity over gRPC, beside a plain Python server
	$(BIN)/python bench/record.py serving

.PHONY: bench-engine
bench-engine: ## A decision without transport, models and threads
	cargo bench --quiet -p nextbest-engine --bench decide

.PHONY: bench-eligibility
bench-eligibility: $(EXTENSION) $(VENV)/.bench-packages ## Which of up to 100,000 actions, beside rule engines and numpy
	$(BIN)/python bench/record.py eligibility

.PHONY: bench-scoring
bench-scoring: $(EXTENSION) $(VENV)/.bench-packages ## Propensities, beside ONNX Runtime and the libraries that train models
	$(BIN)/python bench/record.py scoring

.PHONY: bench-activation
bench-activation: $(EXTENSION) ## A thousand activations under load
	$(BIN)/python bench/record.py activation

.PHONY: bench-compiling
bench-compiling: $(EXTENSION) ## Compile 10,000 actions of ten conditions
	$(BIN)/python bench/record.py compiling

.PHONY: docs
docs: $(VENV)/.docs-packages ## Build the pages of docs/ into target/docs; a warning or a dead link is an error
	$(BIN)/sphinx-build -n -W --keep-going -q -c docs . target/docs
	@echo "target/docs/index.html"

.PHONY: bench-gate
bench-gate: $(VENV)/.packages ## Check the recorded ratios (bench/results) against bench/budgets.toml
	$(BIN)/python bench/gate.py

.PHONY: figures
figures: $(VENV)/.packages ## Write the recorded figures (bench/results) into the pages
	$(BIN)/python bench/figures.py

.PHONY: pictures
pictures: $(EXTENSION) ## Make the screens and charts of docs/pictures again
	PYTHONPATH=docs $(BIN)/python -m screens

.PHONY: wheel
wheel: $(VENV)/.packages ## Build the wheel into dist/
	$(BIN)/maturin build --release --locked --out dist

.PHONY: house
house: $(VENV)/.packages ## Measure the code: sizes, circles, back arrows, import time; one line of JSON (tests/tidy/house.py)
	$(BIN)/python tests/tidy/house.py

.PHONY: generate
generate: $(VENV)/.packages ## Generate the Python code of all .proto files
	$(BIN)/python -m grpc_tools.protoc -Iproto \
		--plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy --plugin=protoc-gen-mypy_grpc=$(BIN)/protoc-gen-mypy_grpc \
		--python_out=python --grpc_python_out=python --mypy_out=quiet:python --mypy_grpc_out=quiet:python $(PROTOS)
	$(BIN)/python -m grpc_tools.protoc -Ipython --plugin=protoc-gen-mypy=$(BIN)/protoc-gen-mypy \
		--python_out=python --mypy_out=quiet:python python/nextbest/expression/checked/checked.proto

.PHONY: format
format: $(VENV)/.packages ## Format Rust and Python
	cargo fmt --all
	cargo fmt --manifest-path tests/fuzz/Cargo.toml
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: constraints
constraints: $(VENV)/.bench-packages $(VENV)/.docs-packages ## Write the installed versions to constraints.txt
	$(BIN)/pip freeze --exclude-editable --exclude nextbest | LC_ALL=C sort -f > constraints.txt

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf $(VENV) target dist $(EXTENSION)

$(VENV)/.packages: constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("nextbest needs Python 3.11 or newer: set PYTHON=...") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt "pip>=25.1"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --group dev maturin
	touch $@

$(VENV)/.bench-packages: $(VENV)/.packages
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --group bench
	touch $@

$(VENV)/.docs-packages: $(VENV)/.packages
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --group docs
	touch $@

# What tests/proxies stands behind; where the machine has none, it is unpacked here.
$(VENV)/.proxies: $(VENV)/.packages tests/proxies/unpack.sh
	tests/proxies/unpack.sh $(VENV)/proxies
	touch $@

$(EXTENSION): $(VENV)/.packages $(RUST_SOURCES)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[demo]'
	touch $@
