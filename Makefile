# make run    the demo: server, shop and simulator, on http://127.0.0.1:8080, :8081 and :8082
# make test   all tests, also in a real browser
# make check  formatting, vet for both targets, lint, the build of both programs, the budgets in bytes
# make bench  the whole program measured on this machine, in one table, and what customers see in a browser: a quarter of an hour.
#             ROWS='push callbacks' takes some rows, FLAGS='-cpuprofile DIR' profiles the server meanwhile;
#             go run ./backend/bench -help tells more
# make gallery  photographs of every state of the checkout, in themes, languages and widths: shots/index.html
# make soak   the program under a steady load, SOAK=1h or five minutes: memory, goroutines and descriptors must not grow
# make crash  the program is killed 200 times under load (10 times in make test), and its books are checked each time
# make simulate SEED=7 ORDERS=1000   simulated days of a shop with everything going wrong, and then the books

GO      ?= go
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# What browsers load, minified and compressed by widget/build; .built is as old as the last time.
DIST    := public/dist/.built
SOURCES := $(wildcard public/*.js public/releases/*.js public/*.css public/*.d.ts) go.mod go.sum \
           $(shell find widget backend/wire -name '*.go' -not -name '*_test.go')

.PHONY: run build needs test check bench gallery soak crash simulate clean

run: build
	./saoma

# Without C: one file that needs no library of the system, and two megabytes less of memory.
build: $(DIST)
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o saoma ./backend

$(DIST): $(SOURCES)
	$(GO) run ./widget/build
	@touch $@

# The programs that tests run, any of those before the colon, and the Debian package that brings one.
NEEDS := chromium,chromium-browser,google-chrome:chromium initdb:postgresql npm:npm php:php-cli python3:python3

needs:
	@PATH="$$PATH:$$(echo /usr/lib/postgresql/*/bin | tr ' ' :)"; missing=; \
	for need in $(NEEDS); do \
		for program in $$(echo $${need%:*} | tr , ' '); do command -v $$program >/dev/null && continue 2; done; \
		missing="$$missing $${need#*:}"; \
	done; \
	[ -z "$$missing" ] || { apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null; } || \
	{ echo "make test needs these packages; install them and run it again:$$missing" >&2; exit 1; }

# Tests that open a browser's windows run without the race detector: of the server it would tell what the others tell, in
# a multiple of the time. What tests write stays in memory where that has room and runs programs: they commit some ten
# thousand times, and each commit waits for the disk.
test: $(DIST) needs
	@set -e; \
	windows="^($$(grep -lE 'chromedp|[.]open(At|Page)?[(]t|[.]show[(]t|[*]window' backend/*_test.go | \
		xargs sed -n 's/^func \(Test[A-Za-z0-9_]*\)(.*/\1/p' | paste -sd '|' -))\$$"; \
	if memory=$$(mktemp -d /dev/shm/saoma.XXXXXX 2>/dev/null) && chmod 711 $$memory; then \
		trap "rm -rf $$memory" EXIT; \
		if [ "$$(df -Pm $$memory | awk 'NR == 2 { print $$4 }')" -ge 4000 ] && cp /bin/true $$memory && $$memory/true; then \
			export GOTMPDIR=$${TMPDIR:-/tmp} TMPDIR=$$memory; \
		fi; \
	fi; \
	set -x; \
	$(GO) test -race -timeout 30m -skip "$$windows" ./...; \
	$(GO) test -timeout 30m -run "$$windows" ./backend; \
	$(GO) test -run TestSimulation ./backend/pay

check: $(DIST) .bin/golangci-lint
	@test -z "$$(gofmt -l *.go backend widget)" || { gofmt -l *.go backend widget; echo 'run gofmt -w on these' >&2; exit 1; }
	$(GO) mod verify
	$(GO) vet ./...
	GOOS=js GOARCH=wasm $(GO) vet ./widget ./widget/ui
	.bin/golangci-lint run
	GOOS=js GOARCH=wasm .bin/golangci-lint run ./widget ./widget/ui
	$(GO) test ./backend -run TestBudgets -count=1 -v
	$(GO) build -trimpath -o /dev/null ./backend

bench: $(DIST)
	$(GO) run ./backend/bench $(FLAGS) $(ROWS)
	[ -n '$(ROWS)' ] || $(GO) test -run '^$$' -timeout 30m -bench 'TimeToCode|CallbackToPixels' ./backend

# WeChat's customers see all of this; look at it after a change of the widget or of its styles.
gallery: build
	SAOMA_GALLERY=$(CURDIR)/shots $(GO) test ./backend -run 'TestGallery|TestOtherMedia' -count=1 -timeout 30m

SOAK ?= 5m

soak: $(DIST)
	SAOMA_SOAK=$(SOAK) $(GO) test ./backend -run TestSoak -count=1 -timeout 0 -v

crash: $(DIST)
	SAOMA_CRASHES=200 $(GO) test ./backend -run TestKilledAtAnyMoment -count=1 -timeout 1h -v

.bin/golangci-lint: Makefile
	GOBIN=$(CURDIR)/.bin $(GO) install $(LINT)
	@touch $@

SEED   ?= $(shell date +%s)
ORDERS ?= 1000

simulate:
	@echo 'make simulate SEED=$(SEED) ORDERS=$(ORDERS)'
	$(GO) test ./backend/pay -run TestSimulation -count=1 -timeout 2h -v -seed $(SEED) -orders $(ORDERS)

clean:
	rm -rf saoma public/dist .build
