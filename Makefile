# Everything here works on a fresh Debian 12 (amd64) with Go, git and make; what else is needed is
# fetched into .cache and ~/go. CONTRIBUTING.md tells what to run when.

SHELL := /bin/bash
.DEFAULT_GOAL := build

# A tree whose owner is not the user, as in a container, has no version control that Go would trust.
export GOFLAGS ?= -buildvcs=false

ENGINE ?= mysql
PACKAGES ?= ./...
TEST_TIMEOUT ?= 20m
# Packages whose goroutines share memory, and one migration under load on each server: the race detector's share of CI.
RACE_PACKAGES ?= $(addprefix ./internal/,adapt schedule progress throttle status binlog chunk changelog applier copier verify migrate)
RACE_RUNS ?= TestLoadStopped/8_connections

# What --version shows; empty where there is no repository.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
# Nothing of the machine in the commands. It makes other packages of the same code, which tests and lint do not share.
BUILD_FLAGS ?= -trimpath

SANDBOX := bin/sandbox
NOT_RUN := $(CURDIR)/.cache/not-run
# In front of what starts servers for a short time.
IN_MEMORY = TMPDIR=$$(scripts/tmp)

.PHONY: build
build: ## build the commands into bin/
	go build $(BUILD_FLAGS) -ldflags "-X main.version=$(VERSION)" -o bin/ ./cmd/...

.PHONY: $(SANDBOX)
$(SANDBOX):
	@go build -o $@ ./internal/sandbox/cmd/sandbox

.PHONY: servers
servers: $(SANDBOX) ## fetch the database servers into the cache and print their versions
	@$(SANDBOX) fetch

.PHONY: up
up: servers ## keep the servers running until interrupted; source .cache/up/env to use them
	@$(SANDBOX) up --dir .cache/up

.PHONY: demo
demo: ## migrate a million rows under a write load and prove the result; ENGINE=mysql or mariadb
	@go run ./cmd/midstream-demo --engine=$(ENGINE)

.PHONY: test
test: servers ## all tests, against all servers
	@mkdir -p .cache && rm -f $(NOT_RUN)
	@$(IN_MEMORY) MIDSTREAM_NOT_RUN=$(NOT_RUN) $(SANDBOX) run -- scripts/test '$(PACKAGES)' -count=1 -timeout $(TEST_TIMEOUT); \
	status=$$?; scripts/not-run $(NOT_RUN); exit $$status

.PHONY: test-fast
test-fast: $(SANDBOX) ## the tests without -short's long ones; uses the servers of `make up` when its env is sourced
	@if [[ $$MIDSTREAM_SERVERS ]]; then go test -short $(PACKAGES); else $(IN_MEMORY) $(SANDBOX) run -- go test -short $(PACKAGES); fi

.PHONY: race
race: servers ## what runs at once, under the race detector (needs a C compiler)
	@$(IN_MEMORY) $(SANDBOX) run -- go test -race -vet=off -short -count=1 $(RACE_PACKAGES)
	@$(IN_MEMORY) $(SANDBOX) run -- go test -race -vet=off -count=1 -run '$(RACE_RUNS)' ./test/underload

.PHONY: mutants
mutants: $(if $(SHORT),,servers) ## show that the tests of the invariants can fail: break the code in known ways; SHORT=-short: without servers
	@$(IN_MEMORY) $(if $(SHORT),,$(SANDBOX) run --) go test -count=1 -timeout 60m -tags mutants $(SHORT) ./internal/mutants

.PHONY: bench-apply
bench-apply: servers ## row changes per second of 1, 2, 4 and 8 workers side by side; BENCH_ENGINES=mysql,mariadb
	go test -count=1 -timeout 90m -tags bench -v -run TestApply ./test/bench

.PHONY: bench
bench: servers ## speed beside the server's own, and what a write load notices; BENCH_TURNS, BENCH_ROWS, BENCH_ENGINES, BENCH_SERVER
	go test -count=1 -timeout 120m -tags bench -v -run 'TestIdle|TestBacklog|TestScale|TestHarm|TestNearCapacity' ./test/bench

.PHONY: bench-migrate
bench-migrate: servers ## a million rows on each server, beside its own ALGORITHM=COPY and under load, with both proofs; BENCH_ROWS, BENCH_ENGINES
	BENCH_ENGINES=$${BENCH_ENGINES:-mysql,mariadb-10.11,mariadb-11.8} go test -count=1 -timeout 90m -tags bench -v -run TestMigrate ./test/bench

.PHONY: bench-resume
bench-resume: servers ## how soon a killed migration goes on, and what checkpoints cost; BENCH_ROWS, BENCH_ENGINES
	go test -count=1 -timeout 90m -tags bench -v -run 'TestResume|TestCheckpointCost' ./test/bench

SOAK ?= 60s
KILLS ?= 63
.PHONY: soak
soak: servers ## the runs under load, the cut-overs and the kills in their long form, and all mutants; SOAK=60s a run, KILLS=63
	@MIDSTREAM_KILLS=$(KILLS) $(SANDBOX) run -- go test -count=1 -timeout 2h -v ./test/crash
	@MIDSTREAM_SOAK=$(SOAK) $(SANDBOX) run -- go test -count=1 -timeout 5h -v -run 'Load|Rotations|Swaps|AllRows|HotRow' ./test/underload ./internal/cutover
	@MIDSTREAM_DIFFERENTIAL=$(SOAK) $(SANDBOX) run -- go test -count=1 -timeout 2h -v -run TestDifferential ./test/scenario
	@$(MAKE) --no-print-directory mutants

.PHONY: lint
lint: ## format, vet, staticcheck, known vulnerabilities, module files
	@scripts/lint

.PHONY: help
help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
