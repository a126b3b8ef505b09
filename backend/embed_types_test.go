package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The types of the loader, on a sample of a shop's code, by TypeScript's own compiler.
func TestEmbedTypes(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("there is no npm on this machine")
	}
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS("testdata/types")); err != nil {
		t.Fatal(err)
	}
	types, err := os.ReadFile("../public/saoma.d.ts")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "saoma.d.ts"), types, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"npm", "ci", "--no-audit", "--no-fund"}, {"npx", "tsc", "--noEmit"}} {
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", command, err, out)
		}
	}
}
