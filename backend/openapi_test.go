package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The API document breaks no rule of Redocly's recommended set.
func TestTheDocumentLintsClean(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("@redocly/cli comes by npm, which is not installed")
	}
	folder := filepath.Join("testdata", "openapi")
	tool := filepath.Join(folder, "node_modules", ".bin", "redocly")
	if _, err := os.Stat(tool); err != nil {
		npm := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
		npm.Dir = folder
		if out, err := npm.CombinedOutput(); err != nil {
			t.Fatalf("npm ci: %v\n%s", err, out)
		}
	}
	w := newWorld(t)
	document := w.call(t, "GET", "/openapi.json", "")
	file := filepath.Join(t.TempDir(), "openapi.json")
	if err := os.WriteFile(file, document.body, 0o600); err != nil {
		t.Fatal(err)
	}
	lint := exec.CommandContext(t.Context(), tool, "lint", "--config", filepath.Join(folder, "redocly.yaml"), "--max-problems", "1000", file)
	lint.Env = append(lint.Environ(), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true", "CI=true")
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("redocly lint: %v\n%s", err, out)
	}
}

// The readable document is whole without a script and without anything of another origin, and names every call.
func TestTheDocumentIsReadable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.call(t, "GET", "/docs", "")
	policy := a.header.Get("Content-Security-Policy")
	if a.status != http.StatusOK || !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "script-src") {
		t.Fatalf("%d, policy %q", a.status, policy)
	}
	page := string(a.body)
	for _, foreign := range []string{"<script", "<link rel=\"stylesheet", "src=\"http", "href=\"http", "@import", "url("} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page holds %s", foreign)
		}
	}
	for _, call := range readContract(t, w).calls {
		if !strings.Contains(page, `<b class="`+call.method+`">`+call.method+`</b> <code>`+call.path+`</code>`) {
			t.Errorf("the page leaves out %s", call.name)
		}
		if !strings.Contains(page, "五分钟接入") {
			t.Fatal("the page has no introduction")
		}
	}
}

// Every call that the API serves has its words in the document.
func TestEveryCallIsDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var doc struct {
		Paths map[string]map[string]struct{ OperationID, Summary, Description string }
	}
	w.call(t, "GET", "/openapi.json", "").json(t, &doc)
	for path, methods := range doc.Paths {
		for method, op := range methods {
			if op.OperationID == "" || op.Summary == "" || op.Description == "" {
				t.Errorf("%s %s has no words in server/calls.go", method, path)
			}
		}
	}
}
