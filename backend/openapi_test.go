package main

import (
	"os"
	"os/exec"
	"path/filepath"
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
