# `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/fjord
# Build output stays out of the clone, one folder per clone: two clones that
# build at the same time would swap each other's programs otherwise.
export CARGO_TARGET_DIR ?= $(CACHE)/target/$(if $(CI),ci,$(shell pwd | cksum | cut -d ' ' -f 1))

.PHONY: help prerequisites control-plane fmt check test bench

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'
	@echo
	@echo "Build output: $(CARGO_TARGET_DIR)"

prerequisites: ## Check for Rust, Go, git and a C compiler
	@.ci/prerequisites

control-plane: prerequisites ## Build the real Kubernetes control plane into the cache (once, about 7 minutes)
	cargo run -q -p fjord-sandbox --example prepare

fmt: ## Format everything
	cargo fmt --all
	gofmt -w tests/controlplane

check: prerequisites ## Formatting, lints, dependency rules, generated files
	cargo fmt --all --check
	@test -z "$$(gofmt -l tests/controlplane)" || { echo "gofmt: run 'make fmt'"; exit 1; }
	cargo clippy --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; \
	else echo "cargo-deny is not installed: skipped (cargo install --locked cargo-deny)"; fi

test: prerequisites control-plane ## Every test, those on a real control plane included
	cargo build --workspace --bins
	cargo test --workspace --no-fail-fast

bench: prerequisites control-plane ## Figures beside the real Flux's (FLUX_BIN_DIR names their folder); PARTS=apps, drift, idle
	cargo build --release --workspace --bins
	cargo run --release -p fjord-tests --bin bench -- $(PARTS)
