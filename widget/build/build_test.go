package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The entries fit the modules that go.mod selects; one that does not says which version and what is amiss.
func TestSlimmings(t *testing.T) {
	t.Parallel()
	for _, s := range slimmings {
		folder := t.TempDir()
		if err := s.copyTo(folder); err != nil {
			t.Errorf("%s: %v", s.module, err)
		}
		for _, name := range s.without {
			if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
				t.Errorf("%s is still there", name)
			}
		}
		for what, other := range map[string]slimming{
			"nosuch.go":          {module: s.module, folders: s.folders, without: []string{"nosuch.go"}},
			"not import nothing": {module: s.module, folders: s.folders, imports: map[string]string{firstKey(s.imports): "nothing"}},
		} {
			err := other.copyTo(t.TempDir())
			if err == nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "widget/build/slim.go was written for") {
				t.Errorf("%s that has changed: %v; want a word of %s", s.module, err, what)
			}
		}
	}
}

func firstKey(m map[string]string) string {
	for k := range m {
		return k
	}
	return ""
}

func TestMinified(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"a.js":   {"(() => {\n  // why\n  const name = '付款';\n  console.log(name, name);\n})();\n", `console.log("付款","付款");`},
		"a.css":  {"/* why */\n:root {\n  color: #ffffff;\n}\n", `:root{color:#fff}`},
		"a.d.ts": {"// kept\n", "// kept\n"},
	} {
		if got, err := minified(name, []byte(c.in)); err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
	if _, err := minified("bad.js", []byte("const = 1")); err == nil || !strings.Contains(err.Error(), "bad.js") {
		t.Errorf("a script that is none: %v", err)
	}
}

// What is there is not made again, and what is of an earlier build goes.
func TestDist(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	names := func() (names []string) {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	build := func(contents string) []string {
		d, err := openDist(folder)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.put("a.d.ts", []byte(contents)); err != nil {
			t.Fatal(err)
		}
		if err := d.removeOthers(); err != nil {
			t.Fatal(err)
		}
		return names()
	}
	first := build("one")
	if len(first) != 3 || first[0] != "a.7692c3ad3540bb80.d.ts" || first[1] != first[0]+".br" || first[2] != first[0]+".gz" {
		t.Fatalf("built %q", first)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(folder, first[1]), old, old); err != nil {
		t.Fatal(err)
	}
	if again := build("one"); !slices.Equal(again, first) {
		t.Errorf("built again %q", again)
	}
	info, err := os.Stat(filepath.Join(folder, first[1]))
	if err != nil || time.Since(info.ModTime()) < time.Minute {
		t.Errorf("compressed again: %v, %v", info, err)
	}
	if second := build("two"); len(second) != 3 || slices.Contains(second, first[0]) {
		t.Errorf("after a change %q; before it %q", second, first)
	}
}
