// Build makes public/dist: everything that browsers load of us, minified, compressed, and named after its contents.
// It runs on the developer's machine only, by make, and is part of neither program.
//
//	go run ./widget/build
//
// What is there already is not made again: a file's name holds the hash of its contents.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

const (
	sources = "public"
	target  = "public/dist"
	scratch = ".build" // the slim copies of modules, and what is built from them
)

// written are the files that people wrote, as they lie in public/: scripts, styles and types.
var written = [...]string{"*.js", "*.css", "*.d.ts"}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "widget/build:", err)
		os.Exit(1)
	}
}

func run() error {
	if _, err := os.Stat(sources); err != nil {
		return fmt.Errorf("run it from the top folder, where go.mod is: %w", err)
	}
	d, err := openDist(target)
	if err != nil {
		return err
	}
	if err := putWritten(d); err != nil {
		return err
	}
	if err := putReleases(d); err != nil {
		return err
	}
	if err := putProgram(d); err != nil {
		return err
	}
	if err := d.removeOthers(); err != nil {
		return err
	}
	return d.report(os.Stdout)
}

func putWritten(d *dist) error {
	for _, pattern := range written {
		files, err := filepath.Glob(filepath.Join(sources, pattern))
		if err != nil {
			return err
		}
		for _, file := range files {
			contents, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			name := filepath.Base(file)
			if contents, err = minified(name, contents); err != nil {
				return err
			}
			if err := d.put(name, contents); err != nil {
				return err
			}
		}
	}
	return nil
}

// putReleases puts the loaders of earlier versions there as they were released, byte for byte: shops pin their hashes.
func putReleases(d *dist) error {
	released, err := filepath.Glob(filepath.Join(sources, "releases", "*.js"))
	if err != nil {
		return err
	}
	for _, file := range released {
		contents, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := d.put(filepath.Base(file), contents); err != nil {
			return err
		}
	}
	return nil
}

// putProgram builds the Go program for the browser and puts it there together with the script that starts it.
func putProgram(d *dist) error {
	wasm, err := buildProgram()
	if err != nil {
		return err
	}
	if err := d.put("app.wasm", wasm); err != nil {
		return err
	}
	script, err := wasmExec()
	if err != nil {
		return err
	}
	if script, err = minified("wasm_exec.js", script); err != nil {
		return err
	}
	return d.put("wasm_exec.js", script)
}
