# The commands of the project; `make` alone lists them. Needs Rust, make and a C compiler.

CARGO ?= cargo
# Seconds that each fuzz body runs.
FUZZ_SECONDS ?= 5
# More for `cargo build --release`.
BUILD_FLAGS ?=
# What `make dashboards` runs; it is built only if it is this one.
PROGRAM ?= target/release/askance
# More for `cargo bench`, before and after its `--`.
BENCH_FLAGS ?=
BENCH_ARGS ?= --quick --noplot
# More for `make noise` and `make load`.
NOISE_ARGS ?=
LOAD_ARGS ?=
# Tests at once. Many wait for servers and clocks: with one for each processor half the time is idle.
TEST_THREADS ?= $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
# How often `make torture` kills the service.
KILLS ?= 30

.DEFAULT_GOAL := help
.PHONY: help build test run-tests tools lint deny fuzz bench compare load noise replay-bench torture demo demo-kinesis dashboards

# What the tests need beside Rust: servers that stand in for AWS and others, from Python packages.
TOOLS := target/tools

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the binary, target/release/askance
	$(CARGO) build --release $(BUILD_FLAGS)

tools: $(TOOLS)/installed ## stand-ins for AWS and mail that the tests start (needs python3 with venv)

$(TOOLS)/installed: pipeline/tests/requirements.txt
	python3 -m venv $(TOOLS)
	$(TOOLS)/bin/pip install -q --disable-pip-version-check -r $<
	@touch $@

test: tools ## unit, integration and doc tests, and the house rules
	@bash pipeline/tests/with_moto.sh $(MAKE) --no-print-directory run-tests

run-tests:
	@if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --workspace --no-fail-fast --test-threads $(TEST_THREADS); code=$$?; \
		$(CARGO) test --workspace --doc --no-fail-fast && exit $$code; \
	else \
		RUST_TEST_THREADS=$(TEST_THREADS) $(CARGO) test --workspace --no-fail-fast; \
	fi

lint: ## format, clippy and the documentation, with no warning
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

deny: ## licences and sources of the dependencies (needs cargo-deny)
	@$(CARGO) deny --version >/dev/null 2>&1 || { echo "missing: cargo install cargo-deny --locked" >&2; exit 1; }
	$(CARGO) deny --workspace check bans licenses sources

fuzz: ## every fuzz body for FUZZ_SECONDS (5)
	ASKANCE_FUZZ_SECONDS=$(FUZZ_SECONDS) $(CARGO) test --workspace --release --test fuzz_replay

bench: ## every benchmark, a short run; BENCH_ARGS= for a full one
	$(CARGO) bench --workspace $(BENCH_FLAGS) --bench '*' -- $(BENCH_ARGS)

compare: ## the comparison with other tools
	bash benches/compare/run.sh

replay-bench: ## askance replay beside a bare downloader; REPLAY_ARGS=--quick for a short run
	bash benches/replay/run.sh $(REPLAY_ARGS)

noise: ## what the built-in rules ask about ordinary work; NOISE_ARGS=--quick for a short run
	bash benches/noise/run.sh $(NOISE_ARGS)

load: ## askance run under load: speed, latency, memory; LOAD_ARGS=--quick for a short run
	bash benches/load/run.sh $(LOAD_ARGS)

torture: tools ## askance run killed KILLS (30) times, and among neighbours in trouble
	ASKANCE_KILLS=$(KILLS) $(CARGO) test --workspace --test service -- --nocapture --test-threads 1

demo: tools build ## askance run at work, with moto in place of AWS
	@$(TOOLS)/bin/python examples/demo/demo.py

demo-kinesis: tools build ## CloudWatch Logs to Kinesis to askance run, with a reshard, on moto
	@$(TOOLS)/bin/python examples/demo/kinesis.py

dashboards: tools ## every panel and alert of PROGRAM against a real Prometheus (needs prometheus)
	@[ $(PROGRAM) != target/release/askance ] || $(MAKE) --no-print-directory build
	@python3 dashboards/check.py --askance $(PROGRAM)
