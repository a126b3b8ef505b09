package server

import (
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
)

// warm serves an empty page that fetches what a checkout page needs. The loader puts it into a hidden frame while
// the customer's pointer is on the way to the button: browsers keep what is loaded in frames of another site apart
// from what the shop's own page loads, so that nothing but a frame of ours can load ahead for a frame of ours.
func (s *Server) warm(f files) http.HandlerFunc {
	page := warmPage(f)
	return func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'")
		h.Set("Cache-Control", evergreen)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Embedder-Policy", "require-corp") // as the checkout page: isolated shops frame nothing else
		h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		_, _ = w.Write(page) // a writer that fails has nobody left to tell
	}
}

// warmPage names every file of the checkout page as the page itself does: a request of another kind would be
// another entry in the browser's cache.
func warmPage(f files) []byte {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<title>Saoma</title>\n<link rel=\"icon\" href=\"data:,\">\n")
	for _, name := range slices.Sorted(maps.Keys(f)) {
		address := template.HTMLEscapeString(f.address(name))
		switch {
		case name == "saoma.js" || releasedName.MatchString(name) || strings.HasSuffix(name, ".d.ts"):
			// of the shop's page
		case path.Ext(name) == ".js":
			fmt.Fprintf(&b, "<link rel=\"preload\" href=\"%s\" as=\"script\">\n", address)
		case path.Ext(name) == ".wasm":
			fmt.Fprintf(&b, "<link rel=\"preload\" href=\"%s\" as=\"fetch\" type=\"application/wasm\" crossorigin>\n", address)
		}
	}
	return []byte(b.String())
}
