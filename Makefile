# `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/fjord
# Build output stays out of the clone, one folder per clone: two clones that
# build at the same time would swap each other's programs otherwise.
export CARGO_TARGET_DIR ?= $(CACHE)/target/$(if $(CI),ci,$(shell pwd | cksum | cut -d ' ' -f 1))

CONTROLLERS := source-controller kustomize-controller notification-controller

.PHONY: help prerequisites control-plane oracle bench-build bench-render bench-decrypt fmt check test demo bench faults

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'
	@echo
	@echo "Build output: $(CARGO_TARGET_DIR)"

prerequisites: ## Check for Rust, Go, git and a C compiler
	@.ci/prerequisites

control-plane: prerequisites ## Build the real Kubernetes control plane into the cache (once, about 7 minutes)
	cargo run -q -p fjord-sandbox --example prepare

oracle: ## Let the real kustomize and Helm print the expectations of the engines' cases again
	cd tests/oracle/kustomize && go build -o $(CACHE)/oracle/kustomize-oracle .
	cd libs/kustomize/tests/cases && $(CACHE)/oracle/kustomize-oracle case * 2>/dev/null
	$(CACHE)/oracle/kustomize-oracle schema > libs/kustomize/src/schema/kubernetes-1.21.txt
	cd tests/oracle/helm && go build -o $(CACHE)/oracle/helm-oracle .
	test -x $(CACHE)/oracle/helm || GOBIN=$(CACHE)/oracle go install helm.sh/helm/v4/cmd/helm@v4.2.4
	cd libs/helm/tests/cases && $(CACHE)/oracle/helm-oracle case $(CACHE)/oracle/helm *
	$(CACHE)/oracle/helm-oracle lines libs/helm/tests/templates.jsonl
	cd tests/oracle/sops && go build -o $(CACHE)/oracle/sops-oracle .
	SOPS_ORACLE=$(CACHE)/oracle/sops-oracle SOPS_DIFFERENTIAL=5000 cargo test -p fjord-sops --test differential
	git diff --exit-code -- libs/kustomize libs/helm

bench-build: ## Compare the build engine's cost with the real kustomize 5.8.1
	mkdir -p $(CACHE)/oracle
	test -x $(CACHE)/oracle/kustomize || GOBIN=$(CACHE)/oracle go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
	cd tests/oracle/kustomize && go build -o $(CACHE)/oracle/kustomize-bench ./bench
	cargo build --release -p fjord-kustomize --example kustomize_build
	$(CACHE)/oracle/kustomize-bench -svg docs/build-engine.svg $(CARGO_TARGET_DIR)/release/examples/kustomize_build $(CACHE)/oracle/kustomize

bench-render: ## Compare the cost of charts with the real Helm 4.2.4, library and command; CHARTS names more charts
	mkdir -p $(CACHE)/oracle
	test -x $(CACHE)/oracle/helm || GOBIN=$(CACHE)/oracle go install helm.sh/helm/v4/cmd/helm@v4.2.4
	cd tests/oracle/helm && go build -o $(CACHE)/oracle/helm-oracle . && go build -o $(CACHE)/oracle/helm-bench ./bench
	cargo build --release -p fjord-helm --example helm_render
	cargo build --release -p fjord --bin fjord
	$(CACHE)/oracle/helm-bench $(CARGO_TARGET_DIR)/release/examples/helm_render $(CARGO_TARGET_DIR)/release/fjord \
		$(CACHE)/oracle/helm-oracle $(CACHE)/oracle/helm $(CHARTS)

bench-decrypt: ## Compare the cost of decryption, by age and by OpenPGP, with the real sops 3.13.2 and gpg
	mkdir -p $(CACHE)/oracle
	test -x $(CACHE)/oracle/sops || GOBIN=$(CACHE)/oracle go install github.com/getsops/sops/v3/cmd/sops@v3.13.2
	cargo run --release -p fjord-sops --example decrypt_bench -- $(CACHE)/oracle/sops

fmt: ## Format everything
	cargo fmt --all
	gofmt -w tests/controlplane tests/oracle

check: prerequisites ## Formatting, lints, dependency rules, generated files
	cargo fmt --all --check
	@test -z "$$(gofmt -l tests/controlplane tests/oracle)" || { echo "gofmt: run 'make fmt'"; exit 1; }
	cargo clippy --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; \
	else echo "cargo-deny is not installed: skipped (cargo install --locked cargo-deny)"; fi

test: prerequisites control-plane ## Every test, those on a real control plane included
	cargo build --workspace --bins
	cargo test --workspace --no-fail-fast

demo: prerequisites control-plane ## One commit, a manual edit, a deleted file, a webhook: measured, ends by itself
	cargo build -p fjord-source-controller -p fjord-kustomize-controller -p fjord-notification-controller --bins
	cargo run -q -p fjord-tests --bin demo -- $(if $(SVG),--svg $(SVG))

bench: prerequisites control-plane ## Figures beside the real Flux's (FLUX_BIN_DIR names their folder); PARTS=apps, growth, drift, idle
	cargo build --release --workspace $(foreach program,bench $(CONTROLLERS),--bin $(program))
	$(CARGO_TARGET_DIR)/release/bench $(PARTS)

faults: prerequisites control-plane ## 90 kills of controllers without election and 10 of leaders, while commits arrive
	cargo build --workspace --bins
	FJORD_KILLS=90 FJORD_LEADER_KILLS=10 cargo test -p fjord-tests --test faults -- --nocapture --test-threads=1
