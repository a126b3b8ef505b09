# make run    the demo: server, shop and simulator, on http://127.0.0.1:8080, :8081 and :8082
# make test   all tests, also in a real browser
# make check  formatting, vet for both targets, lint, the build of both programs
# make bench  benchmarks: medians and ratios, nothing that passes or fails
# make crash  the program is killed 200 times under load (10 times in make test), and its books are checked each time
# make simulate SEED=7 ORDERS=1000   simulated days of a shop with everything going wrong, and then the books

GO      ?= go
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
WASM    := public/app.wasm public/app.wasm.gz public/wasm_exec.js
WIDGET  := $(shell find widget backend/wire -name '*.go' -not -name '*_test.go') go.mod go.sum

.PHONY: run build test check bench crash simulate clean

run: build
	./saoma

build: $(WASM)
	$(GO) build -trimpath -ldflags='-s -w' -o saoma ./backend

public/app.wasm: $(WIDGET)
	GOOS=js GOARCH=wasm $(GO) build -trimpath -ldflags='-s -w' -o $@ ./widget

public/app.wasm.gz: public/app.wasm
	gzip -9 -n -c $< >$@

public/wasm_exec.js: go.mod
	cp "$$($(GO) env GOROOT)/lib/wasm/wasm_exec.js" $@

test: $(WASM)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
	{ command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || \
	{ echo 'make test needs Chromium: install the package "chromium" and run it again' >&2; exit 1; }
	$(GO) test -race ./...
	$(GO) test ./backend/pay -run TestSimulation

check: $(WASM) .bin/golangci-lint
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these' >&2; exit 1; }
	$(GO) mod verify
	$(GO) vet ./...
	GOOS=js GOARCH=wasm $(GO) vet ./widget/...
	.bin/golangci-lint run
	GOOS=js GOARCH=wasm .bin/golangci-lint run ./widget/...
	$(GO) build -trimpath -o /dev/null ./backend

bench: $(WASM)
	$(GO) test -run '^$$' -bench . -benchmem ./...

crash: $(WASM)
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
	rm -f saoma $(WASM)
