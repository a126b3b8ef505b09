package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/andybalholm/brotli"
)

// A dist is the folder of finished files. Each is there three times: as it is, by gzip and by brotli. The server
// reads all it knows of them from their names, like app.0123456789abcdef.wasm.br.
type dist struct {
	folder string
	names  []string // what was put, in order
	kept   map[string]bool
}

// hashBytes of a SHA-256 are in a name. A name must differ whenever contents do; nobody attacks it.
const hashBytes = 8

// forms are the ways in which each file is stored, by the ending of the name.
var forms = [...]struct {
	ending string
	encode func(io.Writer) (io.WriteCloser, error)
}{
	{"", func(w io.Writer) (io.WriteCloser, error) { return nopCloser{w}, nil }},
	{".gz", func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriterLevel(w, gzip.BestCompression) }},
	{".br", func(w io.Writer) (io.WriteCloser, error) {
		return brotli.NewWriterLevel(w, brotli.BestCompression), nil
	}},
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func openDist(folder string) (*dist, error) {
	return &dist{folder: folder, kept: make(map[string]bool)}, os.MkdirAll(folder, 0o755)
}

// put stores a file in all its forms, unless it is there.
func (d *dist) put(name string, contents []byte) error {
	sum := sha256.Sum256(contents)
	stem, ending, _ := strings.Cut(name, ".")
	hashed := stem + "." + hex.EncodeToString(sum[:hashBytes]) + "." + ending
	d.names = append(d.names, hashed)
	for _, form := range forms {
		stored := hashed + form.ending
		d.kept[stored] = true
		if _, err := os.Stat(filepath.Join(d.folder, stored)); err == nil {
			continue
		}
		var b bytes.Buffer
		w, err := form.encode(&b)
		if err != nil {
			return fmt.Errorf("compress %s: %w", stored, err)
		}
		_, err = w.Write(contents)
		if err = errors.Join(err, w.Close()); err != nil {
			return fmt.Errorf("compress %s: %w", stored, err)
		}
		if err := d.write(stored, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// write stores a file at once: one that was interrupted would be taken for finished the next time.
func (d *dist) write(name string, contents []byte) error {
	unfinished := filepath.Join(d.folder, ".unfinished")
	if err := os.WriteFile(unfinished, contents, 0o644); err != nil {
		return err
	}
	return os.Rename(unfinished, filepath.Join(d.folder, name))
}

// removeOthers removes what was not put: the files of earlier builds.
func (d *dist) removeOthers() error {
	entries, err := os.ReadDir(d.folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if d.kept[e.Name()] {
			continue
		}
		if err := os.Remove(filepath.Join(d.folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// report prints how many bytes each file has in each form.
func (d *dist) report(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, err := fmt.Fprintln(table, "bytes\tgzip\tbrotli\t ")
	for _, name := range d.names {
		for _, form := range forms {
			info, statErr := os.Stat(filepath.Join(d.folder, name+form.ending))
			if statErr != nil {
				return statErr
			}
			_, printErr := fmt.Fprintf(table, "%d\t", info.Size())
			err = errors.Join(err, printErr)
		}
		_, printErr := fmt.Fprintf(table, "  %s\n", filepath.Join(d.folder, name))
		err = errors.Join(err, printErr)
	}
	return errors.Join(err, table.Flush())
}
