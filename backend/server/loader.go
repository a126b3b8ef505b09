package server

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// versionInLoader finds the loader's version where it stands, once: in the loader.
var versionInLoader = regexp.MustCompile(`(?i)\bversion\s*[:=]\s*["'](\d+\.\d+\.\d+)["']`)

// A release is the loader as a shop pins it: an address whose contents never change, and their hash.
type release struct {
	Version   string `json:"version"`
	URL       string `json:"url"`
	Integrity string `json:"integrity"` // for Subresource Integrity
	Script    string `json:"script"`    // the tag to copy into a page
}

// releasedName is the name of a loader that was released and has had successors since, kept byte for byte in
// public/releases: v1-0-0.js is version 1.0.0.
var releasedName = regexp.MustCompile(`^v(\d+)-(\d+)-(\d+)\.js$`)

// shopFiles are what shops embed: the loader at its evergreen address and, for those who pin it, at the one of
// its version with the hash beside it, and its types for TypeScript. Any page may load them.
type shopFiles struct {
	pinned map[string]http.Handler // by version: this loader, and those that were released before

	evergreen, types, integrity http.Handler
}

func (s *Server) newShopFiles(f files) (shopFiles, error) {
	loader, err := f.contents("saoma.js")
	if err != nil {
		return shopFiles{}, fmt.Errorf("read the loader: %w", err)
	}
	found := versionInLoader.FindSubmatch(loader)
	if found == nil {
		return shopFiles{}, errors.New("read the loader: it does not say its version")
	}
	version := string(found[1])
	shops := shopFiles{
		evergreen: f.forShops("saoma.js", evergreen),
		types:     f.forShops("saoma.d.ts", evergreen),
		pinned:    make(map[string]http.Handler),
	}
	for name := range f {
		if earlier := releasedName.FindStringSubmatch(name); earlier != nil {
			shops.pinned[strings.Join(earlier[1:], ".")] = f.forShops(name, forever)
		}
	}
	shops.pinned[version] = f.forShops("saoma.js", forever)
	release, err := s.release(version, loader)
	if err != nil {
		return shopFiles{}, err
	}
	shops.integrity = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		openToShops(w.Header())
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", evergreen)
		_, _ = w.Write(release) // a writer that fails has nobody left to tell
	})
	return shops, nil
}

func (s *Server) release(version string, loader []byte) ([]byte, error) {
	sum := sha512.Sum384(loader)
	r := release{Version: version, URL: s.PublicURL + "/v" + version + "/saoma.js"}
	r.Integrity = "sha384-" + base64.StdEncoding.EncodeToString(sum[:])
	r.Script = fmt.Sprintf(`<script async src="%s" integrity="%s" crossorigin="anonymous"></script>`, r.URL, r.Integrity)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // it is for people's eyes
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(r); err != nil {
		return nil, fmt.Errorf("describe the loader: %w", err)
	}
	return b.Bytes(), nil
}

func (f files) forShops(name, cache string) http.Handler {
	file, ok := f[name]
	if !ok {
		return http.NotFoundHandler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		openToShops(w.Header())
		file.serve(w, r, cache)
	})
}

// openToShops lets pages of every origin load an answer, also with an integrity attribute and under a policy
// of isolation.
func openToShops(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
}
