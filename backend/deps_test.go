package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A rule says what a package may import besides the standard library, and why not more.
type rule struct {
	ours, others []string
	never        []string // of the standard library
	reason       string
}

// rules hold the structure of the tree. A new package needs a rule of its own.
var rules = map[string]rule{
	"saoma": {reason: "it is the files of public/ and nothing else"},
	"saoma/backend": {
		ours: []string{"saoma", "saoma/backend/bus", "saoma/backend/live", "saoma/backend/pay", "saoma/backend/server", "saoma/backend/server/dashboard", "saoma/backend/store",
			"saoma/backend/webhook", "saoma/backend/wechat", "saoma/backend/wechatsim", "saoma/backend/wire"},
		others: []string{"github.com/KimMachineGun/automemlimit", "github.com/alecthomas/kong", "github.com/oklog/ulid/v2", "github.com/pelletier/go-toml/v2", "golang.org/x/time",
			"github.com/standard-webhooks/standard-webhooks/libraries"}, // the demo's shop verifies, as any shop would
		reason: "it connects the parts; what they need is theirs to import",
	},
	"saoma/backend/bench": {
		ours: []string{"saoma/backend/live", "saoma/backend/pay", "saoma/backend/store", "saoma/backend/store/postgrestest", "saoma/backend/wechatsim"},
		others: []string{"github.com/gorilla/websocket", "github.com/nats-io/nats-server/v2", "github.com/oklog/ulid/v2",
			"modernc.org/sqlite"},
		reason: "it loads the program from outside, beside the bare engines, and is part of no program",
	},
	"saoma/backend/pay": {
		never:  []string{"log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand", "net/http", "database/sql", "os"},
		reason: "rules about money must be testable without anything; time, chance and logs are given or left to others",
	},
	"saoma/backend/bus": {
		others: []string{"github.com/nats-io/nats.go"},
		reason: "topics and numbers; it knows nothing of orders",
	},
	"saoma/backend/wire": {
		reason: "every import is downloaded by every customer",
	},
	"saoma/backend/wechatsim": {
		reason: "a mistake shared with the client would be invisible",
	},
	"saoma/backend/live": {
		others: []string{"github.com/gorilla/websocket"},
		reason: "topics and bytes; it knows nothing of orders",
	},
	"saoma/backend/store": {
		ours:   []string{"saoma/backend/pay"},
		others: []string{"modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/pressly/goose/v3"},
		reason: "SQL and nothing else",
	},
	"saoma/backend/store/postgrestest": {
		others: []string{"github.com/jackc/pgx/v5"},
		reason: "it runs a PostgreSQL for tests and is part of no program",
	},
	"saoma/backend/wechat": {
		ours: []string{"saoma/backend/pay"},
		others: []string{"github.com/wechatpay-apiv3/wechatpay-go", "github.com/cenkalti/backoff/v5",
			"github.com/failsafe-go/failsafe-go"},
		reason: "the SDK's pointers and errors end here",
	},
	"saoma/backend/webhook": {
		ours:   []string{"saoma/backend/pay"},
		others: []string{"github.com/standard-webhooks/standard-webhooks/libraries"},
		reason: "one signed request; what is sent, and when, is decided in pay",
	},
	"saoma/backend/server": {
		ours: []string{"saoma/backend/live", "saoma/backend/pay", "saoma/backend/wire", "saoma/widget/ui"},
		others: []string{"github.com/danielgtaylor/huma/v2", "github.com/maxence-charriere/go-app/v10",
			"github.com/prometheus/client_golang", "golang.org/x/sync", "golang.org/x/sys", "golang.org/x/time"},
		reason: "HTTP only: no SQL, no WeChat Pay",
	},
	"saoma/backend/server/dashboard": {
		ours:   []string{"saoma/backend/live", "saoma/backend/pay"},
		others: []string{"golang.org/x/crypto"},
		reason: "pages for people, by the standard library's templates: no SQL, no WeChat Pay, nothing of the API",
	},
	"saoma/widget": {
		ours:   []string{"saoma/widget/ui", "saoma/backend/wire"},
		others: []string{"github.com/maxence-charriere/go-app/v10"},
		never:  []string{"net/http"},
		reason: "net/http costs every customer 1.2 MB",
	},
	"saoma/widget/build": {
		others: []string{"github.com/andybalholm/brotli", "github.com/evanw/esbuild"},
		reason: "it makes what browsers load and is part of neither program",
	},
	"saoma/widget/ui": {
		ours:   []string{"saoma/backend/wire"},
		others: []string{"github.com/maxence-charriere/go-app/v10", "github.com/skip2/go-qrcode"},
		never:  []string{"net/http"},
		reason: "net/http costs every customer 1.2 MB",
	},
}

func TestWhoMayImportWhom(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"GOOS=linux GOARCH=amd64", "GOOS=js GOARCH=wasm"} {
		packages := "./..."
		if strings.Contains(target, "wasm") {
			packages = "./widget/..."
		}
		cmd := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, packages)
		cmd.Dir = ".."
		cmd.Env = append(cmd.Environ(), strings.Fields(target)...)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list for %s: %v", target, err)
		}
		for line := range strings.Lines(string(out)) {
			words := strings.Fields(line)
			checkImports(t, words[0], words[1:])
		}
	}
}

func checkImports(t *testing.T, pkg string, imports []string) {
	t.Helper()
	r, ok := rules[pkg]
	if !ok {
		t.Errorf("%s has no rule: say in deps_test.go what it may import, and why", pkg)
		return
	}
	for _, path := range imports {
		first, _, _ := strings.Cut(path, "/")
		allowed := false
		switch {
		case first == "saoma":
			allowed = slices.Contains(r.ours, path)
		case strings.Contains(first, "."):
			allowed = slices.ContainsFunc(r.others, func(module string) bool {
				return path == module || strings.HasPrefix(path, module+"/")
			})
		default:
			allowed = !slices.Contains(r.never, path)
		}
		if !allowed {
			t.Errorf("%s must not import %s: %s", pkg, path, r.reason)
		}
	}
}
