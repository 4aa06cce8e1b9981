# Everything a contributor runs. `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# The ceiling keeps git from describing a repository that merely contains this
# folder. Without a version the binary falls back to its build information.
VERSION ?= $(shell GIT_CEILING_DIRECTORIES="$(abspath ..)" git describe --tags --always --dirty 2>/dev/null)

# Everything is compiled in one way, without C and without this machine's paths, so
# that each target finds in Go's cache what another one has compiled.
export CGO_ENABLED := 0
# Compilers end before their garbage would matter, and make nothing for debuggers, which
# linking would strip; what comes of it is the same.
COMPILED := -trimpath -buildvcs=false -gcflags=all=-dwarf=false '-toolexec=env GOGC=400'
export GOFLAGS := $(strip $(filter-out $(COMPILED) -buildvcs=%,$(shell go env GOFLAGS)) $(COMPILED))

ETCDCTR := go build -tags carry -ldflags '-s -w -X main.version=$(VERSION)'
PLATFORMS ?= linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64 windows-arm64

# etcd's minors: those with a module under tools, the one that go.mod links, and the
# one that comes next, of which tools has a pre-release.
OLDER := 3.5 3.6
LINKED := 3.7
COMING := 3.8
MINORS := $(OLDER) $(LINKED)

##@ The product

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/etcdctr, static and stripped
	$(call build-carried,$$(go env GOARCH),bin)
	$(ETCDCTR) -o bin/ ./cmd/etcdctr

.PHONY: image
image: build ## Build the image etcdctr:latest from bin/etcdctr
	docker build --tag etcdctr:latest .

.PHONY: cross
cross: ## Build dist/OS-ARCH/etcdctr for every platform
	@for arch in $(sort $(foreach platform,$(PLATFORMS),$(lastword $(subst -, ,$(platform))))); do \
		$(call build-carried,$$arch,dist/linux-$$arch); \
	done
	@for platform in $(PLATFORMS); do \
		echo "dist/$$platform"; \
		GOOS=$${platform%-*} GOARCH=$${platform#*-} \
			$(ETCDCTR) -o "dist/$$platform/" ./cmd/etcdctr; \
	done

# What images are made of: one linux program that is etcd, etcdctl and etcdutl.
# It lies beside etcdctr for the Dockerfile, and etcdctr carries it.
build-carried = \
	$(call build-program,$(1),$(2)) && \
	mkdir -p cmd/etcdctr/carried && \
	go run ./cmd/internal/compress <$(2)/etcd >cmd/etcdctr/carried/linux-$(1).zst

# COPY takes the mode over, whatever the umask here has made of it, and the user
# in an image is none that a narrow one knows.
build-program = \
	GOOS=linux GOARCH=$(1) go build -ldflags '-s -w' -o $(2)/etcd ./cmd/etcd && \
	chmod 755 $(2)/etcd

# Not in certs, where it would be by default: that is a package here.
UP_CERTS := .cache/up/certs

.PHONY: up
up: build ## Start a three-member cluster and show that it is healthy
	bin/etcdctr up --detach --certs-dir $(UP_CERTS)
	bin/etcdctr health --certs-dir $(UP_CERTS)

.PHONY: down
down: build ## Stop that cluster and delete its data
	bin/etcdctr down --volumes --yes --certs-dir $(UP_CERTS)

##@ A release

# What is no release yet has a version that sorts before each, and all files are
# as old as the last commit, so that the same commit gives the same release.
RELEASE ?= $(if $(filter v%,$(VERSION)),$(VERSION),v0.0.0-dev.g$(VERSION))
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
RELEASE_DIR ?= dist/release
HOST = $(shell go env GOOS)-$(shell go env GOARCH)

.PHONY: release
release: .cache/tools/nfpm ## Make dist/release: archives, packages, image, checksums, bills of materials
	rm -rf dist/man
	mkdir -p dist/man
	$(MAKE) --no-print-directory cross VERSION=$(RELEASE)
	go test ./cmd/etcdctr -count 1 -run '^TestManPages$$' -man $(CURDIR)/dist/man
	go run ./cmd/internal/release -version $(RELEASE) -date $(SOURCE_DATE_EPOCH) -platforms '$(PLATFORMS)' \
		-nfpm .cache/tools/nfpm -etcdctr dist/$(HOST)/etcdctr -out $(RELEASE_DIR)
	@cat $(RELEASE_DIR)/SHA256SUMS

# Elsewhere, for somebody whose files nobody else may read, and from nothing: no
# build of the first one is taken.
.PHONY: reproduce
reproduce: release ## Make the release again, in another folder and from nothing, and compare
	umask 077; again=$$(mktemp -d) && trap 'rm -rf "$$again"' EXIT && \
		git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -C "$$again" -xf - && \
		mkdir -p "$$again/.cache/tools" && cp .cache/tools/nfpm "$$again/.cache/tools/" && \
		GOCACHE="$$again/.cache/go" $(MAKE) --no-print-directory -C "$$again" release \
			RELEASE=$(RELEASE) VERSION=$(VERSION) RELEASE_DIR=dist/release PLATFORMS='$(PLATFORMS)' >/dev/null && \
		diff $(RELEASE_DIR)/SHA256SUMS "$$again/dist/release/SHA256SUMS" && \
		echo "made twice, the release is the same: $$(sha256sum <$(RELEASE_DIR)/SHA256SUMS)"

##@ Tests

# All is vetted by `make lint`: here each package that is imported would be looked at
# once more, which takes longer than most of the tests.

# Nobody debugs what is made here, and to link what a debugger reads is half of linking.
STRIPPED := -ldflags '-s -w'

# Most tests wait for a member most of their time: go's one for each processor leaves
# half of them idle.
TWICE = $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))
# Those that take longest begin first: nothing waits for them in the end.
LONGEST := ./cmd/etcdctr ./e2e ./backup ./converge .

# Tests make thousands of files, and what is tested syncs each of them: that is waiting for
# a disk for nothing. Where the system has plenty of memory to give away as a folder, t.TempDir
# is there. The name is short, for sockets lie in it, and the same each time, for Go takes
# results again that came of the same command.
IN_MEMORY := /dev/shm/e$(shell echo $(CURDIR) | cksum | cut -c 1-5)
ROOM = $(shell echo $$((2 * 1024 * 1024 * $$(getconf _NPROCESSORS_ONLN))))

.PHONY: unit
unit: ## Run the hermetic tests: no Docker, no network
	under=env; room=$$(df -Pk /dev/shm 2>/dev/null | awk 'END { print $$4 }'); \
	if [ "$${room:-0}" -ge $(ROOM) ]; then \
		mkdir -p $(IN_MEMORY) && trap 'rm -rf $(IN_MEMORY)' EXIT && under+=' GOTMPDIR=$(IN_MEMORY)'; \
	fi; \
	$(YIELDING) go test -vet off $(STRIPPED) -exec "$$under" -p $(TWICE) -parallel $(TWICE) $(LONGEST) ./...

.PHONY: smoke
smoke: build .cache/tools/docker-compose .cache/etcd/$(LINKED)/etcd ## Run the quick end-to-end tests (needs Docker)
	go test -vet off -tags e2e -c $(STRIPPED) -o .cache/smoke.test ./e2e
	$(E2E_ENV) go run ./e2e/lanes -n $(LANES) -dir e2e -run '^TestSmoke' $(E2E_FLAGS) .cache/smoke.test -test.timeout 10m | $(REPORT)

.PHONY: e2e
e2e: e2e-machine e2e-inputs e2e-release .cache/tools/cfssl .cache/tools/docker-compose-2 .cache/engine/dockerd .cache/engine/runc .cache/systemd.tar ## Run every end-to-end test (needs Docker and minutes)
	go test -vet off -tags e2e -c $(STRIPPED) -o .cache/e2e.test ./e2e
	{ $(E2E_ENV) go run ./e2e/lanes -n $(LANES) -dir e2e $(E2E_FLAGS) .cache/e2e.test -test.timeout 60m && \
		$(E2E) -p 1 $(E2E_FLAGS) ./member ./runtime/local; } | $(REPORT)

# Both kinds wait most of their time: they run side by side, once what both are made of
# is compiled. What the smoke tests print comes when all have ended, and each verdict last.
.PHONY: test
test: ## Run the hermetic tests, and the smoke tests where Docker answers
	@if docker version >/dev/null 2>&1; then \
		rm -rf .cache/test && mkdir -p .cache/test; \
		$(MAKE) --no-print-directory build; \
		$(MAKE) --no-print-directory --keep-going --jobs=2 beside-unit beside-smoke || true; \
		cat .cache/test/smoke.log; \
		for kind in unit smoke; do \
			[ -e .cache/test/$$kind.passed ] && echo "make $$kind passed" || echo "make $$kind failed"; \
		done; \
		[ -e .cache/test/unit.passed ] && [ -e .cache/test/smoke.passed ]; \
	else \
		$(MAKE) --no-print-directory unit; \
		if [ "$(ETCDCTR_DEMAND_DOCKER)" = 1 ]; then \
			echo "no Docker Engine answers, and ETCDCTR_DEMAND_DOCKER=1 asks for the tests that need one" >&2; \
			exit 1; \
		fi; \
		echo "no Docker Engine answers: the end-to-end tests did not run"; \
	fi

.PHONY: beside-unit beside-smoke
beside-smoke: TO := >.cache/test/smoke.log 2>&1
# Containers wait for each other within limits that are etcd's and the engine's: the hermetic
# tests, which would take all processors from them, take what they leave.
beside-unit: export YIELDING := nice
beside-unit beside-smoke: beside-%:
	@$(MAKE) --no-print-directory $* $(TO)
	@touch .cache/test/$*.passed

.PHONY: pictures
pictures: e2e-inputs ## Take the pictures that docs/dashboard.md shows (needs Chromium and minutes)
	$(E2E) -run '^TestPicturesOfTheDashboardAreTaken$$' ./e2e -pictures | $(REPORT)

# memory takes an hour, and is run by itself: make bench-memory.
BENCHMARKS := $(filter-out report memory,$(patsubst bench/%/main.go,%,$(wildcard bench/*/main.go)))

.PHONY: bench
bench: $(BENCHMARKS:%=bench-%) ## Compare with the tools used otherwise, see bench/README.md
	go run ./bench/report -last bench/last.json -output .cache/bench.json $(BENCHMARKS:%=.cache/bench/%.json)

bench-%: e2e-inputs .cache/tools/cfssl .cache/engine/dockerd .cache/engine/runc
	mkdir -p .cache/bench
	BENCH_BIN=$(CURDIR)/bin/etcdctr BENCH_ETCD=$(CURDIR)/.cache/etcd BENCH_ENGINE=$(CURDIR)/.cache/engine \
		TESTCONTAINERS_RYUK_DISABLED=$${TESTCONTAINERS_RYUK_DISABLED:-true} BENCH_JSON=$(CURDIR)/.cache/bench/$*.json \
		PATH="$(CURDIR)/.cache/tools:$$PATH" go run ./bench/$*

.PHONY: findings
findings: ## Run the findings: what etcd and its neighbours do that nobody guesses (needs the internet's modules)
	@for finding in findings/*.sh; do \
		echo "== $$finding"; $$finding || exit 1; \
	done

##@ The source

.PHONY: lint
lint: .cache/tools/golangci-lint .cache/tools/actionlint ## Check style, imports, go.mod and workflows
	.cache/tools/golangci-lint run ./...
	.cache/tools/actionlint
	go mod tidy -diff

.PHONY: fmt
fmt: .cache/tools/golangci-lint ## Format the source
	.cache/tools/golangci-lint fmt ./...

.PHONY: docs
docs: ## Write docs/reference, docs/releases, and the pages made of tables
	go test ./cmd/etcdctr -run '^Test(Reference|BootstrapsPage|EnginesPage|SettingsPage|ReleasePages|Schemas|WhatIsNotRunIsCounted|ThePictureIsOfWhatIsPrinted)$$' -update
	go test ./lint ./monitoring ./health/doctor -run '^TestPage$$' -update

# What a new minor of etcd takes stands in CONTRIBUTING.md. 3.4 can't be
# built any more: its program is Debian's.
.PHONY: settings
settings: .cache/etcd/3.4/etcd ## Read every etcd's settings into cluster/releases, then write their pages
	go run ./cmd/internal/settings $(OLDER:%=tools/etcd-%) . $(COMING:%=tools/etcd-%) .cache/etcd/3.4/etcd
	$(MAKE) --no-print-directory docs

.PHONY: metrics
metrics: $(MINORS:%=.cache/etcd/%/etcd) ## Read every etcd's metrics into monitoring/releases, then write their page
	go run ./cmd/internal/exported $(MINORS:%=.cache/etcd/%)
	$(MAKE) --no-print-directory docs

.PHONY: errors
errors: $(MINORS:%=.cache/etcd/%/etcd) ## Provoke what every etcd says when something is wrong, then write its page
	mkdir -p health/doctor/releases
	for minor in $(MINORS); do \
		go test ./health/doctor -run '^TestWhatEtcdSaysIsRecognised$$' -etcd $(CURDIR)/.cache/etcd/$$minor/etcd -record releases/$$minor.tsv; \
	done
	go test ./health/doctor -run '^TestPageOfTexts$$' -update

.PHONY: refusals
refusals: $(MINORS:%=.cache/etcd/%/etcd) ## Ask every etcd what it refuses calls about members with, and write its page
	ETCDCTR_E2E_BIN=$(CURDIR)/.cache/etcd go test -tags e2e ./member -run '^TestPageOfRefusedCalls$$' -update

.cache/etcd/3.4/etcd:
	mkdir -p $(@D)
	cd $(@D) && apt-get download etcd-server=3.4.23* && dpkg-deb --fsys-tarfile etcd-server*.deb | tar -x --strip-components=3 ./usr/bin/etcd

# What the end-to-end suite is handed, see e2e/README.md. Ryuk, the reaper of
# testcontainers, is an image of its own; the suite cleans up after itself and
# does without.
E2E_ENV = PATH="$(CURDIR)/.cache/tools:$$PATH" \
	ETCDCTR_E2E_ETCDCTR=$(CURDIR)/bin/etcdctr \
	ETCDCTR_E2E_BIN=$(CURDIR)/.cache/etcd \
	ETCDCTR_E2E_ENGINE=$(CURDIR)/.cache/engine \
	ETCDCTR_E2E_SYSTEMD=$(CURDIR)/.cache/systemd.tar \
	ETCDCTR_E2E_RELEASE=$(CURDIR)/.cache/release \
	TESTCONTAINERS_RYUK_DISABLED=$${TESTCONTAINERS_RYUK_DISABLED:-true}
E2E = $(E2E_ENV) go test -json -vet off -tags e2e -count 1

# How many tests run side by side: they wait most of their time.
LANES ?= 3
REPORT = go run ./e2e/report -dir .cache/report

# An engine on this machine publishes on loopback. testcontainers thinks
# otherwise when it runs in a container itself.
ifndef DOCKER_HOST
export TESTCONTAINERS_HOST_OVERRIDE ?= 127.0.0.1
endif

# What `make e2e` asks of the machine itself: programs, each with its package
# in Debian.
E2E_PROGRAMS := dockerd:docker.io ip:iproute2 nsenter:util-linux \
	foreman:ruby-foreman dnsmasq:dnsmasq-base openssl:openssl systemd-analyze:systemd \
	ssh:openssh-client sshd:openssh-server curl:curl python3:python3 gcc:gcc debootstrap:debootstrap \
	podman:podman newuidmap:uidmap slirp4netns:slirp4netns /usr/bin/docker-compose:docker-compose prometheus:prometheus promtool:prometheus chromium:chromium zsh:zsh fish:fish rpm:rpm

# Those packages, for a machine that has an engine of its own choice.
.PHONY: e2e-packages
e2e-packages:
	@echo $(filter-out docker.io,$(sort $(foreach program,$(E2E_PROGRAMS),$(lastword $(subst :, ,$(program)))))) bash-completion netavark aardvark-dns

.PHONY: e2e-machine
e2e-machine:
	@missing=; \
	for program in $(E2E_PROGRAMS); do \
		command -v "$${program%%:*}" >/dev/null || missing+=" $${program#*:}"; \
	done; \
	if [ -n "$$missing" ]; then \
		echo "make e2e calls programs that are not here. On Debian: apt-get install$$missing" >&2; \
		exit 1; \
	fi; \
	if [ "$$(uname)" != Linux ] || [ "$$(id -u)" != 0 ]; then \
		echo "make e2e makes network namespaces, which takes root on Linux" >&2; \
		exit 1; \
	fi; \
	if ! docker version >/dev/null 2>&1; then \
		echo "make e2e needs a Docker Engine, and none answers: docker version says why" >&2; \
		exit 1; \
	fi

# A Debian with nothing but systemd, for units that a real one is to start.
.cache/systemd.tar:
	mkdir -p $(@D)
	root=$$(mktemp -d) && trap 'rm -rf "$$root"' EXIT && \
		debootstrap --variant=minbase --include=systemd bookworm "$$root" >$(@D)/debootstrap.log && \
		tar -C "$$root" --exclude=./var/cache/apt --exclude=./var/lib/apt/lists --exclude=./usr/share/doc -cf $@ .

# A release for this machine alone: what is in it is what is tested.
.PHONY: e2e-release
e2e-release:
	$(MAKE) --no-print-directory release PLATFORMS=$(HOST) RELEASE_DIR=.cache/release >.cache/release.log

.PHONY: e2e-inputs
e2e-inputs: build .cache/tools/docker-compose .cache/tools/coredns .cache/tools/gofakes3 $(MINORS:%=.cache/etcd/%/etcd)

# A tool is the module tools/NAME, so that its dependencies do not mix with the
# product's; its `tool` lines say which programs it has.
.cache/tools/%: tools/%/go.mod tools/%/go.sum
	go build -C tools/$* -ldflags '-s -w' -o $(CURDIR)/$(@D)/ tool

# Upstream's main package is called cmd, and learns its version from the linker.
.cache/tools/docker-compose: tools/docker-compose/go.mod tools/docker-compose/go.sum
	version=$$(go -C tools/docker-compose list -m -f '{{.Version}}' github.com/docker/compose/v5); \
	go build -C tools/docker-compose -o $(CURDIR)/$@ \
		-ldflags "-s -w -X github.com/docker/compose/v5/internal.Version=$$version" tool

# The last of version 2, which most machines still have.
.cache/tools/docker-compose-2: tools/docker-compose-2/go.mod tools/docker-compose-2/go.sum
	version=$$(go -C tools/docker-compose-2 list -m -f '{{.Version}}' github.com/docker/compose/v2); \
	go build -C tools/docker-compose-2 -o $(CURDIR)/$@ \
		-ldflags "-s -w -X github.com/docker/compose/v2/internal.Version=$$version" tool

# Today's Docker Engine, for machines that have an older one. Not among the
# tools: what comes first on PATH would be started for the older one.
.cache/engine/dockerd: tools/dockerd/go.mod tools/dockerd/go.sum
	go build -C tools/dockerd -ldflags '-s -w' -o $(CURDIR)/$(@D)/ tool

# Part of it is C.
.cache/engine/runc: tools/runc/go.mod tools/runc/go.sum
	CGO_ENABLED=1 go build -C tools/runc -ldflags '-s -w' -o $(CURDIR)/$(@D)/ tool

# The newest etcd is the one that the product is built with.
.cache/etcd/$(LINKED)/etcd: go.mod
	$(call build-etcd,.)

.cache/etcd/%/etcd: tools/etcd-%/go.mod tools/etcd-%/go.sum
	$(call build-etcd,tools/etcd-$*)

# etcd comes last: it is the file that make looks at.
define build-etcd
	for program in etcdctl etcdutl server; do \
		go build -C $(1) -ldflags '-s -w' -o $(CURDIR)/$(@D)/$${program/server/etcd} go.etcd.io/etcd/$$program/v3; \
	done
endef
