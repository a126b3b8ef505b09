package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// heavy are packages that the program does without. Each costs every customer tens to hundreds of kilobytes,
// also if nothing calls it: what a package does at its start keeps it alive.
var heavy = []string{"net/http", "crypto/tls", "regexp", "image/png"}

// buildProgram builds widget/ for the browser, against slim copies of its modules, and returns it. The same
// sources and the same Go give the same bytes.
func buildProgram() ([]byte, error) {
	modfile, err := slimModules()
	if err != nil {
		return nil, err
	}
	inBrowser := []string{"GOOS=js", "GOARCH=wasm"}
	out := filepath.Join(scratch, "app.wasm")
	_, err = goCommand(inBrowser, "build", "-modfile="+modfile, "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
		"-o", out, "./widget")
	if err != nil {
		return nil, fmt.Errorf("build the program (if it compiles with the whole modules, then these have changed: "+
			"see widget/build/slim.go): %w", err)
	}
	packages, err := goCommand(inBrowser, "list", "-modfile="+modfile, "-deps", "./widget")
	if err != nil {
		return nil, err
	}
	for _, p := range strings.Fields(string(packages)) {
		if slices.Contains(heavy, p) {
			return nil, fmt.Errorf("the program for the browser imports %s, which is too heavy for it: do without, "+
				"or leave out what imports it in widget/build/slim.go", p)
		}
	}
	return os.ReadFile(out)
}

// wasmExec returns the script that belongs to the compiler.
func wasmExec() ([]byte, error) {
	root, err := goCommand(nil, "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
}

// goCommand runs the go command and returns what it prints.
func goCommand(env []string, args ...string) ([]byte, error) {
	cmd := exec.Command("go", args...)
	cmd.Env = append(cmd.Environ(), env...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, complaints.Bytes())
	}
	return out, nil
}
