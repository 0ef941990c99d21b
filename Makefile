# What one needs to work on awayd. `make` alone says what there is.

VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.1.4
BENCHSTAT   := golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
NFPM        := github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.0
ARCH        := $(shell go env GOARCH)

# A minimal Debian for package-test, made once.
DEBIAN      := /var/cache/awayd/debian-12

# Real servers and a client for the tests, systemd-analyze, another engine for
# recurrences, and promtool. lua-sec is Prosody's TLS.
DEMO    := prosody lua-sec radicale
# What looks at the web page.
BROWSER := chromium chromium-driver
SERVERS := $(DEMO) ejabberd xandikos systemd python3-recurring-ical-events profanity tmux prometheus $(BROWSER)
# What bench measures awayd beside.
PEERS   := radicale vdirsyncer curl python3-recurring-ical-events
# The race detector needs a C compiler.
COMPILER := gcc libc6-dev

# How long `make test-long` spends on each fuzz target.
FUZZTIME ?= 60s

# The packages with Go benchmarks, how often bench-go runs each, and where it
# writes what they say. See docs/testing.md for how to compare two commits.
BENCHED := ./caldav ./sync/absence ./sync/plan ./state
COUNT   ?= 10
BENCH   ?= bin/benchmarks.txt

.PHONY: help
help: ## says what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## builds bin/awayd
	go build -trimpath -buildvcs=false -ldflags '-X main.version=$(VERSION)' -o bin/awayd ./cmd/awayd

.PHONY: deb
deb: ## builds the Debian package into dist/; ARCH=arm64 for another machine
	@cmd/testbed/install.sh scdoc
	@rm -f dist/awayd_*_$(ARCH).deb
	.ci/deb $(VERSION) $(ARCH) go run $(NFPM)

.PHONY: package-test
package-test: ## leads the Debian package through its life, under a real systemd (root)
	@cmd/testbed/install.sh scdoc lintian debootstrap systemd-container util-linux $(DEMO)
	.ci/deb v0.0.1 $(ARCH) go run $(NFPM)
	.ci/deb v0.0.2 $(ARCH) go run $(NFPM)
	lintian --fail-on error,warning dist/awayd_0.0.1_$(ARCH).deb
	go run ./cmd/packaged -root $(DEBIAN) dist/awayd_0.0.1_$(ARCH).deb dist/awayd_0.0.2_$(ARCH).deb

.PHONY: newcomer
newcomer: ## does what README tells a newcomer, on an empty Debian, with a stop-watch (root, network)
	@cmd/testbed/install.sh scdoc debootstrap systemd-container util-linux ejabberd tmux $(DEMO) $(BROWSER)
	.ci/deb v0.0.1 $(ARCH) go run $(NFPM)
	go run ./cmd/packaged -root $(DEBIAN) -newcomer dist/awayd_0.0.1_$(ARCH).deb

.PHONY: demo
demo: ## tells the story of one vacation on real servers, in half a minute
	@cmd/testbed/install.sh $(DEMO)
	@go run ./cmd/demo

.PHONY: pictures
pictures: ## makes the pictures in docs/pictures, and fills what commands print into pages of docs
	@cmd/testbed/install.sh $(DEMO) tmux $(BROWSER) fonts-inter
	go run ./cmd/pictures

.PHONY: test
test: servers ## runs every test, those on real servers too
	go test -count=1 -timeout 20m ./...

.PHONY: test-long
test-long: servers ## runs what takes longer than CI should: more cases, soaks, fuzzing
	.ci/long $(FUZZTIME)

.PHONY: proof
proof: servers ## breaks awayd in every way it knows, and writes two pages of docs/ (an hour)
	go run ./cmd/proof -write docs/never-early.md
	go run ./cmd/demo -bad-day -write docs/a-bad-day.md

.PHONY: bench
bench: ## measures awayd beside others on the same work, and writes docs/benchmarks.md (two hours)
	@cmd/testbed/install.sh $(PEERS)
	go run ./cmd/bench -write docs/benchmarks.md

.PHONY: bench-go
bench-go: ## runs the Go benchmarks COUNT times, into BENCH, and sums them up with benchstat
	@mkdir -p $(dir $(BENCH))
	go test -run '^$$' -bench . -benchmem -count $(COUNT) -p 1 $(BENCHED) >$(BENCH)
	go run $(BENCHSTAT) $(BENCH)

.PHONY: check
check: servers compiler ## gofmt, vet, staticcheck, govulncheck, tidy, race detector
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go mod tidy -diff
	@.ci/vulnerabilities $(GOVULNCHECK)
	go test -race -count=1 -timeout 20m $$(go list ./... | grep -v -e /cmd/demo -e /cmd/testbed)

.PHONY: servers
servers: ## installs the servers that tests need, if they are missing (Debian, root or sudo)
	@cmd/testbed/install.sh $(SERVERS)

.PHONY: compiler
compiler:
	@cmd/testbed/install.sh $(COMPILER)

.PHONY: clean
clean: ## removes what was built
	rm -rf bin dist
