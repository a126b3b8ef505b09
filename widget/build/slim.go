package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A slimming says what is left out of the copy of a module that the browser's program is built against.
type slimming struct {
	module   string
	folders  []string          // the packages that the program needs
	without  []string          // files left out
	imports  map[string]string // by file: the import that is replaced by the stand-in package of the same name
	standIns map[string]string // files of our own
}

// slimmings, with what each saves of the program by brotli. A module that has changed so that its entry does not
// fit any more stops the build.
var slimmings = []slimming{{
	module:  "github.com/maxence-charriere/go-app/v10",
	folders: []string{"pkg/app", "pkg/errors"},
	// Its server half, with net/http and TLS: 330 KB.
	without: []string{"pkg/app/http.go", "pkg/app/resource.go", "pkg/app/static.go", "pkg/app/wasm.go"},
	// Regular expressions for routes, with the tables of Unicode: 95 KB.
	imports:  map[string]string{"pkg/app/route.go": "regexp"},
	standIns: map[string]string{"pkg/app/standin.go": appStandIn, "standin/regexp/regexp.go": regexpStandIn},
}, {
	module:  "github.com/skip2/go-qrcode",
	folders: []string{".", "bitset", "reedsolomon"},
	// Codes as pictures, with compression; we draw ours: 45 KB.
	imports:  map[string]string{"qrcode.go": "image/png"},
	standIns: map[string]string{"standin/image/png/png.go": pngStandIn},
}}

// slimModules makes the copies and a go.mod that names them, and returns the latter's path.
func slimModules() (modfile string, err error) {
	if err := os.RemoveAll(scratch); err != nil {
		return "", err
	}
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return "", err
	}
	modfile = filepath.Join(scratch, "go.mod")
	for _, name := range []string{"go.mod", "go.sum"} {
		if err := copyFile(name, filepath.Join(scratch, name)); err != nil {
			return "", err
		}
	}
	for _, s := range slimmings {
		// By a path relative to the top folder: an absolute one would stand in the program.
		folder := "./" + path.Join(scratch, path.Base(strings.TrimSuffix(s.module, "/v10")))
		if err := s.copyTo(folder); err != nil {
			return "", fmt.Errorf("slim %s: %w", s.module, err)
		}
		if _, err := goCommand(nil, "mod", "edit", "-replace="+s.module+"="+folder, modfile); err != nil {
			return "", err
		}
	}
	return modfile, nil
}

func (s slimming) copyTo(folder string) error {
	// Downloads it if need be, in the version that go.mod selects.
	out, err := goCommand(nil, "mod", "download", "-json", s.module)
	if err != nil {
		return err
	}
	var module struct{ Dir, Version string }
	if err := json.Unmarshal(out, &module); err != nil {
		return fmt.Errorf("read what go mod download prints: %w", err)
	}
	if err := copyFile(filepath.Join(module.Dir, "go.mod"), filepath.Join(folder, "go.mod")); err != nil {
		return err
	}
	for _, f := range s.folders {
		if err := copyPackage(filepath.Join(module.Dir, f), filepath.Join(folder, f)); err != nil {
			return err
		}
	}
	if err := s.edit(folder); err != nil {
		return fmt.Errorf("version %s is not what widget/build/slim.go was written for: %w", module.Version, err)
	}
	return nil
}

// edit leaves out what is not needed and puts in what takes its place.
func (s slimming) edit(folder string) error {
	for _, name := range s.without {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	for name, imported := range s.imports {
		file := filepath.Join(folder, name)
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		line := "\t\"" + imported + "\"\n"
		if strings.Count(string(text), line) != 1 {
			return fmt.Errorf("%s does not import %s", name, imported)
		}
		changed := strings.Replace(string(text), line, "\t\""+path.Join(s.module, "standin", imported)+"\"\n", 1)
		if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
			return err
		}
	}
	for name, text := range s.standIns {
		if err := writeFile(filepath.Join(folder, name), []byte(text)); err != nil {
			return err
		}
	}
	return nil
}

// copyPackage copies the Go files of one folder, without the tests.
func copyPackage(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		if err := copyFile(file, filepath.Join(to, filepath.Base(file))); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	contents, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, contents)
}

func writeFile(name string, contents []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, contents, 0o644)
}
