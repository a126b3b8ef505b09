package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// files serves what the checkout page loads, from memory.
type files map[string]file

type file struct {
	contents []byte
	zipped   []byte // by gzip
	etag     string
	mime     string
}

// served are the files of public/ that the checkout page and the shops' pages load.
var served = [...]string{"saoma.js", "frame.js", "frame.css", "wasm_exec.js", "app.wasm"}

func (s *Server) newFiles() (files, error) {
	fsys := make(files)
	for _, name := range served {
		contents, err := fs.ReadFile(s.Files, name)
		if errors.Is(err, fs.ErrNotExist) {
			// A build without make: the page still gets to "paid" by its plain script.
			s.Log.Warn("not built; run make", "file", "public/"+name)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read public/%s: %w", name, err)
		}
		sum := sha256.Sum256(contents)
		f := file{contents: contents, etag: `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
		f.mime = mime.TypeByExtension(path.Ext(name))
		if path.Ext(name) == ".wasm" {
			f.mime = "application/wasm" // not in every system's table, and instantiateStreaming insists on it
		}
		if f.zipped, err = s.zipped(name, contents); err != nil {
			return nil, err
		}
		fsys[name] = f
	}
	return fsys, nil
}

// zipped returns a file compressed by gzip: as make did, which takes its time for the program, or else here.
func (s *Server) zipped(name string, contents []byte) ([]byte, error) {
	b, err := fs.ReadFile(s.Files, name+".gz")
	if err == nil {
		return b, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read public/%s.gz: %w", name, err)
	}
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(contents); err != nil {
		return nil, fmt.Errorf("compress public/%s: %w", name, err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress public/%s: %w", name, err)
	}
	return buf.Bytes(), nil
}

// ServeHTTP serves /assets/{file}. Browsers ask each time whether a file has changed.
func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.serve(w, r, r.PathValue("file"), "no-cache")
}

// loader serves the script that shops embed. It is evergreen, so it is kept for minutes only; any page may
// load it, also with an integrity attribute.
func (f files) loader() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
		f.serve(w, r, "saoma.js", "public, max-age=300")
	})
}

func (f files) serve(w http.ResponseWriter, r *http.Request, name, cache string) {
	file, ok := f[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", file.mime)
	h.Set("Cache-Control", cache)
	h.Set("Vary", "Accept-Encoding")
	contents := file.contents
	h.Set("ETag", file.etag)
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		contents = file.zipped
		h.Set("Content-Encoding", "gzip")
		h.Set("ETag", strings.TrimSuffix(file.etag, `"`)+`-gz"`)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(contents))
}
