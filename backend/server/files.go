package server

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// files are what browsers load of us, by the names they have in public/. Nothing is compressed or hashed here
// that make could do: it leaves each file in dist/ as NAME.HASH.ENDING, alone and with .gz and .br behind it.
type files map[string]file

// A file's address is its hash: what a browser has under it never changes.
type file struct {
	fsys  fs.FS
	mime  string
	hash  string
	forms map[string]string // by content coding: the name in fsys
}

// mimes are the types of all we serve. The system's own table differs from machine to machine.
var mimes = map[string]string{
	"js":   "text/javascript; charset=utf-8",
	"css":  "text/css; charset=utf-8",
	"wasm": "application/wasm", // instantiateStreaming insists on it
	"d.ts": "application/typescript; charset=utf-8",
}

// needed are the files without which the checkout page is not all it can be.
var needed = [...]string{"saoma.js", "frame.js", "look.js", "wechat.js", "frame.css", "wasm_exec.js", "app.wasm"}

const (
	forever = "public, max-age=31536000, immutable" // for addresses that change with their contents
	// The loader's plain address is evergreen: a shop gets a new one within minutes, and waits for it never.
	evergreen = "public, max-age=300, stale-while-revalidate=86400"
)

func (s *Server) newFiles() (files, error) {
	f := make(files)
	entries, err := fs.ReadDir(s.Files, "dist")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read public/dist: %w", err)
	}
	for _, e := range entries {
		f.add(s.Files, e.Name())
	}
	for _, name := range needed {
		if _, ok := f[name]; ok {
			continue
		}
		// A build without make: the page still gets to "paid" by its plain script.
		s.Log.Warn("not built; run make", "file", name)
		if err := f.addSource(s.Files, name); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// add takes a finished file, by its name in dist/. Names of another kind are passed over.
func (f files) add(fsys fs.FS, stored string) {
	plain, coding := stored, "identity"
	switch path.Ext(stored) {
	case ".br":
		plain, coding = strings.TrimSuffix(stored, ".br"), "br"
	case ".gz":
		plain, coding = strings.TrimSuffix(stored, ".gz"), "gzip"
	}
	name, hash, ok := cutHash(plain)
	_, ending, _ := strings.Cut(name, ".")
	if !ok || mimes[ending] == "" {
		return
	}
	if _, ok := f[name]; !ok {
		f[name] = file{fsys: fsys, mime: mimes[ending], hash: hash, forms: make(map[string]string)}
	}
	f[name].forms[coding] = "dist/" + stored
}

// addSource takes a file as people wrote it, if there is one.
func (f files) addSource(fsys fs.FS, name string) error {
	contents, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read public/%s: %w", name, err)
	}
	sum := sha256.Sum256(contents)
	_, ending, _ := strings.Cut(name, ".")
	f[name] = file{
		fsys: fsys, mime: mimes[ending], hash: hex.EncodeToString(sum[:8]), forms: map[string]string{"identity": name},
	}
	return nil
}

// cutHash takes app.HASH.wasm apart, into app.wasm and HASH.
func cutHash(hashed string) (name, hash string, ok bool) {
	stem, rest, _ := strings.Cut(hashed, ".")
	hash, ending, ok := strings.Cut(rest, ".")
	return stem + "." + ending, hash, ok
}

// address is where browsers find a file. It is empty if there is no such file.
func (f files) address(name string) string {
	file, ok := f[name]
	if !ok {
		return ""
	}
	stem, ending, _ := strings.Cut(name, ".")
	return "/assets/" + stem + "." + file.hash + "." + ending
}

// contents returns a file as it is, or nothing if there is none.
func (f files) contents(name string) ([]byte, error) {
	file, ok := f[name]
	if !ok {
		return nil, nil
	}
	return fs.ReadFile(file.fsys, file.forms["identity"])
}

// ServeHTTP serves /assets/{file}. An address of another build gets this build's file, though not for keeps:
// while servers are replaced one by one, a page of one asks another for what it needs.
func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, hash, _ := cutHash(r.PathValue("file"))
	file, ok := f[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	cache := forever
	if hash != file.hash {
		cache = "no-store"
	}
	file.serve(w, r, cache)
}

// serve answers with the file in the best form that the browser takes.
func (f file) serve(w http.ResponseWriter, r *http.Request, cache string) {
	coding := bestCoding(r.Header.Get("Accept-Encoding"), f.forms)
	contents, err := f.fsys.Open(f.forms[coding])
	if err != nil {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	defer func() { _ = contents.Close() }() // nothing was written
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", cache)
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", `"`+f.hash+`"`)
	if coding != "identity" {
		h.Set("Content-Encoding", coding)
		h.Set("ETag", `"`+f.hash+"-"+coding+`"`)
	}
	seeker, ok := contents.(io.ReadSeeker)
	if !ok {
		http.Error(w, "the file cannot be read", http.StatusInternalServerError)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, seeker)
}
